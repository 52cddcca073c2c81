import Glibc
import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(Fault.self)
        $0.register(StuckFault.self)
        $0.register(Caller.self)
        $0.provide(FaultyLine.self)
    }
}

/// Hands media on until it does what its parameters say: throws, or does not return.
public final class Fault: Node {
    public static let descriptor = NodeDescriptor("fault", summary: "Throws where it is told to")

    let input = Input<AudioFrame>("in")
    let output = Output<AudioFrame>("out", follows: "in")
    @Parameter("stage", default: .process, help: "The call in which it happens.") var stage: Stage
    @Parameter("after", default: 10, help: "The number of items that it hands on before the fault happens in process.")
    var after: Int
    @Parameter("foreign", default: false, help: "Throws an error that is no NodeError.") var isForeign: Bool

    enum Stage: String, CaseIterable, ParameterValue.Convertible { case prepare, process, finish }
    struct Foreign: Error {}

    private var count = 0

    public init() {}

    public func prepare(_ context: NodeContext) throws { if stage == .prepare { try fail() } }

    public func process(now: Instant) throws {
        while let frame = input.next() {
            if stage == .process && count == after { try fail() }
            count += 1
            output.send(frame)
        }
    }

    public func finish(now: Instant) throws -> Bool {
        if stage == .finish { try fail() }
        return true
    }

    private func fail() throws {
        if isForeign { throw Foreign() }
        throw NodeError("the valve is stuck at item \(count)", advice: "Oil it.")
    }
}

/// Takes media until it does not return from a call.
public final class StuckFault: Node {
    public static let descriptor = NodeDescriptor("stuck-fault", summary: "Does not return", work: .blocking)

    let input = Input<AudioFrame>("in")
    @Parameter("stage", default: .process, help: "The call in which it happens.") var stage: Stage
    @Parameter("interruptible", default: false, help: "Lets interrupt() end the call.") var isInterruptible: Bool
    @Parameter("tells", default: "", help: "A FIFO that gets a byte when it begins.") var fifo: String

    enum Stage: String, CaseIterable, ParameterValue.Convertible { case prepare, process, finish, close }

    private var ends: [Int32] = [-1, -1]

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        pipe(&ends)
        block(.prepare)
    }

    public func process(now: Instant) throws {
        while input.next() != nil { block(.process) }
    }

    public func finish(now: Instant) throws -> Bool {
        block(.finish)
        return true
    }

    public func close() { block(.close) }

    public func interrupt() { if isInterruptible { Glibc.close(ends[1]) } }

    private func block(_ here: Stage) {
        guard stage == here else { return }
        var byte: UInt8 = 0
        if !fifo.isEmpty { write(open(fifo, O_WRONLY), &byte, 1) }
        _ = read(ends[0], &byte, 1)
    }
}
