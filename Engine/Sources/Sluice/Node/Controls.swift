import Synchronization

/// The receiving end of a control link.
protocol ControlInput: AnyObject {
    var control: ControlSpec { get }
    /// Where it arrives; a restarted node's new instance takes over the old one's.
    var cell: ControlCell { get set }
    /// Takes what arrived into the node's view of it. On the node's lane, before `process`.
    func handOver()
}

/// A request that a node takes: `keyframe`, `calibrate`. Several that arrive before the node runs count as one.
///
/// One named `keyframe` is also asked by the engine when an edge behind the node lost packets that others depend on.
public final class RequestInput: ControlInput, @unchecked Sendable {
    let control: ControlSpec
    var cell = ControlCell()
    private var isPending = false

    /// `name` is unique among the node's controls; `help` is a sentence.
    public init(_ name: String, help: String) { control = ControlSpec(name, .request, help: help) }

    /// True if it was asked since the last call.
    public func take() -> Bool {
        defer { isPending = false }
        return isPending
    }

    func handOver() { if cell.takeRequests() > 0 { isPending = true } }
}

/// A number that a node takes while it runs and that is no parameter of it: a measurement, one part of a message.
///
/// Unlike a `Live` parameter it is handed over as it was sent, infinities and NaN included.
public final class ValueInput: ControlInput {
    let control: ControlSpec
    var cell = ControlCell()
    private var latest: Double?

    /// `name` has its unit in it, `delay_ms`; `help` is a sentence.
    public init(_ name: String, help: String) { control = ControlSpec(name, .value, help: help) }

    /// The latest number that came since the last call; nil if none did. In `process` and `finish`.
    public func take() -> Double? {
        defer { latest = nil }
        return latest
    }

    func handOver() { if let value = cell.takeValue() { latest = value } }
}

/// The sending end of a control link.
protocol ControlOutput: AnyObject {
    var control: ControlSpec { get }
    var links: ControlLinks { get set }
}

/// Sends numbers of which the latest wins: an estimate of the network, a measured delay.
public final class ValueOutput: ControlOutput {
    let control: ControlSpec
    var links = ControlLinks()

    /// `name` has its unit in it, `estimate_kbps`; `help` is a sentence.
    public init(_ name: String, help: String) { control = ControlSpec(name, .value, help: help) }

    /// To everything that it is linked to. On the node's lane.
    public func send(_ value: Double) { links.send(value) }
}

/// Sends requests.
public final class RequestOutput: ControlOutput {
    let control: ControlSpec
    var links = ControlLinks()

    /// `name` is unique among the node's controls; `help` is a sentence.
    public init(_ name: String, help: String) { control = ControlSpec(name, .request, help: help) }

    /// To everything that it is linked to. On the node's lane.
    public func send() { links.sendRequest() }
}

/// The links that leave one control output. Instances of templates come and go at them while the node sends; to come
/// and to leave cost the same however many there are.
final class ControlLinks: Sendable {
    private let state = Mutex(State())

    private struct State {
        /// In the order in which they came; nil where one has left.
        var targets: ContiguousArray<Target?> = []
        var places: [ObjectIdentifier: [Int]] = [:]
        var live = 0
    }

    private struct Target {
        let cell: ControlCell
        /// Of several template instances; nil inside one session.
        let combiner: ControlCombiner?
        let member: Int
        /// Of a record: see `RecordSlot.put`.
        let order: [Int]
    }

    func add(_ cell: ControlCell, combiner: ControlCombiner? = nil, member: Int = 0, order: [Int] = []) {
        state.withLock {
            $0.places[ObjectIdentifier(cell), default: []].append($0.targets.count)
            $0.targets.append(Target(cell: cell, combiner: combiner, member: member, order: order))
            $0.live += 1
        }
    }

    /// The session that `cell` belongs to ends.
    func remove(_ cell: ControlCell) {
        state.withLock { state in
            for place in state.places.removeValue(forKey: ObjectIdentifier(cell)) ?? [] {
                state.targets[place] = nil
                state.live -= 1
            }
            guard state.targets.count > 8, state.live * 2 < state.targets.count else { return }
            state.targets = ContiguousArray(state.targets.compactMap { $0 }.map(Optional.some))
            state.places.removeAll(keepingCapacity: true)
            for (place, target) in state.targets.enumerated() {
                if let target { state.places[ObjectIdentifier(target.cell), default: []].append(place) }
            }
        }
    }

    /// The session ends: its part in combined values is taken back.
    func removeAll() {
        let all = state.withLock { state in
            defer { state = State() }
            return state.targets
        }
        for target in all { if let target { target.combiner?.leave(target.member) } }
    }

    func send(_ value: Double) {
        state.withLock { state in
            for case let target? in state.targets {
                if let combiner = target.combiner {
                    combiner.set(value, by: target.member)
                } else {
                    target.cell.post(value: value)
                }
            }
        }
    }

    func send(record values: [Double]) {
        state.withLock { state in
            for case let target? in state.targets { target.cell.post(record: values, in: target.order) }
        }
    }

    func sendRequest() {
        state.withLock { state in for case let target? in state.targets { target.cell.postRequest() } }
    }
}

/// A control link that leads from a session into an instance of one of its templates.
struct IncomingLink {
    let links: ControlLinks
    let cell: ControlCell
    let order: [Int]
}
