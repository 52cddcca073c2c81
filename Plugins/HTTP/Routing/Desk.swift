import HTTP
import Sluice
import Synchronization

/// Looks at each request before anything is done for it: the limit of its address, its route, the token. Pure but for
/// the routes and the counts, which any thread may ask for.
final class Desk: Sendable {
    let token: AccessToken?
    let table = Mutex(RouteTable())
    let counts = Mutex(HTTPCounts())
    private let limits: Mutex<RequestLimits>

    init(token: AccessToken?, perSecond: Int) {
        self.token = token
        limits = Mutex(RequestLimits(perSecond: perSecond))
    }

    func count(_ number: WritableKeyPath<HTTPCounts, Int> & Sendable, _ change: Int = 1) {
        counts.withLock { $0[keyPath: number] += change }
    }

    func admit(_ head: RequestHead, from peer: Peer, now: Instant) throws -> Admission {
        count(\.requests)
        let path = try RequestPath(head.target == "*" ? "/" : head.target)
        let fit = table.withLock { $0.fit(path.segments) }
        guard let method = head.method else {
            throw HTTPFault(501, "This service knows GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.")
        }
        if method == .options, fit?.first(.options) == nil {
            if head.target == "*" { return .answer(HTTPResponse(204, headers: ["Allow": "GET, HEAD, OPTIONS"])) }
            guard let fit else { return .answer(Sharing.absent(to: head.headers, isPreflight: true)) }
            return .answer(Sharing.options(fit, to: head.headers))
        }
        var request = HTTPRequest(
            method == .head ? .get : method, path.text, query: path.query, headers: head.headers, peer: peer.shown)
        // An end makes less work than there was, and is not put off.
        let makesWork = ![.get, .head, .options, .delete].contains(method) || head.upgradesToWebSocket
        if makesWork, let refusal = limited(peer, now) { return .answer(shared(refusal, fit, head)) }
        guard let fit else {
            let isIndex = request.method == .get && path.segments.allSatisfy(\.isEmpty)
            return .answer(isIndex ? index : Sharing.absent(to: head.headers, isPreflight: false))
        }
        if head.upgradesToWebSocket, let found = fit.socket {
            request.names = found.names
            return admitSocket(request, found.entry, head, peer, now)
        }
        guard let found = fit.first(request.method) else {
            if fit.socket != nil, request.method == .get {
                return .answer(
                    .refusal(
                        426, "WebSockets are spoken here.", headers: ["Upgrade": "websocket", "Connection": "Upgrade"]))
            }
            let allowed = fit.allowed.map(\.rawValue).joined(separator: ", ")
            return .answer(
                shared(.refusal(405, "\(method.rawValue) is not done here.", headers: ["Allow": allowed]), fit, head))
        }
        request.names = found.names
        switch found.entry.target {
        case .socket: return .answer(Sharing.absent(to: head.headers, isPreflight: false))
        case .content(let content): return .answer(content.answer(to: head.headers))
        case .route(let route, let post):
            if let page = route.page, request.method == .get, Content.isWanted(head.headers) {
                return .answer(Content(page).answer(to: head.headers))
            }
            if route.needsToken, !isAllowed(request.bearer, request, route.admits) {
                return .answer(shared(unauthorized(peer, now, isCounted: makesWork), fit, head))
            }
            return .exchange(route, request, post: post)
        }
    }

    private func admitSocket(
        _ request: HTTPRequest, _ entry: RouteTable.Entry, _ head: RequestHead, _ peer: Peer, _ now: Instant
    ) -> Admission {
        guard case .socket(let route, let post) = entry.target else {
            return .answer(Sharing.absent(to: head.headers, isPreflight: false))
        }
        guard head.method == .get, head.isCurrent, let key = head.headers["Sec-WebSocket-Key"],
            WebSocketWriter.isKey(key), head.body == .none
        else { return .answer(.refusal(400, "The request for a WebSocket lacks its key, or has a body.")) }
        guard head.headers["Sec-WebSocket-Version"] == "13" else {
            return .answer(
                .refusal(426, "Version 13 of WebSocket is spoken here.", headers: ["Sec-WebSocket-Version": "13"]))
        }
        let offered = head.headers.list("Sec-WebSocket-Protocol")
        let bearer = offered.first { $0.hasPrefix(HTTPRequest.bearerSubprotocol) }
        if route.needsToken, !isAllowed(request.bearer, request, route.admits) {
            return .answer(unauthorized(peer, now, isCounted: true))
        }
        // A browser that has offered something fails where nothing is chosen.
        let chosen = route.subprotocols.first { offered.contains($0) } ?? (offered.count == 1 ? bearer : nil)
        return .socket(request, subprotocol: chosen, lease: entry.lease, post: post)
    }

    /// Whether it shows the token of the service, or one that the route's owner takes besides.
    private func isAllowed(
        _ bearer: String?, _ request: HTTPRequest, _ admits: (@Sendable (String, HTTPRequest) -> Bool)?
    ) -> Bool {
        guard token != nil || admits != nil else { return true }
        guard let bearer else { return false }
        return token?.matches(bearer) == true || admits?(bearer, request) == true
    }

    private func limited(_ peer: Peer, _ now: Instant) -> HTTPResponse? {
        let wait: Int? = limits.withLock { $0.admit(peer.group, now: now) ? nil : $0.retryAfter }
        guard let wait else { return nil }
        count(\.requestsLimited)
        return .refusal(429, "This address asks too often.", headers: ["Retry-After": String(wait)])
    }

    /// A client that guesses tokens is held to the limit, whatever the method.
    private func unauthorized(_ peer: Peer, _ now: Instant, isCounted: Bool) -> HTTPResponse {
        if !isCounted, let refusal = limited(peer, now) { return refusal }
        count(\.requestsUnauthorized)
        return .refusal(
            401, "Show the token: Authorization: Bearer and the token.", headers: ["WWW-Authenticate": "Bearer"])
    }

    private func shared(_ response: HTTPResponse, _ fit: RouteTable.Fit?, _ head: RequestHead) -> HTTPResponse {
        guard let route = fit?.shared else { return response }
        var response = response
        for field in Sharing.fields(route, to: head.headers).fields { response.headers.add(field.name, field.value) }
        return response
    }

    private var index: HTTPResponse {
        IndexPage.response(of: token == nil ? table.withLock { $0.pages } : nil)
    }
}
