import Bitstream
import Sluice

/// A receiver's notes on a transport's packets until it tells the sender: `note` each, `take` now and then.
///
/// All streams of a transport share one, as they share the count. Used by one lane at a time.
///
/// Bounded: of a sender that jumps ahead the numbers between are not told, and no more than `TransportFeedback.most`
/// are kept.
public final class ArrivalRecorder {
    private var sequences = Unwrapper<UInt16>()
    /// The number of the first in `arrivals`.
    private var base: Int64?
    /// Ticks of 250 µs of the clock.
    private var arrivals: [Int64?] = []
    private var number: UInt8 = 0

    /// A step ahead that is taken for loss and not for a new count.
    static let longestGap = 1_000

    /// With two bytes each they and their marks fit in a datagram.
    static let mostInPacket = 400

    /// Nothing has come.
    public init() {}

    /// Nothing is to be told.
    public var isEmpty: Bool { arrivals.isEmpty }

    /// The packet of this transport sequence number came `now`.
    public func note(_ sequence: UInt16, at now: Instant) {
        let ticks = now.nanoseconds / TransportFeedback.tick.nanoseconds
        let place = sequences.unwrap(sequence)
        let start = base ?? place
        base = start
        let index = place - start
        // Told before, as missing or not: what comes so late is no news for the sender.
        guard index >= 0 else { return }
        if index > Int64(arrivals.count + ArrivalRecorder.longestGap) || index >= Int64(TransportFeedback.most) {
            (base, arrivals) = (place, [ticks])
            return
        }
        while arrivals.count <= Int(index) { arrivals.append(nil) }
        if arrivals[Int(index)] == nil { arrivals[Int(index)] = ticks }
    }

    /// The packets that came since the last call, and those that were missed before it, in as many feedback packets as
    /// are needed; empty where nothing has come.
    public func take(sender: UInt32, media: UInt32) -> [TransportFeedback] {
        guard let first = base else { return [] }
        var made: [TransportFeedback] = []
        var (last, origin): (Int64, Int64) = (0, 0)
        var missed = 0
        for (index, arrival) in arrivals.enumerated() {
            guard let arrival else {
                missed += 1
                continue
            }
            let step = arrival - last
            // A delta has 16 bits; what is further apart begins a packet of its own. So does what makes one too large.
            if made.isEmpty || step > Int64(Int16.max) || step < Int64(Int16.min)
                || made[made.count - 1].arrivals.count >= ArrivalRecorder.mostInPacket
            {
                let units = arrival / TransportFeedback.ticksOfReference
                origin = units * TransportFeedback.ticksOfReference
                made.append(
                    TransportFeedback(
                        sender: sender, media: media, base: UInt16(truncatingIfNeeded: first + Int64(index - missed)),
                        // 24 bits with their sign.
                        reference: Int32(truncatingIfNeeded: (units << 40) >> 40), number: number, arrivals: []))
                number &+= 1
            }
            made[made.count - 1].arrivals += repeatElement(TransportFeedback.missing, count: missed)
            made[made.count - 1].arrivals.append(Int32(truncatingIfNeeded: arrival - origin))
            (last, missed) = (arrival, 0)
        }
        base = first + Int64(arrivals.count)
        arrivals.removeAll(keepingCapacity: true)
        return made
    }
}
