import HTTP
import HTTPClient
import Sluice
import TestSupport
import Testing

@testable import HTTPPlugin

/// Requests by libcurl to the server of this project.
@Suite(.realPeers) struct CallTests {
    private func fault(_ body: () throws -> HTTPCall.Answer) -> String {
        do {
            _ = try body()
            return ""
        } catch { return (error as? NodeError)?.message ?? "\(error)" }
    }

    @Test func theAnswerComesWholeWithItsHeaders() throws {
        let rig = try Rig()
        try rig.serve(HTTPRoute(.post, .delete, path: "/whip/{name}")) { request in
            HTTPResponse(
                request.method == .post ? 201 : 200, "application/sdp",
                "\(request.method.rawValue) \(request.headers["Authorization"] ?? "-") \(request.text ?? "?")",
                headers: ["Location": "/whip/a/7", "ETag": "\"x\"", "Link": "<stun:a>", "Link": "<stun:b>"])
        }
        let answer = try HTTPCall(
            .post, "\(rig.server.address)/whip/a", headers: ["Authorization": "Bearer secret"], body: Array("v=0".utf8)
        ).perform()
        #expect(answer.status == 201)
        #expect(answer.text == "POST Bearer secret v=0")
        #expect(answer.location == "\(rig.server.address)/whip/a/7")
        #expect(answer.headers.all("link") == ["<stun:a>", "<stun:b>"])
        #expect(answer.headers.mediaType == "application/sdp")
        #expect(try HTTPCall(.delete, "\(rig.server.address)/whip/a").perform().text == "DELETE - ")
    }

    /// RFC 9725, section 4.2: a client follows a redirection and sends the same again.
    @Test func aRedirectionIsFollowedWithTheBody() throws {
        let rig = try Rig()
        try rig.serve(HTTPRoute(.post, path: "/{place}")) { request in
            request.path == "/there"
                ? HTTPResponse(201, "text/plain", "\(request.text ?? "")", headers: ["Location": "session"])
                : HTTPResponse(307, headers: ["Location": "/there"])
        }
        let answer = try HTTPCall(.post, "\(rig.server.address)/here", body: Array("v=0".utf8)).perform()
        #expect(answer.status == 201)
        #expect(answer.text == "v=0")
        #expect(answer.url == "\(rig.server.address)/there")
        #expect(answer.location == "\(rig.server.address)/session")
    }

    @Test func failuresNameTheHostAndNothingSecret() throws {
        let nobody = fault { try HTTPCall(.post, "http://me:secret@127.0.0.1:1/whip?token=secret").perform() }
        #expect(nobody.hasPrefix("127.0.0.1:1: "), "\(nobody)")
        #expect(!nobody.contains("secret"))
        for address in ["ftp://127.0.0.1/a", "file:///etc/passwd", "http://", "no address"] {
            #expect(fault { try HTTPCall(.get, address).perform() } != "", "\(address)")
        }
    }

    @Test func aServerThatSaysNothingIsGivenUp() throws {
        let rig = try Rig()
        let held = Held()
        let lease = try rig.server.serve([HTTPRoute(.get, path: "/slow")], for: "test") { held.take($0) }
        defer { lease.end() }
        let late = fault { try HTTPCall(.get, "\(rig.server.address)/slow", timeout: .milliseconds(100)).perform() }
        #expect(late.contains("timed out") || late.contains("Timeout"), "\(late)")
        let call = HTTPCall(.get, "\(rig.server.address)/slow")
        call.cancel()
        #expect(fault { try call.perform() }.contains("given up"))
    }

    @Test func anEndlessAnswerIsNotTaken() throws {
        let rig = try Rig()
        try rig.serve(HTTPRoute(.get, path: "/long")) { _ in
            HTTPResponse(200, "text/plain", String(repeating: "x", count: 2 << 20))
        }
        #expect(fault { try HTTPCall(.get, "\(rig.server.address)/long").perform() }.contains("longer than 1 MiB"))
    }
}
