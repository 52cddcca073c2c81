import Sluice

/// The JSON of a segment, checked: its counts fit its payload and nothing in it can overflow.
struct SegmentHeader: Equatable, Sendable {
    /// nil: that of the turn which is going on. 0 is never stale.
    var epoch: UInt32?
    /// Counts the segments of a turn from 1; segments with 0 have no diagnostics.
    var sequence = 0
    /// Where it lies in its turn; nil, and 0 on the wire: behind the last segment.
    var mediaStart: MediaTime?
    /// nil: as long as the longer of its video and its audio.
    var duration: MediaTime?
    var width = 0
    var height = 0
    var pixelFormat = VideoLayout.PixelFormat.i420
    var frameCount = 0
    var frameRate = VideoLayout.FrameRate(25)
    /// Of each channel.
    var sampleCount = 0
    var sampleRate = 0
    var channels = 1
    /// Empty: not traced.
    var traceLabel = ""
    /// When the user had finished speaking, in milliseconds since 1970; nil if it does not say.
    var userFinalAt: Double?

    static let longest = 3_600_000.0

    init() {}

    /// Throws what is wrong with it, the count of payload bytes included.
    init(_ json: [UInt8], payloadCount: Int) throws(ProtocolError) {
        var fields = try Fields(json, of: "segment")
        epoch = try fields.integer("epoch", 0...Int(UInt32.max)).map { UInt32($0) }
        sequence = try fields.integer("segment_seq", 0...Int(Int32.max)) ?? 0
        let start = try fields.number("media_start_ms", 0...1e9) ?? 0
        mediaStart = start > 0 ? milliseconds(start) : nil
        let length = try fields.number("duration_ms", 0...SegmentHeader.longest) ?? 0
        duration = length > 0 ? milliseconds(length) : nil
        frameCount = try fields.integer("video_frames", 0...1_000_000) ?? 0
        width = try fields.integer("width", 0...16_384) ?? 0
        height = try fields.integer("height", 0...16_384) ?? 0
        frameRate = VideoLayout.FrameRate(perSecond: try fields.number("fps", 1...1_000) ?? 25)
        switch try fields.string("pixel_format") ?? "i420" {
        case "i420": pixelFormat = .i420
        case "rgb24": pixelFormat = .rgb24
        case let other: throw ProtocolError("pixel_format of a segment is \"\(printable(other))\", not i420 or rgb24")
        }
        sampleCount = try fields.integer("audio_samples", 0...Int(Int32.max)) ?? 0
        sampleRate = try fields.integer("sample_rate", 8_000...192_000) ?? 0
        channels = try fields.integer("channels", 1...2) ?? 1
        traceLabel = try fields.string("trace_label") ?? ""
        userFinalAt = try fields.number("user_final_at", 0...1e15)
        try fields.refuseOthers()
        try check(payloadCount)
    }

    private func check(_ payloadCount: Int) throws(ProtocolError) {
        guard frameCount > 0 || sampleCount > 0 else {
            throw ProtocolError("a segment has neither video_frames nor audio_samples")
        }
        guard frameCount == 0 || width > 0 && height > 0 else {
            throw ProtocolError("a segment has \(frameCount) video_frames but no width and height")
        }
        guard sampleCount == 0 || sampleRate > 0 else {
            throw ProtocolError("a segment has \(sampleCount) audio_samples but no sample_rate")
        }
        guard mediaLength.milliseconds <= SegmentHeader.longest else {
            throw ProtocolError("a segment lasts longer than an hour")
        }
        let wanted = frameCount * frameBytes + sampleCount * channels * 2
        guard payloadCount == wanted else {
            var parts: [String] = []
            if frameCount > 0 { parts.append("\(frameCount) pictures of \(width)x\(height) \(pixelFormat.rawValue)") }
            if sampleCount > 0 { parts.append("\(sampleCount) samples of \(channels) ch") }
            throw ProtocolError(
                "a segment of \(parts.joined(separator: " and ")) has \(wanted) bytes of payload, but \(payloadCount) come"
            )
        }
    }

    /// Of one picture in the payload, rows without padding.
    var frameBytes: Int {
        (0..<pixelFormat.planeCount).reduce(0) {
            $0 + pixelFormat.rowBytes(plane: $1, width: width) * pixelFormat.rows(plane: $1, height: height)
        }
    }

    /// Bytes that its frames take: rows are padded, and a small picture takes more than its pixels.
    var memory: Int {
        let layout = VideoLayout(width: width, height: height, pixelFormat: pixelFormat)
        let picture = frameCount > 0 ? VideoFrame.Planes(layout).byteCount + 512 : 0
        return frameCount * picture + sampleCount * channels * 2
    }

    // MARK: Time

    /// From the segment's beginning to that of picture `index`.
    func time(ofFrame index: Int) -> MediaTime {
        MediaTime(Int64(index) * Int64(frameRate.denominator), timescale: Int64(frameRate.numerator))
    }

    func time(ofSample index: Int) -> MediaTime {
        sampleRate > 0 ? MediaTime(Int64(index), timescale: Int64(sampleRate)) : .zero
    }

    /// The longer of its video and its audio.
    var mediaLength: MediaTime { max(time(ofFrame: frameCount), time(ofSample: sampleCount)) }

    /// The length by which its place in the stream is planned. A `duration_ms` that was rounded to a millisecond does
    /// not cut.
    var plannedDuration: MediaTime {
        guard let duration else { return mediaLength }
        let difference = duration - mediaLength
        return abs(difference.ticks) < MediaTime.milliseconds(1).ticks ? mediaLength : duration
    }

    /// Pictures that begin before its planned end.
    var playedFrames: Int {
        guard time(ofFrame: frameCount) > plannedDuration else { return frameCount }
        var index = Int(plannedDuration.seconds * frameRate.perSecond)
        while index > 0, time(ofFrame: index - 1) >= plannedDuration { index -= 1 }
        while index < frameCount, time(ofFrame: index) < plannedDuration { index += 1 }
        return index
    }

    var playedSamples: Int {
        guard time(ofSample: sampleCount) > plannedDuration else { return sampleCount }
        return min(sampleCount, Int(plannedDuration.rescaled(to: Int64(sampleRate))))
    }

    /// Media of it lie beyond its planned end.
    var isCut: Bool { playedFrames < frameCount || playedSamples < sampleCount }
}

/// Exact where it is a whole number.
func milliseconds(_ value: Double) -> MediaTime {
    Int64(exactly: value).map { .milliseconds($0) } ?? .seconds(value / 1_000)
}
