import HTTP
import TestSupport
import Testing

@testable import HTTPPlugin

/// The page at / where no node serves one.
@Suite(.realPeers) struct IndexTests {
    private func body(_ rig: Rig) throws -> String {
        let answer = try Finished.curl("\(rig.server.address)/").output
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(answer)")
        return answer
    }

    @Test func itLinksToEveryPageThatIsServedJustNow() throws {
        let rig = try Rig()
        #expect(try body(rig).contains("There is no page yet"))
        try rig.serve(
            HTTPContent("/watch/pd_123", type: "text/html; charset=utf-8", "x"),
            HTTPContent("/watch/a&b", type: "text/html", "x"), HTTPContent("/page.js", type: "text/javascript", "x"))
        let page = try body(rig)
        #expect(page.contains("<a href=\"/watch/pd_123\">/watch/pd_123</a>"))
        #expect(page.contains("/watch/a&amp;b") && !page.contains("page.js"))
        rig.endLeases()
        #expect(try body(rig).contains("There is no page yet"))
    }

    @Test func withATokenItTellsNoNames() throws {
        let rig = try Rig { $0.token = "abcdefgh" }
        try rig.serve(HTTPContent("/watch/secret", type: "text/html", "x"))
        #expect(try !body(rig).contains("secret"))
    }

    @Test func aPageOfANodeComesFirst() throws {
        let rig = try Rig()
        try rig.serve(HTTPContent("/", type: "text/html", "mine"))
        #expect(try body(rig).hasSuffix("mine"))
    }
}
