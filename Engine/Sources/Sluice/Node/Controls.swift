import Synchronization

/// The receiving end of a control link.
public protocol ControlInput: AnyObject {
    var control: ControlSpec { get }
    /// Where it arrives; a restarted node's new instance takes over the old one's.
    var cell: ControlCell { get set }
    /// Takes what arrived into the node's view of it. On the node's lane, before `process`.
    func handOver()
}

/// Where a control arrives from any thread: the latest value, a count of requests, the latest record. Never allocates,
/// and waits only while another copies a record.
public final class ControlCell: @unchecked Sendable {
    private let bits = Atomic<UInt64>(0)
    private let hasValue = Atomic<Bool>(false)
    private let requests = Atomic<Int>(0)
    /// nil unless it is a record's.
    private let record: RecordSlot?
    /// Whom to wake; set while the graph is wired, before any link is used.
    weak var core: NodeCore?

    public init(fields: Int = 0) { record = fields > 0 ? RecordSlot(fields: fields) : nil }

    func post(value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
        hasValue.store(true, ordering: .releasing)
        core?.wakeForControl()
    }

    func postRequest() {
        requests.wrappingAdd(1, ordering: .acquiringAndReleasing)
        core?.wakeForControl()
    }

    func post(record values: [Double], in order: [Int]) {
        record?.put(values, in: order)
        core?.wakeForControl()
    }

    func takeRecord(into values: inout [Double]) -> Bool { record?.take(into: &values) ?? false }

    func takeValue() -> Double? {
        guard hasValue.exchange(false, ordering: .acquiring) else { return nil }
        return Double(bitPattern: bits.load(ordering: .relaxed))
    }

    func takeRequests() -> Int { requests.exchange(0, ordering: .acquiringAndReleasing) }
}

/// A request that a node takes: `keyframe`, `calibrate`. Several that arrive before the node runs count as one.
///
/// One named `keyframe` is also asked by the engine when an edge behind the node lost packets that others depend on.
public final class RequestInput: ControlInput, @unchecked Sendable {
    public let control: ControlSpec
    public var cell = ControlCell()
    private var isPending = false

    public init(_ name: String, help: String) { control = ControlSpec(name, .request, help: help) }

    /// True if it was asked since the last call.
    public func take() -> Bool {
        defer { isPending = false }
        return isPending
    }

    public func handOver() { if cell.takeRequests() > 0 { isPending = true } }

    @usableFromInline
    func post() { cell.postRequest() }
}

/// A number that a node takes while it runs and that is no parameter of it: a measurement, one part of a message.
///
/// Unlike a `Live` parameter it is handed over as it was sent, infinities and NaN included.
public final class ValueInput: ControlInput {
    public let control: ControlSpec
    public var cell = ControlCell()
    private var latest: Double?

    public init(_ name: String, help: String) { control = ControlSpec(name, .value, help: help) }

    /// The latest number that came since the last call; nil if none did. In `process` and `finish`.
    public func take() -> Double? {
        defer { latest = nil }
        return latest
    }

    public func handOver() { if let value = cell.takeValue() { latest = value } }
}

/// The sending end of a control link.
public protocol ControlOutput: AnyObject {
    var control: ControlSpec { get }
    var links: ControlLinks { get set }
}

/// Sends numbers of which the latest wins: an estimate of the network, a measured delay.
public final class ValueOutput: ControlOutput {
    public let control: ControlSpec
    public var links = ControlLinks()

    public init(_ name: String, help: String) { control = ControlSpec(name, .value, help: help) }

    public func send(_ value: Double) { links.send(value) }
}

/// Sends requests.
public final class RequestOutput: ControlOutput {
    public let control: ControlSpec
    public var links = ControlLinks()

    public init(_ name: String, help: String) { control = ControlSpec(name, .request, help: help) }

    public func send() { links.sendRequest() }
}

/// The links that leave one control output. Instances of templates come and go at them while the node sends.
public final class ControlLinks: Sendable {
    private let targets = Mutex<[Target]>([])

    struct Target: Sendable {
        let cell: ControlCell
        /// Of several template instances; nil inside one session.
        let join: ControlJoin?
        let member: Int
        /// Of a record: see `RecordSlot.put`.
        let order: [Int]
    }

    func add(_ cell: ControlCell, join: ControlJoin? = nil, member: Int = 0, order: [Int] = []) {
        targets.withLock { $0.append(Target(cell: cell, join: join, member: member, order: order)) }
    }

    /// The session that `cell` belongs to ends.
    func remove(_ cell: ControlCell) { targets.withLock { all in all.removeAll { $0.cell === cell } } }

    /// The session ends: its part in joins is taken back.
    func removeAll() {
        let all = targets.withLock { all in
            defer { all = [] }
            return all
        }
        for target in all { target.join?.leave(target.member) }
    }

    func send(_ value: Double) {
        targets.withLock { all in
            for target in all {
                if let join = target.join { join.set(value, by: target.member) } else { target.cell.post(value: value) }
            }
        }
    }

    func send(record values: [Double]) {
        targets.withLock { all in for target in all { target.cell.post(record: values, in: target.order) } }
    }

    func sendRequest() { targets.withLock { all in for target in all { target.cell.postRequest() } } }
}

/// A control link that leads from a session into an instance of one of its templates.
struct IncomingLink {
    let links: ControlLinks
    let cell: ControlCell
    let order: [Int]
}

/// Makes one value of those that several instances of a template send to their parent.
final class ControlJoin: Sendable {
    private let how: ControlPlan.Join
    private let cell: ControlCell
    private let values = Mutex<[Int: Double]>([:])

    init(_ how: ControlPlan.Join, cell: ControlCell) {
        self.how = how
        self.cell = cell
    }

    func set(_ value: Double, by member: Int) {
        let result = values.withLock { all in
            all[member] = value
            return joined(all, latest: value)
        }
        cell.post(value: result)
    }

    /// A session ends: a minimum or maximum is that of the others from now on.
    func leave(_ member: Int) {
        let result: Double? = values.withLock { all in
            guard all.removeValue(forKey: member) != nil, how == .min || how == .max, !all.isEmpty else { return nil }
            return joined(all, latest: 0)
        }
        if let result { cell.post(value: result) }
    }

    private func joined(_ all: [Int: Double], latest: Double) -> Double {
        switch how {
        case .min: all.values.min() ?? latest
        case .max: all.values.max() ?? latest
        case .any: all.values.contains { $0 != 0 } ? 1 : 0
        case .last: latest
        }
    }
}
