import Foundation
import HTTP
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import HTTPPlugin

/// Answers on its lane, and says where.
private final class Door: Node {
    static let descriptor = NodeDescriptor("door", summary: "answers", traits: [.live])
    @Parameter("path", default: "/door/{name}", help: "Its route.") var path: String
    static let address = Mutex("")
    private var requests: NodeContext.Inbox<HTTPExchange>?
    private var lease: HTTPLease?
    init() {}
    func prepare(_ context: NodeContext) throws {
        let http = try #require(try context.service((any HTTPService).self))
        let requests = context.inbox(of: HTTPExchange.self, capacity: 4)
        lease = try http.serve(HTTPRoute(.post, path: path), to: requests, of: context.handle)
        self.requests = requests
        Door.address.withLock { $0 = http.address }
    }
    func process(now: Instant) {
        while let exchange = requests?.next() {
            exchange.answer(HTTPResponse(200, "text/plain", "to \(exchange.request.names["name"] ?? "")"))
        }
    }
    func close() { lease?.end() }
}

@Suite(.realPeers, .serialized) struct NodeTests {
    private func graph(_ settings: [String: ParameterValue]) -> (GraphBuilder, GraphPlan) {
        let registry = NodeRegistry()
        registry.provide(HTTPServer.self, as: (any HTTPService).self)
        var graph = GraphBuilder(registry: registry)
        graph.node("door", Door.self)
        var plan = graph.plan
        let spec = ServiceSpec(name: "http", type: "", scope: .host, isLive: true)
        plan.services = [ServicePlan(spec, settings: settings, position: SourcePosition(line: 7, column: 5))]
        return (graph, plan)
    }

    @Test func aNodeAnswersOnItsLaneWhileTheGraphRuns() throws {
        let (graph, plan) = graph(["listen": "127.0.0.1:0"])
        let host = Sluice.Host(registry: graph.registry, say: { _, _ in })
        let answers = Mutex("")
        var options = RunOptions()
        options.duration = .seconds(60)
        options.onStart = { run in
            Thread.detachNewThread {
                let address = Door.address.withLock { $0 }
                let curl = try? Finished.curl("-d", "x", "\(address)/door/ada")
                answers.withLock { $0 = curl?.output ?? "" }
                run.stop()
            }
        }
        #expect(try host.run(plan, options: options).execute() == .finished)
        #expect(answers.withLock { $0 }.hasSuffix("\r\n\r\nto ada"))
        // The port is the host's, and outlives the run; its routes do not.
        let address = Door.address.withLock { $0 }
        #expect(try Finished.curl("-d", "x", "\(address)/door/ada").output.hasPrefix("HTTP/1.1 404"))
        host.close()
        #expect(try Finished.curl("-d", "x", "\(address)/door/ada").status != 0)
    }

    @Test func twoNodesThatWantOneRouteAreNamed() throws {
        var (graph, plan) = graph(["listen": "127.0.0.1:0"])
        graph.node("second", Door.self, ["path": "/door/{other}"])
        plan.root = graph.plan.root
        let host = Sluice.Host(registry: graph.registry, say: { _, _ in })
        defer { host.close() }
        let error = #expect(throws: GraphError.self) { _ = try host.run(plan).execute() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("POST /door/{other} is served by door already"))
    }

    @Test func virtualTimeRefusesItByName() throws {
        let (graph, plan) = graph([:])
        let error = #expect(throws: GraphError.self) { _ = try GraphHarness(plan, registry: graph.registry) }
        #expect("\(error.map { "\($0)" } ?? "")".hasPrefix("test.json:7:5: service \"http\" talks to a live socket"))
    }
}
