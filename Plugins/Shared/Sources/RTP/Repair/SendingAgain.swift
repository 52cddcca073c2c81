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
            if extensions.transportSequence != nil { values.transportSequence = transportSequence }
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
        if retransmission != nil { transportSequence = transportSequence &+ 1 }
        sent?.noteAgain(sequence, now: now)
        repairs.sent += 1
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

    /// Packets that were asked for wait.
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
