import Sluice

/// Items on their way out, each to leave after its time, in order.
///
/// An item leaves when the clock says so, or when as much media have come in behind it as it was to wait. So a source
/// that sends faster than in real time fills the line no further than the delay. One whose clock runs a little fast
/// does not fill it slowly.
struct DelayLine {
    private struct Entry {
        /// nil once it has left: memory is not held for the place in line.
        var item: MediaItem?
        let due: Instant
        /// The audio that must have come in.
        let release: Int64
        /// Samples or pictures, for the counters.
        let amount: Int
    }

    private var entries: [Entry] = []
    private var head = 0
    /// Media that came in before the last item, in ticks.
    private var arrived: Int64 = 0
    private var lastDuration: Int64 = 0

    var isEmpty: Bool { head == entries.count }
    /// When the first item leaves at the latest.
    var due: Instant? { isEmpty ? nil : entries[head].due }

    /// `item` came now and leaves `hold` later.
    mutating func push(_ item: MediaItem, at now: Instant, hold: MediaTime, amount: Int) {
        if head > 64, head * 2 > entries.count {
            entries.removeFirst(head)
            head = 0
        }
        entries.append(
            Entry(item: item, due: now + Interval(hold), release: arrived &+ hold.ticks, amount: amount))
    }

    /// An item of this duration comes in now; before what it makes is pushed.
    mutating func noteArrival(_ duration: MediaTime) {
        arrived &+= lastDuration
        lastDuration = duration.isKnown ? max(0, duration.ticks) : 0
    }

    /// The first item, if it may leave.
    mutating func pop(at now: Instant) -> MediaItem? {
        guard !isEmpty, entries[head].due <= now || entries[head].release <= arrived else { return nil }
        let item = entries[head].item.take()
        head += 1
        if isEmpty {
            entries.removeAll(keepingCapacity: true)
            head = 0
        }
        return item
    }

    /// Throws away what `isStale` says and returns how much it was.
    mutating func discard(where isStale: (MediaItem) -> Bool) -> Int {
        var amount = 0
        entries.removeFirst(head)
        head = 0
        entries.removeAll {
            guard let item = $0.item, isStale(item) else { return false }
            amount += $0.amount
            return true
        }
        return amount
    }
}
