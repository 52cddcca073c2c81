@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Testing

/// Records what it is told at the times at which it is called.
final class Recorder: Node {
    static let descriptor = NodeDescriptor("recorder", summary: "records numbers over time")
    let value = ValueInput("value", help: "what is recorded")
    var context: NodeContext!
    init() {}
    func prepare(_ context: NodeContext) { self.context = context }
    func process(now: Instant) {
        if let value = value.take() { context.series("level").record(value, at: now) }
    }
}

@Suite struct SeriesTests {
    private func series(_ values: [(seconds: Double, value: Double)]) throws -> JSONValue {
        let harness = try NodeHarness(Recorder.self)
        harness.settle()
        for (seconds, value) in values {
            harness.advance(to: Instant(nanoseconds: Int64(seconds * 1e9)))
            harness.set("value", to: value)
            harness.settle()
        }
        let report = try JSONValue.parse(Array(harness.report.utf8), file: "report.json")
        return try #require(report["nodes"]?["node"]?["series"]?["level"])
    }

    private func numbers(_ series: JSONValue, _ key: String) -> [Double?] {
        (series[key]?.array ?? []).map(\.number)
    }

    @Test func aStretchHasItsLeastMeanAndMost() throws {
        let level = try series([(0, 4), (0.01, 1), (0.02, 1), (0.06, -2.5), (0.17, .nan), (0.19, 7)])
        #expect(level["step_s"]?.number == 0.05)
        #expect(numbers(level, "min") == [1, -2.5, nil, 7])
        #expect(numbers(level, "mean") == [2, -2.5, nil, 7])
        #expect(numbers(level, "max") == [4, -2.5, nil, 7])
    }

    @Test func aDayTakesNoMoreRoomThanAMinuteAndKeepsItsExtremes() throws {
        let values = (0..<2_000).map { index -> (seconds: Double, value: Double) in
            let value = index == 700 ? 1e6 : index == 1_300 ? -5 : Double(index % 3)
            return (Double(index) * 43.2, value)
        }
        let level = try series(values)
        let most = numbers(level, "max")
        #expect(most.count <= 512 && most.count > 256)
        #expect(most.compactMap { $0 }.max() == 1e6)
        #expect(numbers(level, "min").compactMap { $0 }.min() == -5)
        let step = try #require(level["step_s"]?.number)
        #expect(step * Double(most.count) >= 86_000)
        let place = Int(700 * 43.2 / step)
        #expect(most.firstIndex(of: 1e6) == place)
    }
}
