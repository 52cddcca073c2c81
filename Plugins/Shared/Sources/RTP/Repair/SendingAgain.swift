import Sluice

extension StreamSender {
    /// Writes a packet that was sent before to `room`, and gives its size: in the stream that repairs where there is
    /// one, else to the bit, as under one key the same numbers never stand for other bytes.
    ///
    /// nil where it does not go out: it is not kept any more, has gone out again within `SentPackets.interval`, or the
    /// receiver has got as many bytes again as the stream has. `repairs` counts which.
    public mutating func again(_ sequence: UInt16, into room: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        repairs.asked += 1
        let entry: SentPackets.Entry
        switch sent?.find(sequence, now: now) ?? .gone {
        case .found(let found): entry = found
        case .gone:
            repairs.gone += 1
            return nil
        case .tooSoon:
            repairs.tooSoon += 1
            return nil
        }
        var values = entry.extensions
        if retransmission != nil {
            values.sent = now
            values.transportSequence = hasNumber ? transportSequence : nil
        }
        let size =
            RTPHeader.size + extensions.size(values) + entry.payloadSize
            + (retransmission == nil ? 0 : Retransmission.prefix)
        guard size <= room.count else { return nil }
        guard budget.spend(entry.payloadSize) else {
            repairs.overBudget += 1
            return nil
        }
        let header = retransmission?.header(repeating: entry.header) ?? entry.header
        write(entry, header, values, room, repeats: retransmission == nil ? nil : sequence)
        if retransmission != nil, hasNumber { transportSequence = transportSequence &+ 1 }
        sent?.noteAgain(sequence, now: now)
        repairs.sent += 1
        repairs.bytes += entry.payloadSize
        return size
    }

    /// Writes a packet that was sent lately to `room` once more, in the stream that repairs, and gives its size: one
    /// that nobody misses, for a probe of the network. A large one of the newest; calls behind each other take others.
    /// nil where there is no such stream, or nothing is kept.
    public mutating func probe(into room: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        guard retransmission != nil, let entry = sent?.probe() else { return nil }
        var values = entry.extensions
        (values.sent, values.transportSequence) = (now, hasNumber ? transportSequence : nil)
        let size = RTPHeader.size + extensions.size(values) + entry.payloadSize + Retransmission.prefix
        guard size <= room.count, let header = retransmission?.header(repeating: entry.header) else { return nil }
        write(entry, header, values, room, repeats: entry.sequence)
        if hasNumber { transportSequence = transportSequence &+ 1 }
        repairs.bytes += entry.payloadSize
        return size
    }

    /// The receiver lacks the packets with these numbers: they wait for `nextAgain`, few enough that one message costs
    /// little.
    public mutating func ask(for numbers: [UInt16]) {
        let room = StreamSender.mostAsked - asked.count
        asked += numbers.prefix(max(0, room))
        repairs.unheard += max(0, numbers.count - max(0, room))
    }

    private static let mostAsked = 256

    /// Of the packets that were asked for those wait no more that could not go out `now`, and those that wait already:
    /// one who misses much asks for the same time and again.
    public mutating func sortAsked(now: Instant) {
        let numbers = asked
        asked.removeAll(keepingCapacity: true)
        var known: Set<UInt16> = []
        for sequence in numbers {
            guard known.insert(sequence).inserted else {
                repairs.asked += 1
                repairs.tooSoon += 1
                continue
            }
            if isKept(sequence, now) { asked.append(sequence) }
        }
    }

    /// None of the packets that were asked for waits any more: what follows makes them needless.
    public mutating func forgetAsked() {
        repairs.asked += asked.count
        repairs.tooSoon += asked.count
        asked.removeAll(keepingCapacity: true)
    }

    private mutating func isKept(_ sequence: UInt16, _ now: Instant) -> Bool {
        switch sent?.find(sequence, now: now) ?? .gone {
        case .found: return true
        case .gone: repairs.gone += 1
        case .tooSoon: repairs.tooSoon += 1
        }
        repairs.asked += 1
        return false
    }

    /// Packets that were asked for and wait.
    public var waitingAgain: Int { asked.count }
    /// There are some.
    public var isAsked: Bool { !asked.isEmpty }

    /// Writes the next packet that was asked for and goes out `again` to `room`, and gives its size; nil where none is
    /// left.
    public mutating func nextAgain(into room: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        for (index, sequence) in asked.enumerated() {
            guard let size = again(sequence, into: room, now: now) else { continue }
            asked.removeFirst(index + 1)
            return size
        }
        asked.removeAll(keepingCapacity: true)
        return nil
    }

    /// The round trip to the receiver: a packet goes out again no more often than once in it. 10 ms at least.
    public mutating func follow(roundTrip: Interval) { sent?.interval = max(.milliseconds(10), roundTrip) }
}
