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

    /// The body as text; nil where it is no UTF-8.
    public var text: String? { String(validating: body, as: UTF8.self) }
}
