import CLibAV
import LibAV
import Sluice

/// One stream of a media file: packets in, items out.
final class MediaFileTrack {
    let index: Int32
    /// The number that a transport stream gives it.
    let pid: Int
    let format: MediaFormat
    /// Media time of the file that becomes 0.
    var start = MediaTime.zero
    private(set) var pending: [UnsafeMutablePointer<AVPacket>] = []
    private var pendingHead = 0
    private(set) var pendingBytes = 0
    /// Where the last packet read ends, from `start`.
    private(set) var readUntil = MediaTime.none

    let timeBase: AVRational
    private let codecID: AVCodecID
    /// Frames that a decoder of this stream holds back to put them in order.
    private let reorderDelay: Int32
    private let decoder: Decoder?
    /// For packets that are handed on without presentation times.
    private var order: DisplayOrder
    private let numbers: PictureNumbers?
    private var hasOrder = false
    private let pictures: VideoFrameMaker
    private let samples = AudioFrameMaker()
    private var isDrained = false
    private var isRestarted = false
    private var (hasGiven, hasWarned, hasWarnedOfMadeUp) = (false, false, false)
    /// When the next item is expected, where its own time is missing or, for audio, coarser than its samples.
    private var expected = MediaTime.none
    /// Of packets that are handed on, and may change in the middle.
    private let watch: FormatWatch?
    private var present: MediaFormat?
    private let damaged: Metric.Counter
    private let warn: (String) -> Void

    init(
        _ stream: UnsafeMutablePointer<AVStream>, frameRate: AVRational, decode: Bool, turns: Bool, isSpliced: Bool,
        options: Decoder.Options, damaged: Metric.Counter, note: (String) -> Void, warn: @escaping (String) -> Void
    ) throws {
        index = stream.pointee.index
        pid = Int(stream.pointee.id)
        timeBase = stream.pointee.time_base
        codecID = stream.pointee.codecpar.pointee.codec_id
        reorderDelay = max(0, stream.pointee.codecpar.pointee.video_delay)
        order = DisplayOrder(depth: Int(reorderDelay))
        numbers = !decode && reorderDelay > 0 ? PictureNumbers(stream.pointee.codecpar) : nil
        let codec = MediaFormat.Codec(codecID)
        watch = isSpliced && !decode && FormatWatch.reads(codec) ? FormatWatch(stream.pointee.codecpar) : nil
        self.damaged = damaged
        self.warn = warn
        let parameters = stream.pointee.codecpar!
        // Some demuxers tell the shape of pixels in the one place, some in the other; the container's word counts.
        let isContainersAspect = stream.pointee.sample_aspect_ratio.num > 0
        if isContainersAspect {
            parameters.pointee.sample_aspect_ratio = stream.pointee.sample_aspect_ratio
        }
        var orientation = VideoLayout.Orientation.upright
        switch turns ? DisplayMatrix.read(stream) : nil {
        case .orientation(let told)?: orientation = told
        case .askew(let degrees)?: warn("its \(DisplayMatrix.words(askew: degrees))")
        case nil: break
        }
        if orientation != .upright && decode { note("its pictures are \(orientation), as its display matrix says") }
        let coded = MediaFormat(parameters.pointee, frameRate: frameRate, orientation: orientation)
        guard let coded else {
            throw NodeError(
                "a stream of it has no size or rate that makes sense",
                advice: "It may be truncated before its first picture or sample. `ffprobe` tells more.",
                isInputError: true)
        }
        if let rate = coded.audio?.rate, !MediaFileTrack.usualRates.contains(rate) {
            warn("its header tells a sample rate of \(rate) Hz, which no recording has: the header may be wrong")
        }
        pictures = VideoFrameMaker(
            frameRate: coded.video?.frameRate, aspect: coded.video?.pixelAspect ?? .square,
            isContainers: isContainersAspect, orientation: turns ? orientation : nil
        ) { warn("its \($0)") }
        guard decode else {
            decoder = nil
            format = coded
            return
        }
        decoder = try Decoder(parameters, timeBase: timeBase, options)
        if let video = coded.video {
            let pixels = VideoLayout.PixelFormat(AVPixelFormat(parameters.pointee.format)) ?? .i420
            format = MediaFormat(
                video: VideoLayout(
                    width: video.width, height: video.height, pixelFormat: pixels, frameRate: video.frameRate,
                    colorMatrix: VideoLayout.ColorMatrix(parameters.pointee.color_space),
                    pixelAspect: video.pixelAspect, orientation: orientation
                ).upright)
        } else {
            let sample = AudioFrameMaker.sampleFormat(for: AVSampleFormat(parameters.pointee.format))
            let audio = coded.audio!
            format = MediaFormat(
                audio: AudioLayout(sample, rate: audio.rate, channels: audio.channels, speakers: audio.speakers))
        }
    }

    /// In Hz, from the slowest telephone to the fastest converter.
    private static let usualRates = 4_000...384_000

    deinit { dropPending() }

    // MARK: Packets

    /// Takes what `packet` refers to.
    func append(_ packet: UnsafeMutablePointer<AVPacket>) {
        let time = packet.pointee.pts != sluice_no_pts() ? packet.pointee.pts : packet.pointee.dts
        let end = MediaTime(time, timeBase)
        if end.isKnown {
            let until = end - start + MediaTime(max(0, packet.pointee.duration), timeBase)
            if !readUntil.isKnown || until > readUntil { readUntil = until }
        }
        guard let owned = av_packet_alloc() else { return }
        av_packet_move_ref(owned, packet)
        pending.append(owned)
        pendingBytes += Int(owned.pointee.size)
    }

    /// So much was read while the other track was wanted that it has to wait.
    var isFull: Bool { pending.count >= 4_096 || pendingBytes >= 64 << 20 }

    /// Drops packets before `time`, and on to one at which a decoder can begin; true where that one is held.
    func skip(to time: MediaTime) -> (dropped: Int, isThere: Bool) {
        var dropped = 0
        while pendingHead < pending.count {
            let packet = pending[pendingHead]
            let stamp = packet.pointee.dts != sluice_no_pts() ? packet.pointee.dts : packet.pointee.pts
            let begins = MediaTime(stamp, timeBase)
            let isKey = format.kind.isAudio || packet.pointee.flags & sluice_pkt_flag_key() != 0
            if isKey && (!begins.isKnown || begins - start >= time) {
                if dropped > 0 { breakOff() }
                return (dropped, true)
            }
            if let packet = takePacket() { free(packet) }
            dropped += 1
        }
        if dropped > 0 { breakOff() }
        return (dropped, false)
    }

    /// The next packets do not continue those before.
    private func breakOff() {
        decoder?.flush()
        order = DisplayOrder(depth: Int(reorderDelay))
        isRestarted = true
        expected = .none
    }

    private func takePacket() -> UnsafeMutablePointer<AVPacket>? {
        guard pendingHead < pending.count else { return nil }
        let packet = pending[pendingHead]
        pendingHead += 1
        if pendingHead == pending.count {
            pending.removeAll(keepingCapacity: true)
            pendingHead = 0
        } else if pendingHead >= 256 {
            pending.removeFirst(pendingHead)
            pendingHead = 0
        }
        pendingBytes -= Int(packet.pointee.size)
        return packet
    }

    private func dropPending() {
        while let packet = takePacket() { free(packet) }
    }

    private func free(_ packet: UnsafeMutablePointer<AVPacket>) {
        var pointer: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&pointer)
    }

    // MARK: Items

    /// The next item of the packets read so far; nil when more are wanted.
    func take() throws -> MediaItem? {
        while true {
            if let item = try takeDecoded() ?? order.take() { return given(item) }
            guard let packet = takePacket() else { return nil }
            defer { free(packet) }
            guard let decoder else {
                if let item = coded(packet), let ordered = inOrder(item) { return given(ordered) }
                continue
            }
            do {
                _ = try decoder.send(packet)
                noteMadeUp(by: decoder)
            } catch {
                noteDamage(error)
            }
        }
    }

    private func given(_ item: MediaItem) -> MediaItem {
        hasGiven = true
        return item
    }

    /// Behind the end: says so where nothing came of the stream, and no damage was told.
    func noteEnd() {
        guard !hasGiven, !hasWarned else { return }
        hasWarned = true
        warn("it has \(format.kind.isAudio ? "audio without a single sample" : "video without a single picture")")
    }

    /// At the end: True if the decoder may hold more frames.
    func drain() throws -> Bool {
        guard !isDrained else { return false }
        isDrained = true
        order.finish(step: nominal)
        guard let decoder else { return hasOrder }
        _ = try? decoder.send(nil)
        return true
    }

    /// Whether the file, opened anew, still holds this stream.
    func isOf(_ context: UnsafeMutablePointer<AVFormatContext>) -> Bool {
        guard index < context.pointee.nb_streams, let stream = context.pointee.streams[Int(index)] else { return false }
        let isSame = stream.pointee.codecpar.pointee.codec_id == codecID
        return isSame && stream.pointee.time_base.num == timeBase.num && stream.pointee.time_base.den == timeBase.den
    }

    func restart() {
        present = nil
        dropPending()
        decoder?.flush()
        (order, hasOrder) = (DisplayOrder(depth: Int(reorderDelay)), false)
        isDrained = false
        isRestarted = true
        expected = .none
    }

    private func noteDamage(_ error: AVError) {
        damaged.add()
        guard !hasWarned else { return }
        hasWarned = true
        let at = readUntil.isKnown ? readUntil.seconds.fixed(2) : "0"
        if let size = decoder?.takeRefusedSize() {
            return warn(
                "a picture of \(size.width)x\(size.height) near \(at) s is larger than max_width, max_height and max_pixels allow; left out"
            )
        }
        warn("damaged \(format.kind.isAudio ? "audio" : "video") near \(at) s (\(error)); going on without it")
    }

    /// A picture is shown whose missing parts libavcodec has made up.
    private func noteMadeUp(by decoder: Decoder) {
        guard let words = decoder.takeDamage() else { return }
        damaged.add()
        guard !hasWarnedOfMadeUp else { return }
        hasWarnedOfMadeUp = true
        let at = readUntil.isKnown ? readUntil.seconds.fixed(2) : "0"
        warn("a picture near \(at) s is damaged or cut, and what it lacks is made up (libavcodec: \(words))")
    }

    private func coded(_ packet: UnsafeMutablePointer<AVPacket>) -> Packet? {
        let isDecodeOnly = packet.pointee.flags & sluice_pkt_flag_discard() != 0
        guard let item = Packet(moving: packet, format: format, timeBase: timeBase) else { return nil }
        if isDecodeOnly { item.header.flags.insert(.decodeOnly) }
        if isRestarted && format.kind.hasDependentPackets { item.header.flags.insert(.discontinuity) }
        isRestarted = false
        if let news = watch?.news(in: item, after: present ?? format) { present = news }
        if let present { item.format = present }
        stampPacket(item)
        return item
    }

    /// Demuxers leave decoding times out where the container has none (Matroska, at the start of a stream with
    /// B-frames). Then decoding times begin as many frames below the presentation time as the decoder holds back, and
    /// rise by the duration.
    private func stampPacket(_ item: Packet) {
        if item.header.pts.isKnown { item.header.pts = item.header.pts - start }
        if item.header.dts.isKnown {
            item.header.dts = item.header.dts - start
        } else if expected.isKnown {
            item.header.dts = expected
        } else {
            item.header.dts = (item.header.pts.isKnown ? item.header.pts : .zero) - nominal * Int64(reorderDelay)
        }
        expected = item.header.dts + (item.header.duration.isKnown ? item.header.duration : nominal)
    }

    /// The packet, if its presentation time is known; else it waits for those that tell it.
    private func inOrder(_ packet: Packet) -> Packet? {
        guard !packet.header.pts.isKnown else { return packet }
        guard let numbers else {
            packet.header.pts = packet.header.dts
            if reorderDelay > 0 && !hasOrder && format.kind.isVideo {
                hasOrder = true
                warn("its pictures have no presentation times and are in another order than shown: decode them")
            }
            return packet
        }
        hasOrder = true
        order.add(
            packet, number: numbers.number(packet),
            step: packet.header.duration.isKnown ? packet.header.duration : nominal)
        return order.take()
    }

    private var nominal: MediaTime { format.nominalDuration.isKnown ? format.nominalDuration : .zero }

    private func takeDecoded() throws -> MediaItem? {
        guard let decoder else { return nil }
        while true {
            do {
                guard try decoder.receive() else { return nil }
                noteMadeUp(by: decoder)
            } catch {
                noteDamage(error)
                continue
            }
            let pts = decoder.framePts
            let duration = decoder.frameDuration
            if format.kind.isAudio {
                guard let frame = try samples.make(decoder.frame) else { continue }
                stampSamples(frame, pts)
                return frame
            }
            let frame = try pictures.make(decoder.frame)
            frame.header.pts = pts.isKnown ? pts - start : expected.isKnown ? expected : .zero
            frame.header.dts = frame.header.pts
            frame.header.duration = duration.isKnown && duration > .zero ? duration : nominal > .zero ? nominal : .none
            expected = frame.header.pts + (frame.header.duration.isKnown ? frame.header.duration : .zero)
            return frame
        }
    }

    /// Containers with coarse clocks (Matroska's milliseconds) jitter around the samples' exact grid: times within 10
    /// ms of it are the grid's.
    private func stampSamples(_ frame: AudioFrame, _ pts: MediaTime) {
        var time = pts.isKnown ? pts - start : expected.isKnown ? expected : .zero
        if expected.isKnown && abs((time - expected).ticks) <= MediaTime.milliseconds(10).ticks { time = expected }
        frame.header.pts = time
        frame.header.dts = time
        frame.header.duration = frame.sampleDuration
        expected = time + frame.sampleDuration
    }
}
