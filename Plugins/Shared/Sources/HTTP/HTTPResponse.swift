/// An answer. The service adds `Content-Length`, `Date`, and what CORS wants.
public struct HTTPResponse: Sendable {
    /// 200 to 599.
    public var status: Int
    /// Any, a name several times where it may be: `Link`. Control characters in them become spaces.
    public var headers: HTTPHeaders
    /// Left out where the status forbids one (204, 304), and for HEAD.
    public var body: [UInt8]
    /// It goes on behind `body`, in chunks and without a length. Left out for HEAD.
    public var stream: HTTPStream?

    /// An answer with `status`, without a body where none is given.
    public init(_ status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }

    /// With a body of that media type.
    public init(_ status: Int, _ type: String, _ text: String, headers: HTTPHeaders = [:]) {
        self.init(status, headers: headers, body: Array(text.utf8))
        self.headers["Content-Type"] = type
    }

    /// A refusal in words: one sentence as plain text.
    public static func refusal(_ status: Int, _ sentence: String, headers: HTTPHeaders = [:]) -> HTTPResponse {
        HTTPResponse(status, "text/plain; charset=utf-8", sentence + "\n", headers: headers)
    }
}

extension HTTPResponse: Equatable {
    /// The same answer, with the same stream.
    public static func == (a: HTTPResponse, b: HTTPResponse) -> Bool {
        a.status == b.status && a.headers == b.headers && a.body == b.body && a.stream === b.stream
    }
}
