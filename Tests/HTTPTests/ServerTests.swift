import Foundation
import HTTP
import Sluice
import TestSupport
import Testing

@testable import HTTPPlugin

/// A server on the loopback, asked by curl, by Python's standard library and by hand.
@Suite(.realPeers) struct ServerTests {
    private static let told = HTTPRoute(.get, .post, .patch, .delete, path: "/whep/{name}", exposes: ["ETag", "Link"])

    /// The request in words, as the answer's body.
    private static func echo(_ request: HTTPRequest) -> HTTPResponse {
        let names = request.names.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        return HTTPResponse(
            request.method == .post ? 201 : 200, "text/plain",
            "\(request.method.rawValue) \(request.path) \(names) \(request.headers["X-Own"] ?? "-") \(request.text ?? "?")",
            headers: ["ETag": "\"1\"", "Link": "<stun:a>; rel=\"ice-server\"", "Link": "<turn:b>; rel=\"ice-server\""])
    }

    @Test func curlGetsWhatANodeAnswersWithEveryHeader() throws {
        let rig = try Rig()
        try rig.serve(Self.told, Self.echo)
        let url = "\(rig.server.address)/whep/a%20b"
        let post = try Finished.curl("-H", "X-Own: 7", "-H", "Content-Type: application/sdp", "-d", "v=0", url)
        #expect(post.output.hasPrefix("HTTP/1.1 201 Created\r\n"), "\(post)")
        #expect(post.output.hasSuffix("\r\n\r\nPOST /whep/a b name=a b 7 v=0"), "\(post)")
        #expect(post.output.matches(of: /Link: <(stun:a|turn:b)>; rel="ice-server"\r\n/).count == 2)
        #expect(!post.output.contains("Access-Control"))
        let head = try Finished.curl("-I", url)
        #expect(head.output.hasPrefix("HTTP/1.1 200 OK\r\n") && head.output.hasSuffix("\r\n\r\n"), "\(head)")
        let patch = try Finished.curl("-X", "PATCH", "-H", "Transfer-Encoding: chunked", "-d", "abc", url)
        #expect(patch.output.hasSuffix("PATCH /whep/a b name=a b - abc"), "\(patch)")
        let large = String(repeating: "x", count: 60_000)
        let waiting = try Finished(["curl", "-sS", "-H", "Expect: 100-continue", "-d", "@-", url], input: large)
        #expect(waiting.output.hasSuffix("POST /whep/a b name=a b - \(large)"))
        let delete = try Finished.curl("-X", "DELETE", "-H", "Origin: http://else", url)
        #expect(delete.output.contains("\r\nAccess-Control-Allow-Origin: *\r\n"), "\(delete)")
        #expect(delete.output.contains("\r\nAccess-Control-Expose-Headers: ETag, Link\r\n"), "\(delete)")
    }

    @Test func pythonKeepsOneConnectionForManyRequests() throws {
        let rig = try Rig()
        try rig.serve(Self.told, Self.echo)
        let script = """
            import http.client
            c = http.client.HTTPConnection('127.0.0.1', \(rig.port), timeout=20)
            sockets = set()
            for turn in range(50):
                c.request('POST', '/whep/v', body=b'x' * turn, headers={'X-Own': str(turn)})
                r = c.getresponse()
                body = r.read()
                assert r.status == 201 and body.endswith(b' %d %s' % (turn, b'x' * turn)), (r.status, body)
                sockets.add(c.sock.getsockname()[1])
            assert len(sockets) == 1, sockets
            print('fine')
            """
        let run = try Finished(["/usr/bin/python3", "-c", script])
        #expect(run.output == "fine\n", "\(run)")
        #expect(rig.server.counts.requests == 50 && rig.server.counts.connectionsMade == 1)
    }

    @Test func requestsThatComeTogetherAreAnsweredInOrder() throws {
        let rig = try Rig()
        try rig.serve(Self.told, Self.echo)
        let client = RawClient(port: rig.port)
        client.send(
            "GET /whep/a HTTP/1.1\r\nHost: x\r\n\r\nPOST /whep/b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
                + "POST /whep/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n"
                + "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let answers = client.answers(4)
        #expect(answers.map { $0.prefix(12) } == ["HTTP/1.1 200", "HTTP/1.1 201", "HTTP/1.1 201", "HTTP/1.1 404"])
        #expect(answers[1].hasSuffix("b name=b - hi") && answers[2].hasSuffix("c name=c - ho"), "\(answers)")
        #expect(client.all().isEmpty)
    }

    @Test func optionsTellsMethodsAndWhatPagesOfOtherOriginsMaySend() throws {
        let rig = try Rig { $0.token = "abcdefgh" }
        var route = Self.told
        route.optionsHeaders = ["Accept-Post": "application/sdp"]
        try rig.serve(route, Self.echo)
        let answer = RawClient.ask(
            rig.port,
            "OPTIONS /whep/a HTTP/1.1\r\nHost: x\r\nOrigin: null\r\nAccess-Control-Request-Method: PATCH\r\n\r\n")
        for line in [
            "HTTP/1.1 200 OK", "Content-Length: 0", "Allow: GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            "Accept-Post: application/sdp",
            "Access-Control-Allow-Origin: *", "Access-Control-Expose-Headers: ETag, Link",
            "Access-Control-Allow-Methods: GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            "Access-Control-Allow-Headers: Authorization, Content-Type, If-Match, If-None-Match, Accept",
        ] { #expect(answer.contains(line + "\r\n"), "\(line) is not in \(answer)") }
        #expect(RawClient.ask(rig.port, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("HTTP/1.1 204"))
        #expect(RawClient.ask(rig.port, "OPTIONS /none HTTP/1.1\r\nHost: x\r\n\r\n").hasPrefix("HTTP/1.1 404"))
    }

    /// A stream that has not begun has no route yet.
    @Test func pagesOfOtherOriginsLearnThatNothingIsThere() throws {
        let rig = try Rig()
        let preflight = RawClient.ask(
            rig.port,
            "OPTIONS /whep/a HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\nAccess-Control-Request-Method: POST\r\n\r\n")
        #expect(preflight.hasPrefix("HTTP/1.1 204"), "\(preflight)")
        for line in ["Allow-Origin: *", "Allow-Methods: GET, HEAD, POST", "Allow-Headers: Authorization, Content-Type"]
        {
            #expect(preflight.contains("Access-Control-\(line)"), "\(line): \(preflight)")
        }
        let post = RawClient.ask(
            rig.port, "POST /whep/a HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\nContent-Length: 0\r\n\r\n")
        #expect(post.hasPrefix("HTTP/1.1 404") && post.contains("Access-Control-Allow-Origin: *"), "\(post)")
    }

    @Test func whatFitsNoRouteIsToldApart() throws {
        let rig = try Rig()
        try rig.serve(HTTPRoute(.post, path: "/whep/{name}", exposes: []), Self.echo)
        func status(_ text: String) -> String { String(RawClient.ask(rig.port, text).prefix(12).suffix(3)) }
        #expect(status("GET /none HTTP/1.1\r\nHost: x\r\n\r\n") == "404")
        #expect(status("GET /whep/ HTTP/1.1\r\nHost: x\r\n\r\n") == "404")
        #expect(status("BREW /whep/a HTTP/1.1\r\nHost: x\r\n\r\n") == "501")
        #expect(status("GET /whep/%00 HTTP/1.1\r\nHost: x\r\n\r\n") == "400")
        #expect(status("no http\r\n\r\n") == "400")
        let answer = RawClient.ask(rig.port, "PUT /whep/a HTTP/1.1\r\nHost: x\r\nOrigin: y\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n") && answer.contains("Allow: POST, OPTIONS\r\n"))
        #expect(answer.contains("Access-Control-Allow-Origin: *"))
    }

    @Test func aBodyOverTheLimitIsAnsweredAlsoWhileItIsStillSent() throws {
        let rig = try Rig()
        var route = HTTPRoute(.post, path: "/p")
        route.bodyLimit = 1_000
        try rig.serve(route, Self.echo)
        let body = String(repeating: "x", count: 200_000)
        let curl = try Finished(["curl", "-sS", "-i", "-d", "@-", "\(rig.server.address)/p"], input: body)
        #expect(curl.output.contains("HTTP/1.1 413 Content Too Large\r\n"), "\(curl)")
        #expect(curl.output.contains("at most 1000 bytes"), "\(curl)")
        let chunked = try Finished(
            [
                "curl", "-sS", "-i", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-d", "@-",
                "\(rig.server.address)/p",
            ],
            input: body)
        #expect(chunked.output.contains("HTTP/1.1 413 "), "\(chunked)")
        #expect(RawClient.ask(rig.port, "GET /\(body.prefix(17_000)) HTTP/1.1\r\n").hasPrefix("HTTP/1.1 431"))
    }

    @Test func filesComeFromMemoryAndAreNotSentTwice() throws {
        let rig = try Rig()
        let page = String(repeating: "<p>page</p>", count: 60_000)
        try rig.serve(
            HTTPContent("/", type: "text/html; charset=utf-8", page), HTTPContent("/a.js", type: "text/javascript", "1")
        )
        let first = try Finished.curl("\(rig.server.address)/")
        #expect(first.output.hasSuffix("\r\n\r\n" + page))
        #expect(first.output.contains("Content-Type: text/html; charset=utf-8\r\n"))
        let tag = try #require(first.output.firstMatch(of: /ETag: ("[0-9a-f]+")/)?.1)
        let second = try Finished.curl("-H", "If-None-Match: \(tag)", "\(rig.server.address)/")
        #expect(second.output.hasPrefix("HTTP/1.1 304 Not Modified\r\n") && second.output.hasSuffix("\r\n\r\n"))
        #expect(try Finished.curl("-I", "\(rig.server.address)/").output.contains("Content-Length: \(page.count)\r\n"))
    }

    @Test func anAnswerThatDoesNotComeInTimeIsA504AndTheConnectionGoesOn() throws {
        let rig = try Rig()
        var route = HTTPRoute(.get, path: "/never")
        route.answersWithin = .milliseconds(50)
        let held = Held()
        let lease = try rig.server.serve([route], for: "test") { held.take($0) }
        defer { lease.end() }
        try rig.serve(Self.told, Self.echo)
        let client = RawClient(port: rig.port)
        client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\nGET /whep/a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(client.answers(2).map { $0.prefix(12) } == ["HTTP/1.1 504", "HTTP/1.1 200"])
        #expect(rig.server.counts.requestsUnanswered == 1)
    }

    @Test func itListensOnIPv6Too() throws {
        let rig = try Rig { $0.listen = "[::1]:0" }
        try rig.serve(HTTPContent("/", type: "text/plain", "six"))
        #expect(try Finished.curl("-g", "\(rig.server.address)/").output.hasSuffix("\r\n\r\nsix"))
        let both = try Rig { ($0.listen, $0.token) = ("[::]:0", "none") }
        try both.serve(HTTPContent("/", type: "text/plain", "both"))
        for host in ["127.0.0.1", "[::1]"] {
            #expect(try Finished.curl("-g", "http://\(host):\(both.port)/").output.hasSuffix("\r\n\r\nboth"))
        }
    }

    @Test func routesComeAndGoWhileItServes() throws {
        let rig = try Rig()
        func status() -> String {
            String(RawClient.ask(rig.port, "GET /whep/a HTTP/1.1\r\nHost: x\r\n\r\n").prefix(12).suffix(3))
        }
        #expect(status() == "404")
        try rig.serve(Self.told, Self.echo)
        #expect(status() == "200")
        rig.endLeases()
        #expect(status() == "404")
    }
}
