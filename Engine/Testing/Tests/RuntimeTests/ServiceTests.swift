@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import Testing

/// The events, in order.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])
    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

protocol Greeting: Sendable { var words: String { get } }

final class Greeter: Service, Greeting, @unchecked Sendable {
    static let descriptor = ServiceDescriptor("greeter", summary: "Greets", scope: .run)
    @Parameter("name", default: "world", help: "who is greeted") var name: String
    @Parameter("fails", default: false, help: "does not open") var fails: Bool
    private(set) var words = ""
    init() {}
    func open(_ context: ServiceContext) throws {
        if fails { throw NodeError("the tongue is tied", advice: "Untie it.", isInputError: true) }
        words = "hello \(name)"
        context.log(.info, "awake")
    }
}

@Suite struct ServiceTests {
    private final class Ground: Sendable {}
    private final class Wall: Sendable {}
    private final class Roof: Sendable {}

    /// Asks for a wall, then for what it stands on, then for a roof.
    private final class Mason: Node {
        static let descriptor = NodeDescriptor("mason", summary: "asks for services")
        let input = Input<MediaItem>("in", nil, optional: true)
        var found: (ground: Ground?, wall: Wall?, roof: Roof?)
        init() {}
        func prepare(_ context: NodeContext) throws {
            found = (
                try context.service(Ground.self), try context.service(Wall.self), try context.service(Roof.self)
            )
        }
        func process(now: Instant) {}
    }

    private func built(_ diary: Diary) -> NodeRegistry {
        let registry = NodeRegistry()
        registry.provide(Ground.self, scope: .host, close: { _ in diary.note("-ground") }) {
            diary.note("+ground")
            return Ground()
        }
        registry.provide(Wall.self, scope: .run, close: { _ in diary.note("-wall") }) {
            diary.note("+wall")
            return Wall()
        }
        registry.provide(Roof.self, scope: .session, close: { _ in diary.note("-roof") }) {
            diary.note("+roof")
            return Roof()
        }
        return registry
    }

    @Test func eachScopeHasAnInstanceAndClosesWithIt() throws {
        let diary = Diary()
        var graph = GraphBuilder(registry: built(diary))
        graph.node("a", Mason.self)
        graph.node("b", Mason.self)
        graph.template("t", count: 2) { $0.node("c", Mason.self) }
        let harness = try GraphHarness(graph)
        func found(_ name: String) throws -> (ground: Ground?, wall: Wall?, roof: Roof?) {
            try #require(harness.node(name) as? Mason).found
        }
        let (a, b) = (try found("a"), try found("b"))
        let (c, d) = (try found("t.1/c"), try found("t.2/c"))
        #expect(a.roof != nil && a.roof === b.roof && a.roof !== c.roof && c.roof !== d.roof)
        #expect(a.wall != nil && a.wall === c.wall && c.wall === d.wall)
        #expect(a.ground != nil && a.ground === d.ground)
        #expect(diary.all == ["+ground", "+wall", "+roof", "+roof", "+roof"])
        harness.stop()
        harness.run()
        #expect(diary.all.suffix(5) == ["-roof", "-roof", "-roof", "-wall", "-ground"])
    }

    @Test func runsOfOneHostShareItsServicesAndNothingElse() throws {
        let diary = Diary()
        let host = Sluice.Host(registry: built(diary), say: { _, _ in })
        var plans = GraphBuilder(registry: host.registry)
        plans.node("a", Mason.self)
        var options = RunOptions()
        options.clock = .virtual
        options.duration = .seconds(1)
        for _ in 0..<2 {
            let run = try host.run(plans.plan, options: options)
            #expect(host.runs.count == 1 && host.runs.first === run)
            #expect(try run.execute() == .finished)
            #expect(host.runs.isEmpty)
        }
        #expect(diary.all == ["+ground", "+wall", "+roof", "-roof", "-wall", "+wall", "+roof", "-roof", "-wall"])
        host.close()
        #expect(diary.all.last == "-ground")
        #expect(throws: NodeError.self) { _ = try host.run(plans.plan, options: options) }
    }

    @Test func servicesCloseInReverseOrderOfTheirMakingAlsoWhereOneCallsForAnother() throws {
        final class Upper: Service, @unchecked Sendable {
            static let descriptor = ServiceDescriptor("upper", summary: "stands on lower", scope: .run)
            static let diary = Mutex<Diary?>(nil)
            private var lower: Wall?
            init() {}
            func open(_ context: ServiceContext) throws {
                lower = try context.service(Wall.self)
                Upper.diary.withLock { $0?.note("+upper") }
            }
            func close() { Upper.diary.withLock { $0?.note("-upper") } }
        }
        final class Asker: Node {
            static let descriptor = NodeDescriptor("asker", summary: "asks for upper")
            init() {}
            func prepare(_ context: NodeContext) throws { _ = try context.service(Upper.self) }
            func process(now: Instant) {}
        }
        let diary = Diary()
        Upper.diary.withLock { $0 = diary }
        let registry = built(diary)
        registry.provide(Upper.self)
        let harness = try NodeHarness(Asker.self, registry: registry)
        harness.graph.stop()
        harness.graph.run()
        #expect(diary.all == ["+wall", "+upper", "-upper", "-wall"])
    }

    // MARK: Settings and failures

    private final class Guest: Node {
        static let descriptor = NodeDescriptor("guest", summary: "is greeted")
        var heard: String?
        init() {}
        func prepare(_ context: NodeContext) throws { heard = try context.service((any Greeting).self)?.words }
        func process(now: Instant) {}
    }

    private func greeted(_ settings: [String: ParameterValue]?) throws -> GraphHarness {
        let registry = NodeRegistry()
        registry.provide(Greeter.self, as: (any Greeting).self)
        var graph = GraphBuilder(registry: registry)
        graph.node("guest", Guest.self)
        var plan = graph.plan
        if let settings {
            let spec = ServiceSpec(name: "greeter", type: "", scope: .run)
            plan.services = [ServicePlan(spec, settings: settings, position: SourcePosition(line: 7, column: 5))]
        }
        return try GraphHarness(plan, registry: registry)
    }

    @Test func settingsReachTheServiceBeforeItOpens() throws {
        for (settings, words) in [(nil, "hello world"), (["name": "ada"], "hello ada")]
            as [([String: ParameterValue]?, String)]
        {
            let harness = try greeted(settings)
            #expect((harness.node("guest") as? Guest)?.heard == words)
            #expect(harness.events.contains { $0.what == "service \"greeter\": awake" })
        }
    }

    @Test func aServiceThatDoesNotOpenSaysSoWithItsPlaceInTheFileAndNothingRuns() throws {
        let error = try #require(throws: GraphError.self) { _ = try greeted(["fails": true]) }
        #expect("\(error)" == "test.json:7:5: service \"greeter\": the tongue is tied.\n  Untie it.")
        #expect(error.isInputError)
        // Not set up by the graph: the node that asks for it fails, with its own place.
        let registry = NodeRegistry()
        registry.provide(Ground.self) { throw NodeError("the ground is frozen") }
        var graph = GraphBuilder(registry: registry)
        graph.node("a", Mason.self)
        let asked = try #require(throws: GraphError.self) { _ = try GraphHarness(graph) }
        #expect("\(asked)".contains("node \"a\" (mason): service"), "\(asked)")
        #expect("\(asked)".contains("the ground is frozen"), "\(asked)")
    }

    @Test func aServiceOfTheHostHasOneSetOfSettings() throws {
        final class Port: Service, @unchecked Sendable {
            static let descriptor = ServiceDescriptor("port", summary: "a port", scope: .host)
            @Parameter("number", default: 1, help: "of the port") var number: Int
            init() {}
        }
        let host = Sluice.Host(say: { _, _ in })
        host.registry.provide(Port.self)
        var graph = GraphBuilder(registry: host.registry)
        graph.node("guest", Guest.self)
        var options = RunOptions()
        options.clock = .virtual
        options.duration = .seconds(1)
        func run(_ number: Int) throws {
            var plan = graph.plan
            let spec = ServiceSpec(name: "port", type: "", scope: .host)
            plan.services = [ServicePlan(spec, settings: ["number": .integer(number)])]
            try host.run(plan, options: options).execute()
        }
        try run(8)
        try run(8)
        let error = try #require(throws: GraphError.self) { try run(9) }
        #expect("\(error)".contains("service \"port\" is open already, with other settings"), "\(error)")
    }
}
