import Glibc
import Testing

@testable @_spi(Host) import Sluice

/// To come to an output and to leave it cost the same however many edges it has.
@Suite(.serialized) struct LeavingTests {
    private func edges(_ count: Int) -> [Edge] {
        let (from, to) = (EdgeEnd(name: "from"), EdgeEnd(name: "to"))
        return (0..<count).map { _ in
            Edge(
                EdgePlan(
                    from: EndPlan(node: "from", port: "out"), to: EndPlan(node: "to", port: "in"),
                    capacity: .init(items: 1, milliseconds: 100), overflow: .dropOldest),
                from: from, to: to, epoch: nil)
        }
    }

    /// Seconds of CPU that an edge takes to leave, the first one first, where `count` are there; the least of five
    /// tries.
    private func cost(at count: Int) -> Double {
        func cpu() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        return (0..<5).map { _ in
            let output = OutputPort(PortSpec("out", .any, isMany: true), of: MediaItem.self, "FanOut")
            let all = edges(count)
            for edge in all { output.connect(edge) }
            let before = cpu()
            for edge in all { _ = output.detach(edge) }
            return (cpu() - before) / Double(count)
        }.min() ?? 0
    }

    /// A linear search makes the second one 64 times the first.
    @Test func `An edge leaves 8,192 as quickly as it leaves 128`() {
        let (few, many) = (cost(at: 128), cost(at: 8_192))
        #expect(many < few * 8, "\(few * 1e9) ns at 128 edges, \(many * 1e9) ns at 8,192")
    }

    @Test func `Who has left is not there, and does not leave twice`() {
        let output = OutputPort(PortSpec("out", .any, isMany: true), of: MediaItem.self, "FanOut")
        let all = edges(100)
        for edge in all { output.connect(edge) }
        for (index, edge) in all.enumerated() where index % 4 != 1 {
            #expect(output.detach(edge))
            #expect(!output.detach(edge))
        }
        let left = all.enumerated().filter { $0.offset % 4 == 1 }.map(\.element)
        #expect(output.edges.map(ObjectIdentifier.init) == left.map(ObjectIdentifier.init))
        let new = edges(1)[0]
        output.connect(new)
        #expect(output.edges.last === new)
        #expect(!output.detach(edges(1)[0]))
        for edge in output.edges { #expect(output.detach(edge)) }
        #expect(!output.isConnected)
    }

    /// An output holds its edges, and lets them go.
    @Test func `Edges that leave, and those of an output that ends, are released`() {
        var output: OutputPort? = OutputPort(PortSpec("out", .any, isMany: true), of: MediaItem.self, "FanOut")
        weak var stays: Edge?
        weak var leaves: Edge?
        do {
            let all = edges(2)
            (stays, leaves) = (all[0], all[1])
            for edge in all { output?.connect(edge) }
            _ = output?.detach(all[1])
        }
        #expect(stays != nil && leaves == nil)
        output = nil
        #expect(stays == nil)
    }
}
