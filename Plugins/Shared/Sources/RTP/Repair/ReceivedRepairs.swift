import Sluice

/// Packets that make good for lost ones: in a stream of their own (RFC 4588), or within later packets (RFC 2198). They
/// are no packets of the source's, so its statistics, and with them the reports to its sender, tell the loss.
extension StreamReceiver {
    /// So far ahead of the newest packet one may be that goes out again: the last ones of a picture were lost.
    private static let furthestAhead: Int64 = 64

    /// A packet of the stream that repairs came.
    func takeAgain(
        _ header: RTPHeader, repeating type: UInt8, _ payload: UnsafeRawBufferPointer, _ now: Instant,
        _ emit: (ReceivedFrame) -> Void
    ) {
        guard let (number, payload) = Retransmission.read(payload), let newest = sequences.last else { return }
        let sequence = sequences.place(number)
        guard sequence <= newest + StreamReceiver.furthestAhead else { return }
        let timestamp = timestamps.place(header.timestamp)
        let insertion: JitterBuffer.Insertion
        if type == settings.redundantType {
            var result = JitterBuffer.Insertion.late
            _ = RedundantAudio.read(payload) { block in
                guard block.following == 0, let format = formats[Int(block.payloadType)] else { return }
                result = insert(block.payload, format, sequence, timestamp, header.isMarked, now, emit)
            }
            insertion = result
        } else {
            guard let format = formats[Int(type)] else { return }
            insertion = insert(payload, format, sequence, timestamp, header.isMarked, now, emit)
        }
        guard insertion == .taken else { return }
        counts.repaired += 1
        missing?.note(number, now: now)
    }

    /// The earlier frames in the payload of a packet fill what is missing. Gives the packet's own media; nil where the
    /// payload is none of this kind.
    func takeRedundant(
        _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, sequence: Int64, timestamp: Int64, _ now: Instant,
        _ emit: (ReceivedFrame) -> Void
    ) -> (payload: UnsafeRawBufferPointer, format: PayloadFormat)? {
        var own: (payload: UnsafeRawBufferPointer, format: PayloadFormat)?
        var isRedundant = false
        defer { if isRedundant { counts.redundant += 1 } }
        let isWhole = RedundantAudio.read(payload) { block in
            let format = formats[Int(block.payloadType)]
            guard block.following > 0 else {
                own = format.map { (block.payload, $0) }
                return
            }
            isRedundant = isRedundant || !block.payload.isEmpty
            let time = timestamp - Int64(block.timestampOffset)
            guard let format, !block.payload.isEmpty,
                let place = times.place(time, in: sequence, of: timestamp, following: block.following),
                insert(block.payload, format, place, time, false, now, emit) == .taken
            else { return }
            counts.filled += 1
            missing?.note(UInt16(truncatingIfNeeded: place), now: now)
            times.note(place, time)
        }
        return isWhole ? own : nil
    }

    private func insert(
        _ payload: UnsafeRawBufferPointer, _ format: PayloadFormat, _ sequence: Int64, _ timestamp: Int64,
        _ isMarked: Bool, _ now: Instant, _ emit: (ReceivedFrame) -> Void
    ) -> JitterBuffer.Insertion {
        jitter.insert(
            payload, sequence: sequence, timestamp: timestamp, isMarked: isMarked, format: format, now: now
        ) { push($0, emit) }
    }
}
