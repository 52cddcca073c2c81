import Bitstream

/// Makes Annex B access units of H.264 payloads in packetization-mode 0 or 1 (RFC 6184): single NAL units, STAP-A,
/// FU-A. The interleaved mode's packets are refused.
struct H264Depacketizer {
    /// A NAL unit came in pieces and its last one has not.
    private var isInFragment = false
    private(set) var hasKeyframe = false
    /// Slices of the access unit so far.
    private(set) var slices = 0
    /// Where units begin behind the last slice that belong before the next one: a sender may give them the time of the
    /// picture behind which they come.
    private(set) var tail: Int?
    /// Of the stream so far, whichever access unit.
    private var hasSeenSets = false

    var isWhole: Bool { !isInFragment }

    /// The last unit is a slice, and there in full: the picture may end here.
    var mayEnd: Bool { slices > 0 && tail == nil && !isInFragment }

    mutating func begin() {
        (isInFragment, hasKeyframe, slices, tail) = (false, false, 0, nil)
    }

    /// Whether a picture begins with this payload whatever its timestamp: its first slice is in front.
    func beginsPicture(_ payload: UnsafeRawBufferPointer) -> Bool {
        let type = payload[0] & 31
        // first_mb_in_slice is 0, whose code is a single bit.
        switch type {
        case 1, 5: return payload.count > 1 && payload[1] & 0x80 != 0
        case 24: return payload.count > 4 && [1, 5].contains(payload[3] & 31) && payload[4] & 0x80 != 0
        case 28:
            return payload.count > 2 && payload[1] & 0x80 != 0 && [1, 5].contains(payload[1] & 31)
                && payload[2] & 0x80 != 0
        default: return false
        }
    }

    /// Whether it has a part of a slice.
    func holdsSlice(_ payload: UnsafeRawBufferPointer) -> Bool {
        switch payload[0] & 31 {
        case 1...5: return true
        case 28: return payload.count > 1 && (1...5).contains(payload[1] & 31)
        case 24:
            var at = 1
            while at + 2 < payload.count {
                if (1...5).contains(payload[at + 2] & 31) { return true }
                at += 2 + Int(payload.big16(at))
            }
            return false
        default: return false
        }
    }

    /// Whether an access unit surely begins with this payload, though packets before it are missing: with parameter
    /// sets or a delimiter, or, in a stream that has sent no parameter sets so far, with the first slice.
    func mayBegin(_ payload: UnsafeRawBufferPointer) -> Bool {
        switch payload[0] & 31 {
        case 24: payload.count > 3 && begins(payload[3] & 31, slice: payload.part(3..<payload.count))
        case 28:
            payload.count > 2 && payload[1] & 0x80 != 0
                && begins(payload[1] & 31, slice: payload.part(1..<payload.count))
        case let type: begins(type, slice: payload)
        }
    }

    private func begins(_ type: UInt8, slice: UnsafeRawBufferPointer) -> Bool {
        switch type {
        case 7, 9: true
        // first_mb_in_slice is 0, whose code is a single bit.
        case 1...5: !hasSeenSets && slice.count > 1 && slice[1] & 0x80 != 0
        default: !hasSeenSets && (6...23).contains(type)
        }
    }

    /// False for what does not fit; then the access unit is worth nothing.
    mutating func append(_ payload: UnsafeRawBufferPointer, to unit: ByteAssembly) -> Bool {
        let type = payload[0] & 31
        switch type {
        case 1...23:
            guard !isInFragment else { return false }
            note(type, at: unit.count)
            unit.append(startCodeAnd: nil)
            return unit.append(payload)
        case 24: return !isInFragment && appendAggregate(payload, unit)
        case 28: return appendFragment(payload, unit)
        default: return false
        }
    }

    private mutating func note(_ type: UInt8, at start: Int) {
        switch type {
        case 1...5: (slices, tail) = (slices + 1, nil)
        // Delimiter, parameter sets, messages and prefixes (ITU-T H.264, section 7.4.1.2.3).
        case 6...9, 13...18: if slices > 0, tail == nil { tail = start }
        default: break
        }
        if type == NALUnits.idr { hasKeyframe = true }
        if type == NALUnits.sps { hasSeenSets = true }
    }

    private mutating func appendAggregate(_ payload: UnsafeRawBufferPointer, _ unit: ByteAssembly) -> Bool {
        var at = 1
        while at < payload.count {
            guard at + 2 < payload.count else { return false }
            let size = Int(payload.big16(at))
            at += 2
            guard size > 0, size <= payload.count - at else { return false }
            note(payload[at] & 31, at: unit.count)
            unit.append(startCodeAnd: nil)
            guard unit.append(payload.part(at..<at + size)) else { return false }
            at += size
        }
        return payload.count > 1
    }

    private mutating func appendFragment(_ payload: UnsafeRawBufferPointer, _ unit: ByteAssembly) -> Bool {
        guard payload.count > 2 else { return false }
        let (isStart, isEnd, type) = (payload[1] & 0x80 != 0, payload[1] & 0x40 != 0, payload[1] & 31)
        guard isStart != isInFragment, (1...23).contains(type) else { return false }
        if isStart {
            note(type, at: unit.count)
            unit.append(startCodeAnd: payload[0] & 0xe0 | type)
        }
        isInFragment = !isEnd
        return unit.append(payload.part(2..<payload.count))
    }
}
