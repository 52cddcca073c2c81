import Sluice

/// Requests that one owner answers: methods and a path.
public struct HTTPRoute: Sendable {
    /// GET stands for HEAD too. OPTIONS is answered by the service unless a route has it.
    public var methods: [HTTPMethod]
    /// Segments that are there, or are named: `/whep/{name}`, `/whep/{name}/{session}`. A named one fits any segment
    /// but the empty one; where several routes fit, the one whose earlier segments are there word for word counts.
    public var path: String
    /// Bytes that a body may have; more is answered with 413.
    public var bodyLimit = 65_536
    /// The owner's time for an answer; then it is 504.
    public var answersWithin = Interval.seconds(10)
    /// The service's token must be shown, where it has one.
    public var needsToken = true
    /// Takes other tokens besides: one must be shown then, whether the service has its own or not. On the service's
    /// thread.
    public var admits: (@Sendable (_ bearer: String, HTTPRequest) -> Bool)?
    /// Pages of other origins may use the route (CORS), and see these headers of answers. nil forbids it to them.
    public var exposes: [String]?
    /// A page for browsers that come to the route: shown to everybody who asks by GET for HTML, without a token.
    public var page: HTTPContent?
    /// Fields that the service's own answer to OPTIONS has besides, as `Accept-Post` (RFC 9725, section 4.2).
    public var optionsHeaders: HTTPHeaders = [:]

    /// A route of `methods` to `path`.
    public init(
        _ methods: HTTPMethod..., path: String, exposes: [String]? = nil, optionsHeaders: HTTPHeaders = [:]
    ) {
        (self.methods, self.path, self.exposes, self.optionsHeaders) = (methods, path, exposes, optionsHeaders)
    }
}

/// A file that the service answers with from memory: a page, a script. It is shown to everybody, without a token.
public struct HTTPContent: Sendable {
    /// Word for word: `/`, `/viewer.js`.
    public var path: String
    /// As `Content-Type` has it: `text/html; charset=utf-8`.
    public var type: String
    /// The file.
    public var body: [UInt8]

    /// `body` at `path`.
    public init(_ path: String, type: String, _ body: [UInt8]) {
        (self.path, self.type, self.body) = (path, type, body)
    }
    /// `text` at `path`.
    public init(_ path: String, type: String, _ text: String) { self.init(path, type: type, Array(text.utf8)) }
}
