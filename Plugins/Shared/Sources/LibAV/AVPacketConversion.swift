import CLibAV
import Sluice

/// Keeps an AVPacket alive for the `Packet` whose memory it is.
public final class AVPacketOwner: @unchecked Sendable {
    /// Lives as long as the owner.
    public let packet: UnsafeMutablePointer<AVPacket>

    /// Takes what `other` refers to; `other` is blank then and may be used again.
    public init(moving other: UnsafeMutablePointer<AVPacket>) {
        packet = av_packet_alloc()
        av_packet_move_ref(packet, other)
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&pointer)
    }
}

extension Packet {
    /// A packet in the memory of `other`, which is moved out of it: nothing is copied. libav pads its packets as ours
    /// are. Fills pts, dts, duration and the keyframe flag from `timeBase`; the rest of the header is left to the
    /// caller.
    public convenience init?(moving other: UnsafeMutablePointer<AVPacket>, format: MediaFormat, timeBase: AVRational) {
        guard other.pointee.data != nil, other.pointee.size >= 0, av_packet_make_refcounted(other) >= 0 else {
            return nil
        }
        let owner = AVPacketOwner(moving: other)
        let packet = owner.packet.pointee
        let count = Int(packet.size)
        self.init(
            format: format, buffer: MediaItem.Buffer(foreign: packet.data, capacity: count, owner: owner), count: count)
        header.pts = MediaTime(packet.pts, timeBase)
        header.dts = MediaTime(packet.dts, timeBase)
        if packet.duration > 0 { header.duration = MediaTime(packet.duration, timeBase) }
        if packet.flags & sluice_pkt_flag_key() != 0 || format.kind.isAudio { header.flags.insert(.keyframe) }
    }
}

extension MediaItem {
    /// Sets times and flags of `packet` from the header, in units of `timeBase`, moved by −`offset`.
    public func stamp(
        _ packet: UnsafeMutablePointer<AVPacket>, timeBase: AVRational, offset: MediaTime = .zero
    ) {
        func units(_ time: MediaTime) -> Int64 { time.isKnown ? (time - offset).units(of: timeBase) : sluice_no_pts() }
        packet.pointee.pts = units(header.pts)
        packet.pointee.dts = header.dts.isKnown ? units(header.dts) : packet.pointee.pts
        packet.pointee.duration = header.duration.isKnown ? max(0, header.duration.units(of: timeBase)) : 0
        packet.pointee.flags =
            header.flags.contains(.keyframe) || format.kind != .codedVideo ? sluice_pkt_flag_key() : 0
    }
}

extension Packet {
    /// Makes `packet` refer to this packet's bytes without copying; this packet lives until libav lets the reference
    /// go. Times are left to `stamp`. `packet` must be blank.
    public func lend(to packet: UnsafeMutablePointer<AVPacket>) throws(AVError) {
        let bytes = buffer.bytes.assumingMemoryBound(to: UInt8.self)
        packet.pointee.buf = try lentBuffer(bytes, count: count + MediaItem.Buffer.padding, keeping: self)
        packet.pointee.data = bytes
        packet.pointee.size = Int32(clamping: count)
    }
}
