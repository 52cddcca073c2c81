import Bitstream

/// The stream as a packet's own bytes describe it; nothing is taken from what the encoder was asked for.
struct StreamFacts: Equatable, Sendable {
    /// `Constrained Baseline`; of VP8 the version; of Opus mode, bandwidth, length and channels.
    let profile: String
    /// Of H.264; other codecs have none.
    let level: String?

    init(profile: String, level: String? = nil) { (self.profile, self.level) = (profile, level) }

    /// nil where they say nothing: another codec, or bytes that are none of it.
    init?(_ bytes: UnsafeRawBufferPointer, codec: String) {
        switch codec {
        case "h264": self.init(h264: bytes)
        case "vp8": self.init(vp8: bytes)
        case "opus": self.init(opus: bytes)
        default: return nil
        }
    }

    /// Of the first sequence parameter set in Annex B (ITU-T H.264, 7.3.2.1.1 and A.2, A.3).
    private init?(h264 bytes: UnsafeRawBufferPointer) {
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(bytes, into: &units)
        let sets = units.lazy.filter { $0.count > 3 && NALUnits.type(bytes[$0.lowerBound]) == NALUnits.sps }
        guard let set = sets.first.map({ bytes[$0.lowerBound + 1..<$0.lowerBound + 4] }) else { return nil }
        let (profile, constraints, level) = (set[set.startIndex], set[set.startIndex + 1], set[set.startIndex + 2])
        // constraint_set3_flag makes level 1.1 of these profiles level 1b.
        let is1b = level == 11 && constraints & 0x10 != 0 && [66, 77, 88].contains(profile)
        self.init(
            profile: StreamFacts.h264Profile(profile, constraints), level: is1b ? "1b" : "\(level / 10).\(level % 10)")
    }

    private static func h264Profile(_ profile: UInt8, _ constraints: UInt8) -> String {
        switch profile {
        case 66: constraints & 0x40 != 0 ? "Constrained Baseline" : "Baseline"
        case 77: "Main"
        case 88: "Extended"
        case 100: constraints & 0x0c == 0x0c ? "Constrained High" : "High"
        default: "profile_idc \(profile)"
        }
    }

    /// Of a frame's tag (RFC 6386, section 9.1); a keyframe begins with a start code behind it.
    private init?(vp8 bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 10, !VP8Frame.isKeyframe(bytes) || VP8Frame.size(bytes) != nil else { return nil }
        self.init(profile: "version \(bytes[0] >> 1 & 7)")
    }

    /// Of the byte that begins a packet (RFC 6716, section 3.1, table 2).
    private init?(opus bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        let configuration = Int(first >> 3)
        let (mode, band, lengths): (String, String, [String])
        switch configuration {
        case 0..<12:
            (mode, band) = ("SILK", ["4 kHz", "6 kHz", "8 kHz"][configuration / 4])
            lengths = ["10", "20", "40", "60"]
        case 12..<16:
            (mode, band) = ("Hybrid", ["12 kHz", "20 kHz"][(configuration - 12) / 2])
            lengths = ["10", "20", "10", "20"]
        default:
            (mode, band) = ("CELT", ["4 kHz", "8 kHz", "12 kHz", "20 kHz"][(configuration - 16) / 4])
            lengths = ["2.5", "5", "10", "20"]
        }
        let channels = first & 4 != 0 ? "stereo" : "mono"
        self.init(profile: "\(mode) \(band) \(lengths[configuration % 4]) ms \(channels)")
    }
}
