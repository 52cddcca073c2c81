import Sluice

/// How much of what was sent comes, in bits a second: over the last 500 ms of the receiver's clock.
///
/// Kept in slots of 25 ms, so that a packet costs one addition. Nothing is told before half a window has been seen; and
/// none of a window in which little was sent says what the link can carry, so it only ever bounds an estimate.
struct ArrivedRate: Sendable {
    static let slot = Interval.milliseconds(25)
    static let slots = 20

    private var bytes = [Int](repeating: 0, count: ArrivedRate.slots)
    private var newest: Int64?
    private var first: Int64 = 0
    private var sum = 0

    /// `bytes` came at `arrived`.
    mutating func note(_ count: Int, at arrived: Interval) {
        let slot = arrived.nanoseconds / ArrivedRate.slot.nanoseconds
        guard let last = newest else {
            (newest, first) = (slot, slot)
            return add(count, slot)
        }
        if slot > last {
            if slot - last >= Int64(ArrivedRate.slots) {
                for index in bytes.indices { bytes[index] = 0 }
                (sum, first) = (0, slot)
            } else {
                for passed in (last + 1)...slot { clear(passed) }
            }
            newest = slot
        } else if last - slot >= Int64(ArrivedRate.slots) {
            // The receiver's clock was set back.
            if last - slot > Int64(ArrivedRate.slots) * 4 { self = ArrivedRate() }
            return
        }
        add(count, slot)
    }

    private mutating func clear(_ slot: Int64) {
        let index = Int(slot.magnitude % UInt64(ArrivedRate.slots))
        sum -= bytes[index]
        bytes[index] = 0
    }

    private mutating func add(_ count: Int, _ slot: Int64) {
        let count = min(max(0, count), 1 << 20)
        bytes[Int(slot.magnitude % UInt64(ArrivedRate.slots))] += count
        sum += count
    }

    /// nil before enough has been seen.
    var bitsPerSecond: Double? {
        guard let newest else { return nil }
        let seen = min(newest - first + 1, Int64(ArrivedRate.slots))
        guard seen >= Int64(ArrivedRate.slots) / 2 else { return nil }
        return Double(sum) * 8e9 / Double(seen * ArrivedRate.slot.nanoseconds)
    }
}
