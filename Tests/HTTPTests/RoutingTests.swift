import HTTP
import Sluice
import Testing

@testable import HTTPPlugin

@Suite struct RoutingTests {
    private func route(_ methods: HTTPMethod..., path: String) -> (String, [HTTPMethod], RouteTable.Target) {
        (path, methods, .route(HTTPRoute(.get, path: path), { _ in true }))
    }

    private func socket(_ path: String) -> (String, [HTTPMethod], RouteTable.Target) {
        (path, [.get], .socket(WebSocketRoute(path: path), { _ in true }))
    }

    private func owner(_ table: RouteTable, _ method: HTTPMethod, _ path: String) throws -> String? {
        table.fit(try RequestPath(path).segments)?.first(method).map { found in
            ([found.entry.owner] + found.names.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
                .joined(separator: " ")
        }
    }

    @Test func wordsCountBeforeNamesFromTheFirstSegmentOn() throws {
        var table = RouteTable()
        _ = try table.add([route(.get, .post, path: "/whep/{name}")], for: "any")
        _ = try table.add([route(.get, path: "/whep/own")], for: "own")
        _ = try table.add([route(.get, path: "/{first}/own")], for: "late")
        _ = try table.add([route(.get, path: "/{a}/{b}/{c}")], for: "three")
        #expect(try owner(table, .get, "/whep/own") == "own")
        #expect(try owner(table, .post, "/whep/own") == "any name=own")
        #expect(try owner(table, .get, "/whep/a") == "any name=a")
        #expect(try owner(table, .get, "/b/own") == "late first=b")
        #expect(try owner(table, .get, "/a/b/c") == "three a=a b=b c=c")
        #expect(try owner(table, .get, "/a/b/") == nil)
        #expect(try owner(table, .get, "/") == nil)
        #expect(table.fit(["whep", "own"])?.allowed == [.get, .head, .post, .options])
    }

    @Test func oneRouteHasOneOwnerUntilItsLeaseEnds() throws {
        var table = RouteTable()
        let first = try table.add([route(.get, path: "/a/{x}"), route(.post, path: "/a/{x}")], for: "first")
        let error = #expect(throws: NodeError.self) {
            _ = try table.add([route(.get, path: "/b"), route(.post, path: "/a/{y}")], for: "second")
        }
        #expect(error?.message == "POST /a/{y} is served by first already")
        #expect(table.fit(["b"]) == nil)
        _ = try table.add([socket("/a/{z}"), route(.delete, path: "/a/{x}")], for: "second")
        #expect(throws: NodeError.self) { _ = try table.add([socket("/a/{z}")], for: "third") }
        #expect(table.fit(["a", "1"])?.socket?.names == ["z": "1"])
        table.remove(first)
        _ = try table.add([route(.post, path: "/a/{y}")], for: "third")
        #expect(try owner(table, .post, "/a/1") == "third y=1")
        #expect(throws: NodeError.self) {
            _ = try table.add([route(.get, path: "/c"), route(.get, path: "/c")], for: "twice")
        }
    }

    @Test(arguments: ["", "a", "/{}", "/{a", "/a}", "/{A}", "/x{a}", "/{a}/{a}", "/{a b}"])
    func aPathThatIsNoneIsRefused(path: String) { #expect(throws: NodeError.self) { _ = try PathPattern(path) } }

    @Test func headersAreReadWhateverTheirCase() {
        var headers: HTTPHeaders = [
            "Accept": "text/plain;q=0.5, application/*;q=0", "Link": "a", "LINK": "b",
            "Content-Type": " Application/SDP ; charset=x",
        ]
        #expect(headers.all("link") == ["a", "b"])
        #expect(headers.mediaType == "application/sdp")
        #expect(headers.accepts("text/plain") && !headers.accepts("application/sdp") && !headers.accepts("text/html"))
        headers["accept"] = nil
        #expect(headers.accepts("application/sdp"))
        headers["link"] = "c"
        #expect(headers.all("Link") == ["c"] && headers["X"] == nil)
    }

    @Test func anExchangeIsAnsweredOnceAndNeverForgotten() {
        let said = Said()
        let exchange = HTTPExchange(HTTPRequest(.get, "/")) { said.add("\($0.status)") }
        #expect(exchange.answer(HTTPResponse(204)))
        #expect(!exchange.answer(HTTPResponse(200)))
        _ = HTTPExchange(HTTPRequest(.get, "/")) { said.add("\($0.status)") }
        #expect(said.all == ["204", "503"])
    }
}
