import CSys

/// Why a node does not go on, as one clause: what it waits for, a call that does not return, a full edge behind it, an
/// input that is silent.
struct StallReason: CustomStringConvertible {
    let description: String

    /// A call of `process` longer than this is worth a word.
    static let callPatience: Int64 = 1_000_000_000

    init(of core: NodeCore, at now: Int64, callPatience: Int64 = StallReason.callPatience) {
        let run = core.session.run
        if let waiting = run.waitingState(of: core) {
            let since = run.isVirtual ? "\(decimal(Double(waiting.since) / 1e9, places: 1)) s" : wallTime(waiting.since)
            description = "\(core.name) has waited for \(waiting.what) since \(since)"
        } else if core.state == .restarting {
            description = "\(core.name) has failed and is about to be restarted"
        } else if StallReason.isInCall(core, now, callPatience) {
            description = "\(core.name) is in a call that has not returned"
        } else if let edge = core.ports.outputs.flatMap(\.edges).first(where: { $0.state.pointee.ring.isRoomWanted }) {
            description = "\(core.name) is held by the full edge \(edge.from) -> \(edge.to)"
        } else if let edge = core.ports.inputs.compactMap(\.edge).first(where: {
            !$0.state.pointee.isEnded && $0.held == 0
        }) {
            description = "\(core.name) has had nothing from \(edge.from)"
        } else {
            description = "\(core.name) takes nothing"
        }
    }

    private static func isInCall(_ core: NodeCore, _ now: Int64, _ patience: Int64) -> Bool {
        core.lane.runningNode.load(ordering: .relaxed) == UInt(bitPattern: Unmanaged.passUnretained(core).toOpaque())
            && now - Int64(core.lane.runningSince.load(ordering: .relaxed)) > patience
    }
}

/// UTC hours, minutes and seconds of a reading of the monotonic clock.
func wallTime(_ monotonic: Int64) -> String {
    let second = (sys_realtime_ns() - sys_monotonic_ns() + monotonic) / 1_000_000_000 % 86_400
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) UTC"
}
