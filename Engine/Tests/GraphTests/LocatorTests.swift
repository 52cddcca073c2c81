import Testing

@testable @_spi(Host) import Sluice

@Suite struct LocatorTests {
    private func locator(_ search: String? = nil) -> GraphLocator {
        let files = [
            "graphs": ["demo.json", "talk.json", "graph.schema.json", "notes.txt"],
            "/opt/g": ["demo.json", "live.json"],
            "/usr/share/sluice/graphs": ["relay.json"],
        ]
        return GraphLocator(searchPath: search, installed: ["/usr/share/sluice/graphs"], list: { files[$0] ?? [] })
    }

    @Test func `A name is searched in order, a path is taken as it is`() throws {
        #expect(try locator("/none:/opt/g").path(of: "demo") == "graphs/demo.json")
        #expect(try locator("/none:/opt/g").path(of: "live") == "/opt/g/live.json")
        #expect(try locator().path(of: "relay") == "/usr/share/sluice/graphs/relay.json")
        for path in ["../../etc/passwd", "x.json", "./demo", "/a/b"] { #expect(try locator().path(of: path) == path) }
    }

    @Test func `An unknown name lists the known graphs`() {
        let error = #expect(throws: GraphError.self) { try locator("/opt/g").path(of: "demmo") }
        #expect(
            error?.description == """
                there is no graph "demmo".
                  Did you mean "demo"? Known graphs: demo, live, relay, talk.
                """)
        let empty = GraphLocator(searchPath: nil, installed: ["/usr/x"], list: { _ in [] })
        let none = #expect(throws: GraphError.self) { try empty.path(of: "demo") }
        #expect(none?.description == "there is no graph \"demo\".\n  No graph was found in graphs, /usr/x.")
    }

    @Test func `A file of that name beside the user is named with its path`() {
        let locator = GraphLocator(searchPath: nil, installed: [], list: { $0 == "." ? ["c1.json", "c10.json"] : [] })
        let error = #expect(throws: GraphError.self) { try locator.path(of: "c1") }
        #expect(
            error?.description
                == "there is no graph \"c1\".\n  Did you mean the file \"./c1.json\"? Names are looked for in graphs.")
    }

    @Test func `A path that holds no graph gets one clear line`() {
        func message(_ path: String) -> String {
            do {
                let sources = ParameterSources(readFile: GraphFiles.system.read)
                _ = try GraphLoader.load(path: path, catalog: catalog, sources: sources)
                return ""
            } catch { return error.description }
        }
        #expect(
            message("../../../../../../../../../../etc/passwd")
                == """
                ../../../../../../../../../../etc/passwd:1:1: this is not a graph: a graph is a JSON object and begins \
                with "{".
                """
        )
        #expect(
            message("/nowhere/x.json")
                == "/nowhere/x.json: the graph cannot be read: there is no such file.\n  Check the path.")
        #expect(message("/etc") == "/etc: the graph cannot be read: it is a directory.\n  Check the path.")
        #expect(
            message("/dev/zero") == "/dev/zero: the graph cannot be read: it is not a regular file.\n  Check the path.")
    }
}
