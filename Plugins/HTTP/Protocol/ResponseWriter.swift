import HTTP

/// An answer as bytes (RFC 9112, section 4). Pure.
enum ResponseWriter {
    /// - Parameters:
    ///   - date: as `Date` has it (RFC 9110, section 6.6.1).
    ///   - omitsBody: for HEAD: the length is told and the body is not there.
    ///   - closes: the connection ends behind it.
    ///   - length: told by the body's own, in chunks that follow, or by the connection's end.
    static func bytes(
        _ response: HTTPResponse, date: String, omitsBody: Bool, closes: Bool, length: Length = .known
    ) -> [UInt8] {
        let status = (100...599).contains(response.status) ? response.status : 500
        let hasBody = status >= 200 && status != 204 && status != 304
        var text = "HTTP/1.1 \(status) \(reason(status))\r\n"
        for field in response.headers.fields where !ours.contains(field.name.lowercased()) {
            guard RequestHead.isToken(field.name.utf8) else { continue }
            text += "\(field.name): \(clean(field.value))\r\n"
        }
        if status >= 200 { text += "Date: \(date)\r\n" }
        if hasBody {
            switch length {
            case .known: text += "Content-Length: \(response.body.count)\r\n"
            case .chunks: text += "Transfer-Encoding: chunked\r\n"
            case .end: break
            }
        }
        if closes { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8) + (hasBody && !omitsBody && length == .known ? response.body : [])
    }

    /// How the other end knows where a body ends (RFC 9112, section 6).
    enum Length { case known, chunks, end }

    /// One chunk of a body (RFC 9112, section 7.1); an empty one is the last.
    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0d, 0x0a]
    }

    /// The switch to WebSocket (RFC 6455, section 4.2.2).
    static func switching(accept: String, subprotocol: String?) -> [UInt8] {
        var text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Accept: \(accept)\r\n"
        if let subprotocol { text += "Sec-WebSocket-Protocol: \(clean(subprotocol))\r\n" }
        return Array((text + "\r\n").utf8)
    }

    static let goOn = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private static let ours: Set<String> = ["content-length", "date", "connection", "transfer-encoding"]

    /// No value reaches into the next line.
    private static func clean(_ value: String) -> String {
        String(
            decoding: value.utf8.map { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 ? $0 : 0x20 }, as: UTF8.self)
    }

    private static func reason(_ status: Int) -> String { reasons[status] ?? "" }

    private static let reasons = [
        200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
        303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Content Too Large",
        414: "URI Too Long", 415: "Unsupported Media Type", 417: "Expectation Failed",
        422: "Unprocessable Content", 426: "Upgrade Required", 428: "Precondition Required",
        429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
        501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
        505: "HTTP Version Not Supported",
    ]
}
