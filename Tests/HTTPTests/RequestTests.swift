import HTTP
import Testing

@testable import HTTPPlugin

@Suite struct RequestTests {
    private func head(_ text: String) throws -> RequestHead {
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        let count = try #require(try RequestHead.end(in: bytes[...]))
        return try RequestHead(bytes[..<count])
    }

    private func status(_ text: String) -> Int {
        do {
            _ = try head(text)
            return 200
        } catch { return (error as? HTTPFault)?.status ?? 0 }
    }

    @Test func aHeadIsReadWithEveryHeader() throws {
        let head = try head(
            "PATCH /whep/a%20b?x=1 HTTP/1.1\nHost: a\nIf-Match:  \"1\" \nX-Own: \t1, 2\nx-own: 3\nConnection: Keep-Alive, close\n\n"
        )
        #expect(head.method == .patch && head.target == "/whep/a%20b?x=1" && head.isCurrent && head.closes)
        #expect(head.headers["if-match"] == "\"1\"")
        #expect(head.headers.list("X-OWN") == ["1", "2", "3"])
        let path = try RequestPath(head.target)
        #expect(path.segments == ["whep", "a b"] && path.query == "x=1" && path.text == "/whep/a b")
    }

    @Test func aTargetMayHaveSchemeAndHost() throws {
        #expect(try head("GET http://a:1/b HTTP/1.1\nHost: a\n\n").target == "/b")
        #expect(try head("GET HTTPS://a HTTP/1.1\nHost: a\n\n").target == "/")
        #expect(try head("OPTIONS * HTTP/1.1\nHost: a\n\n").target == "*")
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\n\n", 400), ("GET / HTTP/1.0\n\n", 200), ("GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400),
        ("GET / HTTP/2.0\nHost: a\n\n", 505), ("PRI * HTTP/2.0\n\n", 505), ("GET / FTP/1.1\nHost: a\n\n", 400),
        ("GET  / HTTP/1.1\nHost: a\n\n", 400), ("GET /\nHost: a\n\n", 400), ("G@T / HTTP/1.1\nHost: a\n\n", 400),
        ("GET a HTTP/1.1\nHost: a\n\n", 400), ("GET /\u{e9} HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\nHost: a\nX : 1\n\n", 400), ("GET / HTTP/1.1\nHost: a\nX\n\n", 400),
        ("GET / HTTP/1.1\nHost: a\n folded\n\n", 400), ("GET / HTTP/1.1\nHost: a\nX: \u{1}\n\n", 400),
        ("GET / HTTP/1.1\nHost: a\nX: \u{e9}\n\n", 200), ("BREW / HTTP/1.1\nHost: a\n\n", 200),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\n", 200),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: +5\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 5, 5\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 5\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked\n\n", 501),
        ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding:\n\n", 400),
        ("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked\n\n", 400),
        ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n", 200),
        ("POST / HTTP/1.1\nHost: a\nExpect: 100-Continue\n\n", 200), ("POST / HTTP/1.1\nHost: a\nExpect: tea\n\n", 417),
    ])
    func aHeadIsTakenOrRefusedByTheLetter(text: String, wanted: Int) { #expect(status(text) == wanted) }

    @Test func aHeadThatIsTooLongIsRefusedWhereverItsEndIs() {
        let name = String(repeating: "a", count: 9_000)
        #expect(status("GET /\(name) HTTP/1.1\nHost: a\n\n") == 414)
        #expect(status("GET / HTTP/1.1\nHost: a\nX: \(name)\nY: \(name)\n\n") == 431)
        #expect(status("GET / HTTP/1.1\nHost: a\n" + String(repeating: "X: 1\n", count: 120) + "\n") == 431)
        let endless = [UInt8](repeating: 0x61, count: 20_000)
        #expect(throws: HTTPFault.self) { _ = try RequestHead.end(in: endless[...]) }
        #expect(throws: HTTPFault.self) { _ = try RequestHead.end(in: endless[...], searched: 16_000) }
    }

    @Test func aHeadThatComesByteByByteIsFoundWhole() throws {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\nrest".utf8)
        var searched = 0
        for count in 0..<bytes.count {
            guard let end = try RequestHead.end(in: bytes[..<count], searched: searched) else {
                searched = count
                continue
            }
            #expect(end == bytes.count - 4 && count == end)
            return
        }
        Issue.record("no end")
    }

    @Test(arguments: ["/%", "/%4", "/%zz", "/%00", "/a%0d%0a", "/%ff", "/%c0%af"])
    func aPathThatIsNoTextIsRefused(target: String) { #expect(throws: HTTPFault.self) { _ = try RequestPath(target) } }

    @Test func aPlusIsAPlusAndASlashInASegmentParts() throws {
        #expect(try RequestPath("/a+b/c%2Fd/").segments == ["a+b", "c/d", ""])
        #expect(try RequestPath("/").segments == [""])
        #expect(try RequestPath("/a?b?c=%zz").query == "b?c=%zz")
    }

    // MARK: Bodies

    private func body(_ text: String, limit: Int = 100, piece: Int = 1_000) throws -> (String, rest: String, Bool) {
        var reader = try BodyReader(.chunked, limit: limit)
        let bytes = Array(text.replacing("\n", with: "\r\n").utf8)
        var at = 0
        while at < bytes.count, !reader.isDone {
            var part = bytes[at..<min(bytes.count, at + piece)]
            let before = part.count
            try reader.take(&part)
            at += before - part.count
        }
        return (
            String(decoding: reader.body, as: UTF8.self), String(decoding: bytes[at...], as: UTF8.self), reader.isDone
        )
    }

    @Test(arguments: [1, 2, 3, 1_000])
    func chunksAreJoinedAndTheNextRequestIsLeft(piece: Int) throws {
        let (text, rest, isDone) = try body(
            "3\nabc\n0B;x=\"y\"\n0123456789a\n0\nTrailer: 1\n\nGET /", piece: piece)
        #expect(text == "abc0123456789a" && rest == "GET /" && isDone)
    }

    @Test(arguments: [
        ("\n", 400), ("g\n", 400), ("-1\n", 400), ("3\nabcd\n", 400), (" 3\nabc\n", 400), ("65\n", 413),
        ("fffffffff\n", 413), ("60\n" + String(repeating: "a", count: 96) + "\n5\n", 413),
        ("1;" + String(repeating: "x", count: 300) + "\n", 400),
        ("0\n" + String(repeating: "x: y\n", count: 1_000) + "\n", 431),
    ])
    func brokenAndOverlongChunksAreRefused(text: String, status: Int) {
        let fault = #expect(throws: HTTPFault.self) { _ = try body(text) }
        #expect(fault?.status == status)
    }

    @Test func aLengthOverTheLimitIsRefusedBeforeABytesIsRead() throws {
        #expect(throws: HTTPFault.self) { _ = try BodyReader(.length(101), limit: 100) }
        var reader = try BodyReader(.length(3), limit: 100)
        var bytes = Array("abcdef".utf8)[...]
        try reader.take(&bytes)
        #expect(reader.isDone && reader.body.count == 3 && bytes.count == 3)
    }

    // MARK: Answers

    @Test func anAnswersHeadersCannotBecomeLines() {
        let response = HTTPResponse(
            201,
            headers: ["Location": "/a\r\nX: 1", "Link": "<a>", "link": "<b>", "bad name": "1", "Content-Length": "9"],
            body: Array("hi".utf8))
        let text = String(
            decoding: ResponseWriter.bytes(response, date: "D", omitsBody: false, closes: true), as: UTF8.self)
        #expect(
            text
                == "HTTP/1.1 201 Created\r\nLocation: /a  X: 1\r\nLink: <a>\r\nlink: <b>\r\nDate: D\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        )
        let none = ResponseWriter.bytes(HTTPResponse(204, body: [1]), date: "D", omitsBody: false, closes: false)
        #expect(String(decoding: none, as: UTF8.self) == "HTTP/1.1 204 No Content\r\nDate: D\r\n\r\n")
        let head = ResponseWriter.bytes(response, date: "D", omitsBody: true, closes: false)
        #expect(String(decoding: head, as: UTF8.self).hasSuffix("Content-Length: 2\r\n\r\n"))
    }

    @Test func aDateIsWrittenAsTheRFCWantsIt() {
        var line = DateLine()
        #expect(line.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(line.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    }
}
