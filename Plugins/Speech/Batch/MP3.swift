import CLibAV
import LibAV
import Sluice

/// MP3 of mono samples, by libmp3lame in libavcodec. Blocks for some 2 ms a second of audio. From any thread.
enum MP3 {
    /// The frames of a whole file, without tags. `delay` is the number of samples that a decoder gives before the first
    /// one: nothing in the file tells it to leave them out. Throws `NodeError` where libavcodec has no libmp3lame.
    static func encode(_ samples: [Int16], rate: Int, bitrate: Int) throws -> (bytes: [UInt8], delay: Int) {
        LibAVLog.silence()
        guard let codec = avcodec_find_encoder_by_name("libmp3lame") else {
            throw NodeError("libavcodec has no libmp3lame, which makes MP3", advice: "Give \"format\": \"wav\".")
        }
        var context = avcodec_alloc_context3(codec)
        var (frame, packet) = (av_frame_alloc(), av_packet_alloc())
        defer {
            avcodec_free_context(&context)
            av_frame_free(&frame)
            av_packet_free(&packet)
        }
        guard let context, let frame, let packet else { throw NodeError("there is no memory to make MP3") }
        context.pointee.sample_fmt = AV_SAMPLE_FMT_S16P
        context.pointee.sample_rate = Int32(clamping: rate)
        av_channel_layout_default(&context.pointee.ch_layout, 1)
        context.pointee.bit_rate = Int64(bitrate)
        context.pointee.time_base = AVRational(num: 1, den: Int32(clamping: rate))
        context.pointee.thread_count = 1
        var bytes: [UInt8] = []
        do {
            try AVError.check(avcodec_open2(context, codec, nil))
            let block = Int(context.pointee.frame_size)
            guard block > 0 else { throw AVError(AVError.invalidData) }
            frame.pointee.format = AV_SAMPLE_FMT_S16P.rawValue
            frame.pointee.sample_rate = context.pointee.sample_rate
            frame.pointee.nb_samples = Int32(block)
            try AVError.check(av_channel_layout_copy(&frame.pointee.ch_layout, &context.pointee.ch_layout))
            try AVError.check(av_frame_get_buffer(frame, 0))
            for first in stride(from: 0, to: samples.count, by: block) {
                try AVError.check(av_frame_make_writable(frame))
                let count = min(block, samples.count - first)
                let plane = UnsafeMutableRawPointer(frame.pointee.data.0!).assumingMemoryBound(to: Int16.self)
                for index in 0..<block { plane[index] = index < count ? samples[first + index] : 0 }
                frame.pointee.pts = Int64(first)
                try AVError.check(avcodec_send_frame(context, frame))
                try receive(context, packet, &bytes)
            }
            try AVError.check(avcodec_send_frame(context, nil))
            try receive(context, packet, &bytes)
        } catch {
            throw NodeError("libavcodec makes no MP3 of it (\(error))")
        }
        return (bytes, Int(max(0, context.pointee.initial_padding)))
    }

    private static func receive(
        _ context: UnsafeMutablePointer<AVCodecContext>, _ packet: UnsafeMutablePointer<AVPacket>,
        _ bytes: inout [UInt8]
    ) throws {
        while true {
            let code = avcodec_receive_packet(context, packet)
            if code == AVError.again || code == AVError.endOfFile { return }
            try AVError.check(code)
            bytes.append(contentsOf: UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
            av_packet_unref(packet)
        }
    }
}
