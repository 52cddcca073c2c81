@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

@Suite struct LiveServiceTests {
    private final class Radio: Service, @unchecked Sendable {
        static let descriptor = ServiceDescriptor("radio", summary: "hears", scope: .host, isLive: true)
        init() {}
    }

    private final class Hearer: Node {
        static let descriptor = NodeDescriptor("hearer", summary: "hears")
        init() {}
        func prepare(_ context: NodeContext) throws { _ = try context.service(Radio.self) }
        func process(now: Instant) {}
    }

    @Test func virtualTimeRefusesALiveServiceByName() throws {
        let registry = NodeRegistry()
        registry.provide(Radio.self)
        var graph = GraphBuilder(registry: registry)
        graph.node("a", Hearer.self)
        let asked = try #require(throws: GraphError.self) { _ = try GraphHarness(graph) }
        let said = "service \"radio\" talks to a live socket or device, which virtual time has none of"
        #expect("\(asked)".contains(said) && "\(asked)".contains("--clock system"), "\(asked)")
        var plan = graph.plan
        let spec = ServiceSpec(name: "radio", type: "", scope: .host)
        plan.services = [ServicePlan(spec, position: SourcePosition(line: 7, column: 5))]
        let declared = try #require(throws: GraphError.self) { _ = try GraphHarness(plan, registry: registry) }
        #expect("\(declared)".hasPrefix("test.json:7:5: \(said)."), "\(declared)")
    }
}
