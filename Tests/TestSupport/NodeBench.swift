import Foundation
import Sluice
import SluiceTesting

/// Runs one node with an input and an output from the first item to the last, as codecs want it.
public struct NodeBench<N: Node> {
    public struct Result {
        public var items: [MediaItem]
        public var outcome: GraphHarness.Outcome
        /// The logged lines, in order.
        public var events: [String]
        public var report: [String: Any]

        public var packets: [Packet] { items.compactMap { $0 as? Packet } }
        public var audio: [AudioFrame] { items.compactMap { $0 as? AudioFrame } }
        public var video: [VideoFrame] { items.compactMap { $0 as? VideoFrame } }
        public func metric(_ name: String) -> Int {
            let node = (report["nodes"] as? [String: Any])?["node"] as? [String: Any]
            return (node?["metrics"] as? [String: Any])?[name] as? Int ?? -1
        }
    }

    public var parameters: [String: ParameterValue] = [:]
    /// The format is known before the first item.
    public var announces = true

    public init(_ type: N.Type, _ parameters: [String: ParameterValue] = [:], announces: Bool = true) {
        self.parameters = parameters
        self.announces = announces
    }

    /// `before` is called with the number of each item before the node gets it, everything earlier being done.
    public func run(_ items: [MediaItem], before: (NodeHarness<N>, Int) -> Void = { _, _ in }) throws -> Result {
        let known = announces ? items.first.map { ["in": $0.format] } ?? [:] : [:]
        let harness = try NodeHarness(N.self, parameters: parameters, announcing: known)
        for (number, item) in items.enumerated() {
            before(harness, number)
            harness.push(item)
            harness.settle()
        }
        let outcome = harness.finish()
        let report = try JSONSerialization.jsonObject(with: Data(harness.report.utf8)) as? [String: Any] ?? [:]
        return Result(
            items: harness.pullAll(), outcome: outcome, events: harness.events.map(\.what), report: report)
    }
}
