import COpus
import Sluice

/// One libopus decoder to interleaved s16 at 48 kHz. Used by one lane at a time.
final class Decoder {
    static let rate = 48_000
    private let handle: OpaquePointer
    let channels: Int

    /// One or two channels.
    init(channels: Int) throws {
        var code: Int32 = 0
        guard let handle = opus_decoder_create(Int32(Decoder.rate), Int32(channels), &code) else {
            throw opusError("no decoder for \(channels) channels", code)
        }
        self.handle = handle
        self.channels = channels
    }

    deinit { opus_decoder_destroy(handle) }

    func reset() { _ = copus_reset_decoder(handle) }

    /// Samples of each channel that a packet holds, at most 120 ms; nil if it is no Opus packet.
    static func sampleCount(of packet: Packet) -> Int? {
        guard packet.count > 0, packet.count <= Int(Int32.max) else { return nil }
        let count = opus_packet_get_nb_samples(
            packet.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self), Int32(packet.count), Int32(rate))
        return count > 0 ? Int(count) : nil
    }

    /// Decodes `packet` into the whole of `frame`; false if libopus refuses the packet. With `recovering`, what the
    /// packet tells of the frame before it.
    func decode(_ packet: Packet, into frame: AudioFrame, recovering: Bool = false) -> Bool {
        let bytes = packet.bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)
        let count = opus_decode(
            handle, bytes, Int32(packet.count), frame.s16.baseAddress!, Int32(frame.sampleCount), recovering ? 1 : 0)
        return count == Int32(frame.sampleCount)
    }

    /// Fills `frame`, a multiple of 2.5 ms, with what may have been in a packet that is missing.
    func conceal(_ frame: AudioFrame) -> Bool {
        opus_decode(handle, nil, 0, frame.s16.baseAddress!, Int32(frame.sampleCount), 0) == Int32(frame.sampleCount)
    }
}
