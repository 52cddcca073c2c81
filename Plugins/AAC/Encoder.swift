import CLibAV
import LibAV
import Sluice

/// One AAC encoder of libavcodec. It takes blocks of 1,024 samples of each channel and is two behind: a block's packet
/// comes with the one after it, and begins to be heard with the packet before. Used by one lane at a time.
final class Encoder {
    /// Samples of each channel in a packet.
    static let block = 1_024

    /// AudioSpecificConfig.
    let configuration: [UInt8]
    let layout: AudioLayout
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let frame: UnsafeMutablePointer<AVFrame>
    private let packet: UnsafeMutablePointer<AVPacket>
    private var sent: Int64 = 0

    /// For samples of this layout. `bitrate` in bits a second. Throws where libavcodec refuses, in its words.
    init(_ layout: AudioLayout, bitrate: Int) throws {
        LibAVLog.silence()
        self.layout = layout
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_AAC), let context = avcodec_alloc_context3(codec),
            let frame = av_frame_alloc(), let packet = av_packet_alloc()
        else { throw NodeError("libavcodec has no AAC encoder") }
        (self.context, self.frame, self.packet) = (context, frame, packet)
        context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
        context.pointee.sample_rate = Int32(clamping: layout.rate)
        context.pointee.ch_layout = AVChannelLayout(layout)
        context.pointee.bit_rate = Int64(bitrate)
        context.pointee.time_base = AVRational(num: 1, den: Int32(clamping: layout.rate))
        context.pointee.thread_count = 1
        context.pointee.flags |= sluice_codec_flag_bitexact() | sluice_codec_flag_global_header()
        let opened: Result<[UInt8], NodeError> = LibAVLog.gravest {
            try AVError.check(avcodec_open2(context, codec, nil))
            frame.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
            frame.pointee.sample_rate = context.pointee.sample_rate
            frame.pointee.nb_samples = Int32(Encoder.block)
            try AVError.check(av_channel_layout_copy(&frame.pointee.ch_layout, &context.pointee.ch_layout))
            try AVError.check(av_frame_get_buffer(frame, 0))
            let told = UnsafeBufferPointer(
                start: context.pointee.extradata, count: Int(max(0, context.pointee.extradata_size)))
            return .success([UInt8](told))
        } otherwise: { error, words in
            .failure(
                NodeError(
                    "libavcodec encodes no \(layout) to AAC (\(words.isEmpty ? "\(error)" : words))",
                    advice: "Put a node of type \"audio-convert\" with \"channels\": 2 before it.", isInputError: true))
        }
        if case .failure = opened { Encoder.free(context, frame, packet) }
        configuration = try opened.get()
        set(bitrate: bitrate)
    }

    deinit { Encoder.free(context, frame, packet) }

    private static func free(
        _ context: UnsafeMutablePointer<AVCodecContext>, _ frame: UnsafeMutablePointer<AVFrame>,
        _ packet: UnsafeMutablePointer<AVPacket>
    ) {
        var (context, frame, packet) = (Optional(context), Optional(frame), Optional(packet))
        avcodec_free_context(&context)
        av_frame_free(&frame)
        av_packet_free(&packet)
    }

    /// Bits a second, at most the 6,144 bits that a channel may have in a packet. libavcodec looks at it with each
    /// packet; the highest frequency that is kept stays that of the bitrate at the start.
    func set(bitrate: Int) {
        let most = 6_144 * layout.channels * layout.rate / Encoder.block
        context.pointee.bit_rate = Int64(min(bitrate, most))
    }

    /// Puts `count` samples of `samples` from `first` on at `place` of the block.
    func fill(_ samples: AudioFrame, from first: Int, count: Int, at place: Int) throws {
        if place == 0 { try makeWritable() }
        let channels = layout.channels
        for channel in 0..<channels {
            guard let plane = plane(channel) else { continue }
            switch samples.layout.sampleFormat {
            case .f32:
                let source = samples.f32.baseAddress! + first * channels + channel
                for index in 0..<count {
                    let sample = source[index * channels]
                    // libavcodec refuses a block with a sample that is no number.
                    plane[place + index] = sample > -16 && sample < 16 ? sample : 0
                }
            default:
                let source = samples.s16.baseAddress! + first * channels + channel
                for index in 0..<count { plane[place + index] = Float(source[index * channels]) * 0x1p-15 }
            }
        }
    }

    /// The block from `place` on is silent.
    func silence(from place: Int) throws {
        if place == 0 { try makeWritable() }
        for channel in 0..<layout.channels {
            guard let plane = plane(channel) else { continue }
            (plane + place).update(repeating: 0, count: Encoder.block - place)
        }
    }

    private func plane(_ channel: Int) -> UnsafeMutablePointer<Float>? {
        guard let bytes = frame.pointee.extended_data[channel] else { return nil }
        return UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: Float.self)
    }

    private func makeWritable() throws {
        do { try AVError.check(av_frame_make_writable(frame)) } catch { throw failure(error) }
    }

    /// Encodes the block. `body` gets the bytes of each packet that is done; they last for the call.
    func encode(_ body: (UnsafeRawBufferPointer) -> Void) throws {
        do {
            frame.pointee.pts = sent
            sent += Int64(Encoder.block)
            try AVError.check(avcodec_send_frame(context, frame))
            while true {
                let code = avcodec_receive_packet(context, packet)
                if code == AVError.again || code == AVError.endOfFile { return }
                try AVError.check(code)
                body(UnsafeRawBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
                av_packet_unref(packet)
            }
        } catch { throw failure(error) }
    }

    private func failure(_ error: any Error) -> NodeError { NodeError("libavcodec: encoding AAC failed (\(error))") }
}
