import CLibAV
import Sluice

/// Finds when pictures are shown that come in the order of decoding without presentation times (AVI, and H.264 or HEVC
/// without a container): by the numbers that they carry for this (picture order count: ITU-T H.264, 8.2.1).
///
/// As a decoder does, it holds back so many pictures as may be out of order, and takes the lowest number first. The
/// first to be shown gets the first decoding time, moved by the pictures that are held back, and so on.
struct DisplayOrder {
    /// Pictures that may be decoded before one that is shown earlier.
    private let depth: Int
    /// In the order of decoding; those without a presentation time are not in `shown` yet.
    private var packets: [Packet] = []
    private var waiting: [(number: Int, packet: Packet)] = []
    /// Decoding times that no picture has got for its own yet.
    private var slots: [MediaTime] = []
    private var highest = Int.min

    init(depth: Int) { self.depth = max(0, depth) }

    /// `packet` has its decoding time; `step` is how long a picture lasts.
    mutating func add(_ packet: Packet, number: Int, step: MediaTime) {
        // Numbers begin anew with a keyframe: all before it is shown before it.
        if packet.header.flags.contains(.keyframe), number <= highest {
            while !waiting.isEmpty { show(step) }
            highest = .min
        }
        highest = max(highest, number)
        packets.append(packet)
        slots.append(packet.header.dts)
        packet.header.pts = .none
        let place = waiting.firstIndex { $0.number > number } ?? waiting.count
        waiting.insert((number, packet), at: place)
        while waiting.count > depth { show(step) }
    }

    private mutating func show(_ step: MediaTime) {
        let packet = waiting.removeFirst().packet
        packet.header.pts = max(slots.removeFirst() + step * Int64(depth), packet.header.dts)
    }

    /// The next packet whose time is known.
    mutating func take() -> Packet? {
        guard let first = packets.first, first.header.pts.isKnown else { return nil }
        return packets.removeFirst()
    }

    /// No more come.
    mutating func finish(step: MediaTime) { while !waiting.isEmpty { show(step) } }
}

/// Reads the numbers of pictures with libavcodec's parser, which decodes nothing.
final class PictureNumbers {
    private let parser: PacketParser

    /// nil where the codec has no such numbers, or no parser.
    init?(_ parameters: UnsafeMutablePointer<AVCodecParameters>) {
        let codec = parameters.pointee.codec_id
        guard codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC, let made = PacketParser(parameters) else {
            return nil
        }
        parser = made
    }

    /// Of a whole access unit.
    func number(_ packet: Packet) -> Int { parser.read(packet).map { Int($0.output_picture_number) } ?? 0 }
}
