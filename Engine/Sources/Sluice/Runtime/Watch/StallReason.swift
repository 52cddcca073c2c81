import CSys

/// Why a node does not go on, as one clause: it waits for something, a call does not return, an edge behind it is full,
/// an input is silent.
struct StallReason: CustomStringConvertible {
    let description: String

    /// A call of `process` longer than this is worth a word.
    static let callPatience: Int64 = 1_000_000_000

    init(
        of node: NodeSnapshot, in snapshot: RunSnapshot, _ index: SnapshotIndex,
        callPatience: Int64 = StallReason.callPatience
    ) {
        let key = node.identity.key
        if let wait = node.wait {
            description = "\(node.name) has waited for \(wait.what) since \(snapshot.clockTime(wait.since))"
        } else if node.state == .restarting {
            description = "\(node.name) has failed and is about to be restarted"
        } else if snapshot.lanes.contains(where: { lane in
            lane.call.map { $0.node == key && snapshot.now - $0.since > callPatience } ?? false
        }) {
            description = "\(node.name) is in a call that has not returned"
        } else if let edge = index.edges(from: key).first(where: \.isRoomWanted) {
            description = "\(node.name) is held by the full edge \(edge.from) -> \(edge.to)"
        } else if let edge = index.edges(to: key).first(where: { !$0.isEnded && $0.held == 0 }) {
            description = "\(node.name) has had nothing from \(edge.from)"
        } else {
            description = "\(node.name) takes nothing"
        }
    }
}

extension RunSnapshot {
    /// A moment as people read it: UTC hours, minutes and seconds, or seconds of virtual time.
    func clockTime(_ nanoseconds: Int64) -> String {
        isVirtual ? "\(decimal(Double(nanoseconds) / 1e9, places: 1)) s" : wallTime(nanoseconds)
    }
}

/// UTC hours, minutes and seconds of a reading of the monotonic clock.
func wallTime(_ monotonic: Int64) -> String {
    let second = (sys_realtime_ns() - sys_monotonic_ns() + monotonic) / 1_000_000_000 % 86_400
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) UTC"
}
