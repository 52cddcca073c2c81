import HTTP

/// The first part of a request: its line and its headers (RFC 9112, sections 3 and 5). Pure and total.
struct RequestHead: Equatable {
    /// How the body's length is told (RFC 9112, section 6).
    enum Body: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// nil for one that is none of ours.
    var method: HTTPMethod?
    /// As it came: `/whep/viewer?x=1`. `*` for the whole server.
    var target: String
    /// HTTP/1.1, not 1.0.
    var isCurrent: Bool
    var headers: HTTPHeaders
    var body: Body

    /// The client wants a word before it sends the body (RFC 9110, section 10.1.1).
    var expectsContinue: Bool { isCurrent && headers["Expect"]?.lowercased() == "100-continue" }
    /// The connection ends behind the answer.
    var closes: Bool { !isCurrent || headers.list("Connection").contains { $0.lowercased() == "close" } }
    /// It asks for a WebSocket.
    var upgradesToWebSocket: Bool {
        headers.list("Connection").contains { $0.lowercased() == "upgrade" }
            && headers.list("Upgrade").contains { $0.lowercased() == "websocket" }
    }
}

extension RequestHead {
    /// Bytes of a head, and of its first line, at most.
    static let most = 16_384
    static let mostLine = 8_192
    static let mostFields = 100

    /// The number of bytes up to the end of the head that `bytes` begin with; nil where it is not whole. `searched` of
    /// them have no end in them, from an earlier call.
    static func end(in bytes: ArraySlice<UInt8>, searched: Int = 0) throws -> Int? {
        var index = bytes.startIndex + max(0, min(searched, bytes.count) - 3)
        while index < bytes.endIndex {
            // An end within the limit counts, whatever follows.
            if index - bytes.startIndex >= most { throw tooLarge }
            if bytes[index] == 0x0a, bytes[..<index].suffix(3).elementsEqual([0x0d, 0x0a, 0x0d]) {
                return index + 1 - bytes.startIndex
            }
            index += 1
        }
        return nil
    }

    private static let tooLarge = HTTPFault(
        431, "The head of the request has more than \(most) bytes or \(mostFields) fields.")

    /// `bytes` are a whole head, the empty line at its end included.
    init(_ bytes: ArraySlice<UInt8>) throws {
        var lines = Lines(rest: bytes)
        guard let first = try lines.next() else { throw HTTPFault(400, "The request has no first line.") }
        guard first.count <= RequestHead.mostLine else {
            throw HTTPFault(414, "The target has more than \(RequestHead.mostLine) bytes.")
        }
        let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, RequestHead.isToken(words[0]), !words[1].isEmpty,
            words[1].allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw HTTPFault(400, "The first line is no method, target and version.") }
        switch String(decoding: words[2], as: UTF8.self) {
        case "HTTP/1.1": isCurrent = true
        case "HTTP/1.0": isCurrent = false
        case let version where version.hasPrefix("HTTP/"):
            throw HTTPFault(505, "This service speaks HTTP/1.1.")
        default: throw HTTPFault(400, "The first line ends with no version.")
        }
        method = HTTPMethod(rawValue: String(decoding: words[0], as: UTF8.self))
        target = try RequestHead.target(String(decoding: words[1], as: UTF8.self))
        headers = [:]
        while let line = try lines.next(), !line.isEmpty {
            guard headers.fields.count < RequestHead.mostFields else { throw RequestHead.tooLarge }
            let field = try RequestHead.field(line)
            headers.add(field.name, field.value)
        }
        let hosts = headers.all("Host").count
        guard hosts == 1 || hosts == 0 && !isCurrent else {
            throw HTTPFault(400, "The request has \(hosts == 0 ? "no Host" : "more than one Host").")
        }
        body = try RequestHead.body(headers, isCurrent: isCurrent)
        if headers["Expect"] != nil, isCurrent, !expectsContinue {
            throw HTTPFault(417, "This service knows no expectation but 100-continue.")
        }
    }

    /// Lines that end with CR LF.
    private struct Lines {
        var rest: ArraySlice<UInt8>

        mutating func next() throws -> ArraySlice<UInt8>? {
            guard let end = rest.firstIndex(of: 0x0a) else { return nil }
            guard end > rest.startIndex, rest[end - 1] == 0x0d else {
                throw HTTPFault(400, "A line of the head does not end with CR LF.")
            }
            let line = rest[rest.startIndex..<end - 1]
            rest = rest[(end + 1)...]
            return line
        }
    }

    private static func field(_ line: ArraySlice<UInt8>) throws -> HTTPHeaders.Field {
        guard let colon = line.firstIndex(of: 0x3a), isToken(line[..<colon]) else {
            throw HTTPFault(400, "A line of the head is no header field.")
        }
        var value = line[(colon + 1)...]
        while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
        while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
            throw HTTPFault(400, "A header has a control character.")
        }
        return HTTPHeaders.Field(
            String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    /// A token (RFC 9110, section 5.6.2).
    static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                // ! # $ % & ' * + - . ^ _ ` | ~
                case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
                default: false
                }
            }
    }

    /// The target without scheme and host (RFC 9112, section 3.2).
    private static func target(_ text: String) throws -> String {
        if text.hasPrefix("/") || text == "*" { return text }
        for scheme in ["http://", "https://"] where text.lowercased().hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            guard let slash = rest.firstIndex(of: "/") else { return "/" }
            return String(rest[slash...])
        }
        throw HTTPFault(400, "The target is no path.")
    }

    /// Two lengths, or a length beside chunks, are how one request is made to look like two: refused (RFC 9112, section
    /// 6.3).
    private static func body(_ headers: HTTPHeaders, isCurrent: Bool) throws -> Body {
        let lengths = headers.all("Content-Length")
        let codings = headers.list("Transfer-Encoding")
        if codings.isEmpty {
            guard headers.all("Transfer-Encoding").isEmpty else { throw HTTPFault(400, "A coding has no name.") }
            guard let text = lengths.first else { return .none }
            guard lengths.count == 1, !text.isEmpty, text.utf8.count <= 15,
                text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text)
            else { throw HTTPFault(400, "Content-Length is no number.") }
            return length == 0 ? .none : .length(length)
        }
        guard lengths.isEmpty, isCurrent else { throw HTTPFault(400, "The length of the body is told twice.") }
        guard codings.count == 1, codings[0].lowercased() == "chunked" else {
            throw HTTPFault(501, "This service knows no transfer coding but chunked.")
        }
        return .chunked
    }
}
