import Bitstream

/// Makes Annex B access units of H.264 payloads in packetization-mode 0 or 1 (RFC 6184): single NAL units, STAP-A,
/// FU-A. The interleaved mode's packets are refused.
struct H264Depacketizer {
    /// A NAL unit came in pieces and its last one has not.
    private var isInFragment = false
    private(set) var hasKeyframe = false
    /// Of the stream so far, whichever access unit.
    private var hasSeenSets = false

    var isWhole: Bool { !isInFragment }

    mutating func begin() {
        isInFragment = false
        hasKeyframe = false
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
            note(type)
            unit.append(startCodeAnd: nil)
            return unit.append(payload)
        case 24: return !isInFragment && appendAggregate(payload, unit)
        case 28: return appendFragment(payload, unit)
        default: return false
        }
    }

    private mutating func note(_ type: UInt8) {
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
            note(payload[at] & 31)
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
            note(type)
            unit.append(startCodeAnd: payload[0] & 0xe0 | type)
        }
        isInFragment = !isEnd
        return unit.append(payload.part(2..<payload.count))
    }
}
