/// A request as its route's owner gets it: whole, and within the route's limits.
public struct HTTPRequest: Sendable {
    /// HEAD comes as GET; the service leaves the body of the answer out.
    public var method: HTTPMethod
    /// From the first `/` on, percent-encoding undone: `/whep/viewer`.
    public var path: String
    /// The segments of the path that the route names: `["name": "viewer"]`.
    public var names: [String: String]
    /// Behind the `?`, as it came; empty where there is none.
    public var query: String
    /// All of them, also those that this service does not know.
    public var headers: HTTPHeaders
    /// Without any transfer coding.
    public var body: [UInt8]
    /// The other end, `192.0.2.1:50000`.
    public var peer: String

    /// A request as tests make it.
    public init(
        _ method: HTTPMethod, _ path: String, names: [String: String] = [:], query: String = "",
        headers: HTTPHeaders = [:], body: [UInt8] = [], peer: String = ""
    ) {
        (self.method, self.path, self.names, self.query) = (method, path, names, query)
        (self.headers, self.body, self.peer) = (headers, body, peer)
    }

    /// A page's WebSocket can set no header: its token is a subprotocol of this beginning.
    public static let bearerSubprotocol = "bearer."

    /// The token that it shows: in `Authorization: Bearer TOKEN` (RFC 6750, section 2.1), or for a WebSocket of a page
    /// as the subprotocol `bearer.TOKEN`.
    public var bearer: String? {
        let parts = headers["Authorization"]?.split(separator: " ", maxSplits: 1) ?? []
        if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
        let offered = headers.list("Sec-WebSocket-Protocol").first { $0.hasPrefix(HTTPRequest.bearerSubprotocol) }
        return offered.map { String($0.dropFirst(HTTPRequest.bearerSubprotocol.count)) }
    }

    /// The body as text; nil where it is no UTF-8.
    public var text: String? { String(validating: body, as: UTF8.self) }
}
