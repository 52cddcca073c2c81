import Foundation
@_spi(Host) import Sluice
import Synchronization

@testable import RawPlugin

/// A folder of a test's own, and the graphs of raw nodes that it runs.
final class Rig {
    let folder: String
    /// Called for each event as it happens, on the thread that says it.
    var onEvent: (@Sendable (EventLog.Event) -> Void)?
    private(set) var run: GraphRun!

    init() throws {
        folder = NSTemporaryDirectory() + "sluice-raw-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { folder + "/" + name }

    func write(_ name: String, _ bytes: [UInt8]) -> String {
        _ = FileManager.default.createFile(atPath: path(name), contents: Data(bytes))
        return path(name)
    }

    func read(_ name: String) -> [UInt8] { [UInt8](FileManager.default.contents(atPath: path(name)) ?? Data()) }

    func fifo(_ name: String) -> String {
        mkfifo(path(name), 0o600)
        return path(name)
    }

    struct Result {
        var outcome: RunOutcome
        var report: [String: Any]
        var events: [String] { (report["events"] as? [[String: Any]] ?? []).map { $0["what"] as? String ?? "" } }

        func metric(_ node: String, _ name: String) -> Int {
            let node = (report["nodes"] as? [String: Any])?[node] as? [String: Any]
            return (node?["metrics"] as? [String: Any])?[name] as? Int ?? -1
        }
    }

    typealias Values = [String: ParameterValue]

    /// Pairs of a source and an output, each its own branch of one graph.
    func make(
        _ branches: [(source: any Node.Type, Values, output: any Node.Type, Values)], clock: ClockKind = .system,
        duration: Interval? = nil
    ) {
        var session = SessionPlan()
        let position = SourcePosition(line: 1, column: 1)
        func node(_ name: String, _ type: any Node.Type, _ values: Values) -> NodePlan {
            NodePlan(
                name: name, spec: NodeSpec(of: type), parameters: values, lane: nil, onError: .fail, isLossless: false,
                position: position)
        }
        for (index, branch) in branches.enumerated() {
            session.nodes.append(node("source\(index)", branch.source, branch.1))
            session.nodes.append(node("output\(index)", branch.output, branch.3))
            session.edges.append(
                EdgePlan(
                    from: EndPlan(node: "source\(index)", port: "out"), to: EndPlan(node: "output\(index)", port: "in"),
                    capacity: .standard, overflow: .block, epoch: .flush, isOptional: false, position: position))
        }
        let registry = NodeRegistry()
        for type in [
            RawVideoSource.self, RawAudioSource.self, RawVideoOutput.self, RawAudioOutput.self, Witness.self,
            SlowWitness.self,
        ]
            as [any Node.Type]
        { registry.register(type) }
        provideServices(to: registry)
        var options = RunOptions()
        options.clock = clock
        options.duration = duration
        options.onEvent = onEvent
        run = GraphRun(
            GraphPlan(
                name: "raw", file: "raw.json", summary: "", root: session, templates: [:], start: [], warnings: []),
            registry: registry, options: options)
    }

    func execute() throws -> Result {
        let outcome = try run.execute()
        let report = try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any] ?? [:]
        return Result(outcome: outcome, report: report)
    }

    func video(
        _ source: Values, _ output: Values, width: Int = 64, height: Int = 16, pixels: String = "bgra",
        clock: ClockKind = .system, duration: Interval? = nil
    ) throws -> Result {
        make(
            [(RawVideoSource.self, source.merging(size(width, height, pixels)) { $1 }, RawVideoOutput.self, output)],
            clock: clock, duration: duration)
        return try execute()
    }

    func size(_ width: Int, _ height: Int, _ pixels: String) -> Values {
        ["width": .integer(width), "height": .integer(height), "pixel_format": .string(pixels)]
    }
}

/// Notes the headers of what it gets, and when the graph began.
final class Witness: Node {
    static let descriptor = NodeDescriptor("witness", summary: "Notes headers")
    static let seen = Mutex<[MediaItem.Header]>([])
    static let byNode = Mutex<[String: [MediaItem.Header]]>([:])
    static let started = Mutex(Instant(nanoseconds: 0))
    let input = Input<MediaItem>("in")
    private var context: NodeContext!
    init() {}
    func prepare(_ context: NodeContext) {
        self.context = context
        Witness.seen.withLock { $0 = [] }
        Witness.byNode.withLock { $0[context.name] = [] }
    }
    func process(now: Instant) {
        Witness.started.withLock { $0 = context.started }
        while let item = input.next() {
            Witness.seen.withLock { $0.append(item.header) }
            Witness.byNode.withLock { $0[context.name, default: []].append(item.header) }
        }
    }
}

/// Bytes that differ from place to place and repeat from run to run.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

/// The far side of a FIFO or socket: blocking calls on a thread of its own.
final class FarSide: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () -> Void) {
        let done = done
        Thread {
            body()
            done.signal()
        }.start()
    }

    /// Waits until the body has returned.
    func join() { done.wait() }

    static func open(_ path: String, _ flags: Int32) -> Int32 { Glibc.open(path, flags) }

    /// False if the reader is gone.
    @discardableResult
    static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Bool {
        var left = bytes
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            left = left.dropFirst(count)
        }
        return true
    }

    /// A live writer's clock: returns at `instant` of CLOCK_MONOTONIC, in nanoseconds.
    static func rest(until instant: Int64) {
        var time = timespec(tv_sec: Int(instant / 1_000_000_000), tv_nsec: Int(instant % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// At most `limit` bytes, or until the other side is gone.
    static func read(_ descriptor: Int32, _ limit: Int = .max) -> [UInt8] {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while all.count < limit {
            let count = Glibc.read(descriptor, &piece, min(piece.count, limit - all.count))
            guard count > 0 else { break }
            all += piece[0..<count]
        }
        return all
    }
}
