import HTTP
import Sluice

/// Lets viewers in by WHEP, and starts an instance of a template for each.
public final class Door: Node {
    public static let descriptor = NodeDescriptor("door", summary: "Lets viewers in by WHEP", traits: [.live])

    @Parameter("template", default: "viewer", help: "The template that is started for each viewer.") var template:
        String
    private var context: NodeContext!
    private var requests: NodeContext.Inbox<HTTPExchange>?
    private var lease: HTTPLease?
    private var viewers: [String: (instance: NodeContext.Instance, tag: String)] = [:]
    private var count = 0

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError("no plugin provides HTTP", advice: "Add one to the plugin path.", isInputError: true)
        }
        let requests = context.inbox(of: HTTPExchange.self, capacity: 64)
        lease = try http.serve(
            HTTPRoute(
                .post, path: "/whep/{name}", exposes: ["Location", "ETag", "Link"],
                optionsHeaders: ["Accept-Post": "application/sdp"]),
            HTTPRoute(.patch, .delete, path: "/whep/{name}/{viewer}", exposes: ["ETag"]),
            to: requests, of: context.handle)
        (self.context, self.requests) = (context, requests)
        context.isWaiting(for: "viewers at \(http.address)/whep/NAME")
    }

    public func process(now: Instant) {
        while let exchange = requests?.next() { exchange.answer(answer(exchange.request)) }
    }

    public func close() { lease?.end() }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method != .post else { return admit(request) }
        guard let id = request.names["viewer"], let viewer = viewers[id] else {
            return .refusal(404, "There is no such viewer.")
        }
        if request.method == .delete {
            viewers[id] = nil
            viewer.instance.stop()
            return HTTPResponse(200)
        }
        guard let tag = request.headers["If-Match"] else { return .refusal(428, "Say which session by If-Match.") }
        return tag == viewer.tag ? HTTPResponse(204) : .refusal(412, "The session is another by now.")
    }

    private func admit(_ request: HTTPRequest) -> HTTPResponse {
        guard request.headers.mediaType == "application/sdp", let offer = request.text else {
            return .refusal(415, "An offer is application/sdp.", headers: ["Accept": "application/sdp"])
        }
        guard let (answer, peer) = negotiate(offer) else { return .refusal(406, "The offer has no codec of ours.") }
        count += 1
        let (id, tag) = ("\(count)", "\"\(count).1\"")
        viewers[id] = (context.start(template, resource: peer), tag)
        return HTTPResponse(
            201, "application/sdp", answer,
            headers: [
                "Location": "\(request.path)/\(id)", "ETag": tag, "Link": "<stun:203.0.113.5>; rel=\"ice-server\"",
            ])
    }

    /// Offer and answer are another page's.
    private func negotiate(_ offer: String) -> (answer: String, peer: any Sendable)? { nil }
}
