import Sluice

/// Puts the packets of one source in order and waits for those that are missing, no longer than `delay`.
///
/// With `.early` a packet goes on as soon as all before it have, and a missing one is waited for from the moment when a
/// later one came. With `.timed` each goes on at its media time plus `delay`, counted from the packets that were
/// fastest lately (`TransitFloor`). So the packets come out as evenly as they were sent. A missing one is given up when
/// the next that is there is due. In neither does a packet stay longer than `delay`.
///
/// Pure: time comes with each call, `deadline` says when `release` wants to be called. Payloads are copied only when
/// they have to wait; memory is kept for the next ones.
public final class JitterBuffer {
    /// When packets go on: as soon as they can, or at their media time.
    public enum Release: String, Sendable, CaseIterable { case early, timed }

    /// The fate of a packet that came.
    public enum Insertion: Equatable, Sendable {
        case taken
        case duplicate
        /// It was given up before.
        case late
    }

    private struct Slot {
        var sequence = Int64.min
        var timestamp: Int64 = 0
        var arrival = Instant(nanoseconds: 0)
        var count = 0
        /// Of `memories`; −1 where the packet has gone on.
        var memory = -1
        var isMarked = false
        var format: PayloadFormat?
    }

    private let delay: Interval
    private let mode: Release
    private var clockRate: Int64
    private let capacity: Int
    private let mostBytes: Int
    private var slots: [Slot]
    private var memories: [UnsafeMutableRawBufferPointer] = []
    private var freeMemories: [Int] = []
    /// Packets that wait.
    public private(set) var held = 0
    /// Bytes of memory that they take, and of all memory that is kept.
    private var heldBytes = 0
    /// Bytes of memory that is kept.
    public private(set) var allocatedBytes = 0
    /// The next to go on; nil before the first.
    private var next: Int64?
    private var highest = Int64.min
    /// Since when the packet `next` has been missed; nil while nothing waits behind it.
    private var missedSince: Instant?
    private var unreported = 0
    /// Something has gone on.
    private var hasBegun = false
    private var transit = TransitFloor()

    /// `capacity`, made a power of two, is how many sequence numbers wait at most, `mostBytes` how much memory they
    /// take.
    public init(
        delay: Interval, mode: Release = .early, clockRate: Int, capacity: Int = 2_048, mostBytes: Int = 16 << 20
    ) {
        self.delay = delay
        self.mode = mode
        self.clockRate = Int64(max(1, clockRate))
        self.mostBytes = mostBytes
        self.capacity = 1 << (Int.bitWidth - (max(1, capacity) - 1).leadingZeroBitCount)
        slots = Array(repeating: Slot(), count: self.capacity)
    }

    private static let usualRoom = 2_048

    deinit { for memory in memories { memory.deallocate() } }

    /// Forgets everything: another source follows, or another clock, of so many timestamps a second.
    public func reset(clockRate: Int? = nil) {
        if let clockRate { self.clockRate = Int64(max(1, clockRate)) }
        for index in slots.indices {
            if slots[index].memory >= 0 { freeMemories.append(slots[index].memory) }
            slots[index] = Slot()
        }
        (held, heldBytes, next, highest, missedSince, unreported) = (0, 0, nil, .min, nil, 0)
        hasBegun = false
        transit.reset()
    }

    /// Takes a packet and hands on what can go on now. `sequence` and `timestamp` are unwrapped. `format` is that of
    /// the payload; nil for what has none of its own.
    public func insert(
        _ payload: UnsafeRawBufferPointer, sequence: Int64, timestamp: Int64, isMarked: Bool,
        format: PayloadFormat? = nil, now: Instant, _ emit: (OrderedPacket) -> Void
    ) -> Insertion {
        if mode == .timed, !payload.isEmpty { noteTransit(timestamp, now) }
        let expected = next ?? sequence
        let index = Int(truncatingIfNeeded: sequence) & (capacity - 1)
        if slots[index].sequence == sequence { return .duplicate }
        // Before anything has gone on, the first need not have come first.
        guard sequence >= expected || !hasBegun && highest - sequence < Int64(capacity) else { return .late }
        next = min(expected, sequence)
        makeRoom(for: sequence, emit)
        makeRoom(forBytes: max(payload.count, JitterBuffer.usualRoom), emit)
        // Packets that were given up meanwhile may have been behind this one.
        if let at = next, sequence < at { return .late }
        highest = max(highest, sequence)
        if mode == .early && sequence == next && held == 0 {
            slots[index] = Slot(sequence: sequence)
            next = sequence + 1
            hand(payload, timestamp, isMarked, format, now, emit)
            return .taken
        }
        keep(
            payload, at: index,
            Slot(sequence: sequence, timestamp: timestamp, arrival: now, isMarked: isMarked, format: format))
        release(now: now, emit)
        return .taken
    }

    /// Hands on what is due, and gives up what is missing for too long.
    public func release(now: Instant, _ emit: (OrderedPacket) -> Void) {
        while held > 0, let at = next {
            let index = Int(truncatingIfNeeded: at) & (capacity - 1)
            if slots[index].sequence == at && slots[index].memory >= 0 {
                guard mode == .early || due(slots[index]) <= now else { return }
                handOn(index, emit)
                continue
            }
            guard let first = firstHeld() else { return }
            let since = missedSince ?? earliestArrival(from: first)
            missedSince = since
            guard (mode == .early ? since + delay : due(slots[first])) <= now else { return }
            giveUp(until: slots[first].sequence)
        }
    }

    /// When `release` has something to do if nothing comes before; nil while nothing waits.
    public var deadline: Instant? {
        guard held > 0, let at = next else { return nil }
        let index = Int(truncatingIfNeeded: at) & (capacity - 1)
        if slots[index].sequence == at && slots[index].memory >= 0 { return due(slots[index]) }
        guard let first = firstHeld() else { return nil }
        return mode == .early ? (missedSince ?? earliestArrival(from: first)) + delay : due(slots[first])
    }

    /// Hands on all that is held, as if it were due: nothing more comes.
    public func drain(_ emit: (OrderedPacket) -> Void) {
        while held > 0, let first = firstHeld() {
            giveUp(until: slots[first].sequence)
            handOn(first, emit)
        }
    }

    // MARK: Slots

    /// Later than this no network is: the sender's timestamps have gone back.
    private static let latest: Int64 = 2_000_000_000

    private func noteTransit(_ timestamp: Int64, _ now: Instant) {
        let media = nanoseconds(timestamp)
        if let floor = transit.floor, now.nanoseconds &- media &- floor.nanoseconds > JitterBuffer.latest {
            transit.reset()
        }
        transit.note(media: media, at: now)
    }

    private func nanoseconds(_ timestamp: Int64) -> Int64 { rescale(timestamp, from: clockRate, to: 1_000_000_000) }

    private func due(_ slot: Slot) -> Instant {
        let latest = slot.arrival + delay
        guard mode == .timed, let floor = transit.floor else { return latest }
        return min(latest, Instant(nanoseconds: nanoseconds(slot.timestamp) &+ floor.nanoseconds) + delay)
    }

    /// The held packet with the lowest sequence number.
    private func firstHeld() -> Int? {
        guard var at = next, held > 0 else { return nil }
        while at <= highest {
            let index = Int(truncatingIfNeeded: at) & (capacity - 1)
            if slots[index].memory >= 0 && slots[index].sequence == at { return index }
            at += 1
        }
        return nil
    }

    /// Of the held packets, of which `first` is the lowest.
    private func earliestArrival(from first: Int) -> Instant {
        var earliest = slots[first].arrival
        var at = slots[first].sequence
        while at <= highest {
            let slot = slots[Int(truncatingIfNeeded: at) & (capacity - 1)]
            if slot.memory >= 0 && slot.sequence == at { earliest = min(earliest, slot.arrival) }
            at += 1
        }
        return earliest
    }

    /// A packet so far ahead that its slot is taken gives up the oldest.
    private func makeRoom(for sequence: Int64, _ emit: (OrderedPacket) -> Void) {
        let oldest = sequence - Int64(capacity) + 1
        while let at = next, at < oldest {
            if held > 0, let first = firstHeld(), slots[first].sequence < oldest {
                giveUp(until: slots[first].sequence)
                handOn(first, emit)
            } else {
                giveUp(until: oldest)
            }
        }
    }

    /// Where packets take too much memory, the oldest goes on.
    private func makeRoom(forBytes count: Int, _ emit: (OrderedPacket) -> Void) {
        while heldBytes + count > mostBytes, let first = firstHeld() {
            giveUp(until: slots[first].sequence)
            handOn(first, emit)
        }
    }

    private func keep(_ payload: UnsafeRawBufferPointer, at index: Int, _ slot: Slot) {
        if freeMemories.isEmpty {
            memories.append(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            freeMemories.append(memories.count - 1)
        }
        let memory = freeMemories.removeLast()
        if memories[memory].count < max(1, payload.count) {
            resize(memory, to: max(payload.count, JitterBuffer.usualRoom))
        }
        memories[memory].put(payload, at: 0)
        slots[index] = slot
        slots[index].count = payload.count
        slots[index].memory = memory
        held += 1
        heldBytes += memories[memory].count
    }

    private func resize(_ memory: Int, to count: Int) {
        allocatedBytes += count - memories[memory].count
        memories[memory].deallocate()
        memories[memory] =
            count > 0
            ? .allocate(byteCount: count, alignment: 16) : UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    private func giveUp(until sequence: Int64) {
        guard let at = next, sequence > at else { return }
        unreported += Int(sequence - at)
        next = sequence
        missedSince = nil
    }

    private func handOn(_ index: Int, _ emit: (OrderedPacket) -> Void) {
        let slot = slots[index]
        next = slot.sequence + 1
        held -= 1
        heldBytes -= memories[slot.memory].count
        missedSince = nil
        slots[index].memory = -1
        let payload = UnsafeRawBufferPointer(rebasing: memories[slot.memory][0..<slot.count])
        hand(payload, slot.timestamp, slot.isMarked, slot.format, slot.arrival, emit)
        // Some were made larger than others; what is kept for later stays within the bound too.
        if allocatedBytes > mostBytes { resize(slot.memory, to: 0) }
        freeMemories.append(slot.memory)
    }

    private func hand(
        _ payload: UnsafeRawBufferPointer, _ timestamp: Int64, _ isMarked: Bool, _ format: PayloadFormat?,
        _ arrival: Instant, _ emit: (OrderedPacket) -> Void
    ) {
        let lost = unreported
        unreported = 0
        hasBegun = true
        emit(
            OrderedPacket(
                payload: payload, timestamp: timestamp, isMarked: isMarked, lost: lost, arrival: arrival, format: format
            ))
    }
}
