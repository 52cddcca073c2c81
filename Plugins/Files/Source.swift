import Bitstream
import Glibc
import LibAV
import Pacing
import Sluice

/// Opens a test pattern, a tone or a media file and sends its streams, in real time or as fast as they are taken.
///
/// In real time an item goes out when the graph's clock reaches its decoding time. A source that was held up, by full
/// edges or by its own work, sends late items at once. Items that are late by more than half a second are a matter of
/// `when_late` (`Lateness`), which both streams follow together.
public final class Source: Node {
    public static let descriptor = NodeDescriptor(
        "source", summary: "Opens a test pattern, a tone or a media file", work: .blocking,
        example: #""source": { "type": "source", "open": "pattern" }"#,
        unpacedIf: NodeDescriptor.Condition("pace", .string("fast")))

    enum Pace: String, CaseIterable, ParameterValue.Convertible { case live, fast }
    enum Rotate: String, CaseIterable, ParameterValue.Convertible { case auto, none }

    let video = Output<MediaItem>(
        "video", .rawVideo,
        variants: [.init(parameter: "decode", value: .boolean(false), formats: .codedVideo)], optional: true
    )
    let audio = Output<MediaItem>(
        "audio", .rawAudio,
        variants: [.init(parameter: "decode", value: .boolean(false), formats: .codedAudio)], optional: true
    )

    @Parameter(
        "open",
        help:
            "The input: 'pattern' (video with a frame number, and a tone), "
            + "'tone', a media file, an HLS list, or '-' for standard input."
    ) var open: String
    @Parameter("pace", default: Pace.live, help: "The speed. live is real time, fast is as fast as the graph takes it.")
    var pace: Pace
    @Parameter("loop", default: false, help: "Begins a file again when it ends. The timestamps go on.") var loop: Bool
    @Parameter("decode", default: true, help: "Decodes a file. false hands its packets on as they are.")
    var decode: Bool
    @Parameter(
        "rotate", default: Rotate.auto,
        help: "Turns a file's pictures. auto follows its display matrix, none leaves them as they are stored.")
    var rotate: Rotate
    @Parameter(
        "audio_track", default: "",
        help: "The audio track of a file that has several: its number, from 1, or its language ('deu').")
    var audioTrack: String
    @Parameter(
        "video_track", default: "",
        help: "The video track of a file that has several: its number, from 1, or its language.")
    var videoTrack: String
    @Parameter(
        "duration_s", default: 0, range: 0...1e7,
        help: "The media time after which it ends, in s. 0 goes on to the end.")
    var duration: Double
    @Parameter("width", default: 1280, range: 64...8192, help: "The width of the pattern in pixels.") var width: Int
    @Parameter("height", default: 720, range: 36...8192, help: "The height of the pattern in pixels.") var height: Int
    @Parameter("fps", default: 30, range: 1...240, help: "The number of pictures a second of the pattern.")
    var fps: Double
    @Parameter("pixel_format", default: .i420, help: "The layout of the pattern's pictures in memory.")
    var pixelFormat: VideoLayout.PixelFormat
    @Parameter("sample_rate", default: 48_000, range: 8_000...192_000, help: "The sample rate of the tone in Hz.")
    var sampleRate: Int
    @Parameter("channels", default: 2, range: 1...8, help: "The number of channels of the tone.") var channels: Int
    @Parameter(
        "when_late", default: .slip,
        help:
            "The answer if media are over 500 ms late: slip sends all that much later "
            + "and holds the writer of a pipe, drop leaves them out, fail ends the run."
    ) var whenLate: WhenLate
    @Parameter(
        "decoder_threads", default: 1, range: 1...64,
        help: "The number of threads that each decoder of a file has. More need more memory and delay."
    ) var threads: Int
    @Parameter(
        "max_width", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The widest picture of a file that is decoded, in pixels.")
    var maxWidth: Int
    @Parameter(
        "max_height", default: PictureLimit.usualSide, range: 16...16_384,
        help: "The highest picture of a file that is decoded, in pixels."
    )
    var maxHeight: Int
    @Parameter(
        "max_pixels", default: PictureLimit.usualPixels, range: 256...268_435_456,
        help: "The most pixels of a picture that is decoded. "
            + "The default is the most of H.264's level 6.2, 8192x4352."
    )
    var maxPixels: Int

    private var context: NodeContext!
    private var media: (any SourceMedia)?
    private var reader: MediaFileReader?
    private var tracks: [Stream] = []
    private var clock: ClockMap?
    /// Added to the media's times: what earlier rounds of the loop lasted.
    private var offset = MediaTime.zero
    private var end = MediaTime.zero
    private var lateness: Lateness!

    /// One connected output and the item that it sends next.
    private struct Stream {
        let track: Track
        let output: Output<MediaItem>
        var head: MediaItem?
        var state = State.open
        /// Items before the next one were left out.
        var isBroken = false
        var last = MediaTime.none
        var step = MediaTime.zero

        enum State {
            case open
            /// Out of media; a loop opens it again.
            case ended
            case closed
        }

        /// The last step between decoding times, for items that do not say how long they last.
        mutating func note(_ dts: MediaTime) -> MediaTime {
            if last.isKnown, dts > last { step = min(dts - last, .milliseconds(1_000)) }
            last = dts
            return step
        }
    }

    /// How far one stream may be ahead of the other while that one's edge is full.
    private static let lead = MediaTime.milliseconds(1_000)

    public init() {}

    // MARK: Opening

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        tracks = [Stream(track: .video, output: video), Stream(track: .audio, output: audio)].filter(
            \.output.isConnected)
        lateness = Lateness(whenLate, context)
        if duration == 0 && (loop || open == "pattern" || open == "tone") { context.runsUntilStopped() }
        if open == "pattern" || open == "tone" {
            guard decode else {
                throw NodeError(
                    "\"\(open)\" is raw media and has no packets to hand on",
                    advice: "Leave out \"decode\": false, or open a media file.", isInputError: true)
            }
            let tone = Tone(rate: sampleRate, channels: channels)
            let layout = VideoLayout(
                width: width, height: height, pixelFormat: pixelFormat, frameRate: .init(nearest: fps))
            try use(open == "tone" ? tone : Pattern(layout, tone: tone), isPreparing: true)
        } else {
            let reader = try MediaFileReader(
                open, shouldStop: { [unowned context] in context.isStopping },
                isWaiting: { [unowned context, open] in
                    context.isWaiting(for: $0 ? "a writer of \"\(open)\"" : nil)
                })
            self.reader = reader
            guard reader.isRegular || whenLate != .fail else {
                throw NodeError(
                    "\"\(open)\" comes when its writer sends it, so \"when_late\": \"\(whenLate.rawValue)\" has no clock to go by",
                    advice: "Take \"drop\", leave \"when_late\" out, or open a regular file.", isInputError: true)
            }
            // Media that are not there yet are waited for in `process`; formats stay open until then.
            if reader.isRegular { try use(file(reader), isPreparing: true) }
        }
    }

    private func file(_ reader: MediaFileReader) throws -> MediaFile {
        try MediaFile(
            reader, decode: decode, turns: rotate == .auto,
            options: Decoder.Options(
                threads: threads, limit: PictureLimit(width: maxWidth, height: maxHeight, pixels: maxPixels)),
            wanted: tracks.map(\.track),
            damaged: context.counter("damaged_packets"), names: [.audio: audioTrack, .video: videoTrack],
            leaps: context.counter("time_leaps"),
            note: { context.log(.info, $0) }, warn: { [context] in context?.log(.warning, $0) })
    }

    private func use(_ media: any SourceMedia, isPreparing: Bool) throws {
        self.media = media
        guard Track.allCases.contains(where: { media.format($0) != nil }) || tracks.isEmpty else {
            throw NodeError(
                "\"\(open)\" holds no \(tracks.map(\.track.name).joined(separator: " and no "))",
                advice: "Choose another input, or leave out what reads it.", isInputError: true)
        }
        for index in tracks.indices {
            let (track, output) = (tracks[index].track, tracks[index].output)
            if let format = media.format(track) {
                if isPreparing { output.fix(format) }
            } else if isPreparing {
                output.markAbsent()
                tracks[index].state = .closed
            } else {
                context.log(.warning, "\"\(open)\" has no \(track.name): that output ends")
                close(index)
            }
        }
    }

    // MARK: Sending

    public func process(now: Instant) throws {
        if media == nil, let reader {
            try use(file(reader), isPreparing: false)
        }
        // One picture may take long to draw.
        while try !context.isStopping && !isFinished() {
            if pace == .live, try isCatchingUp(now) { continue }
            guard let index = next() else { return readOn(now) }
            let item = tracks[index].head!
            if pace == .live, let due = clock?.instant(of: item.header.dts), due > now {
                context.wake(at: due)
                return
            }
            tracks[index].head = nil
            send(item, on: tracks[index].output, now)
        }
        context.finish()
    }

    /// How often a writer is read on where no output has room.
    private static let look = Interval.milliseconds(100)

    /// A writer that is not to be held is read on though no output has room: what is late by then is left out.
    private func readOn(_ now: Instant) {
        guard pace == .live, whenLate == .drop, reader?.isRegular == false else { return }
        if tracks.contains(where: { $0.head != nil }) { context.wake(at: now + Source.look) }
    }

    private func send(_ item: MediaItem, on output: Output<MediaItem>, _ now: Instant) {
        item.header.captured = pace == .live ? clock?.instant(of: item.header.dts) ?? now : now
        item.header.epoch = context.epoch
        item.header.sourceClock = pace == .live ? context.sourceClock : context.unpacedClock
        output.send(item)
    }

    /// Looks up the next item of every stream. True when all streams have ended and nothing begins again.
    private func isFinished() throws -> Bool {
        while true {
            for index in tracks.indices where tracks[index].state == .open && tracks[index].head == nil {
                guard let pull = try media?.next(tracks[index].track) else { return true }
                switch pull {
                case .later: break
                case .item(let item): hold(item, index)
                case .end: tracks[index].state = .ended
                }
            }
            guard !tracks.contains(where: { $0.state == .open }) else {
                if !loop { for index in tracks.indices where tracks[index].state == .ended { close(index) } }
                return false
            }
            guard try beginAgain() else {
                for index in tracks.indices { close(index) }
                return true
            }
        }
    }

    private func hold(_ item: MediaItem, _ index: Int) {
        item.header.pts += offset
        item.header.dts += offset
        guard duration == 0 || item.header.dts < MediaTime.seconds(duration) else {
            close(index)
            return
        }
        if tracks[index].isBroken { item.header.flags.insert(.discontinuity) }
        tracks[index].isBroken = false
        let step = tracks[index].note(item.header.dts)
        end = max(end, item.header.pts + (item.header.duration.isKnown ? item.header.duration : step))
        tracks[index].head = item
    }

    private func close(_ index: Int) {
        if tracks[index].state != .closed { tracks[index].output.end() }
        tracks[index].state = .closed
    }

    /// Every stream has come to its end: opens those that wait for it behind the last item of all. False where that is
    /// not asked for, or does not work.
    private func beginAgain() throws -> Bool {
        guard loop, tracks.contains(where: { $0.state == .ended }) else { return false }
        guard end > offset, try media?.restart() == true else {
            context.log(.warning, "\"\(open)\" cannot begin again: it ends here")
            return false
        }
        offset = end
        for index in tracks.indices where tracks[index].state == .ended { tracks[index].state = .open }
        return true
    }

    /// The stream whose item is the oldest among those with room. While one stream is held up the other does not run
    /// away from it, unless what is late is left out.
    private func next() -> Int? {
        var best: Int?
        for index in tracks.indices where tracks[index].output.hasRoom {
            guard let head = tracks[index].head else { continue }
            if best == nil || head.header.dts < tracks[best!].head!.header.dts { best = index }
        }
        guard let best, pace == .fast || whenLate != .drop else { return best }
        let lead = pace == .fast ? Source.lead : MediaTime(WhenLate.patience)
        let time = tracks[best].head!.header.dts
        for stream in tracks { if let head = stream.head, time > head.header.dts + lead { return nil } }
        return best
    }

    // MARK: Late

    /// Deals with what is late. True if items were left out: then the next ones are to be looked up.
    private func isCatchingUp(_ now: Instant) throws -> Bool {
        var (first, last) = (MediaTime.none, MediaTime.none)
        for stream in tracks {
            guard let time = stream.head?.header.dts else { continue }
            if !first.isKnown || time < first { first = time }
            if !last.isKnown || time > last { last = time }
        }
        guard first.isKnown else { return false }
        let clock = self.clock ?? ClockMap(start: first, at: now)
        self.clock = clock
        let verdict = lateness.judge(oldest: now - clock.instant(of: first), newest: now - clock.instant(of: last))
        context.isBehind(by: lateness.behind)
        switch verdict {
        case .wait: return false
        case .look(let after):
            context.wake(at: now + after)
            return false
        case .slip(let late):
            self.clock?.origin = clock.origin + late
            return false
        case .fail(let error): throw error
        case .drop:
            for index in tracks.indices { skip(index, to: clock.time(at: now), now - WhenLate.patience, clock) }
            return true
        }
    }

    private func skip(_ index: Int, to time: MediaTime, _ limit: Instant, _ clock: ClockMap) {
        guard let head = tracks[index].head, clock.instant(of: head.header.dts) < limit else { return }
        tracks[index].head = nil
        tracks[index].isBroken = true
        lateness.dropped(1 + (media?.skip(tracks[index].track, to: time - offset) ?? 0), tracks[index].track)
    }

    public func finish(now: Instant) -> Bool {
        lateness?.conclude(now)
        return true
    }

    public func interrupt() { reader?.interrupt() }

    public func close() {
        media = nil
        reader = nil
    }
}

extension VideoLayout.FrameRate {
    /// The usual rate next to `fps`: whole numbers, 1000/1001 of one (29.97), else thousandths.
    init(nearest fps: Double) {
        let whole = fps.rounded()
        if abs(fps - whole) < 0.0005 {
            self.init(Int(whole))
        } else if abs(fps * 1.001 - (fps * 1.001).rounded()) < 0.002 {
            self.init(Int((fps * 1.001).rounded()) * 1_000, 1_001)
        } else {
            self.init(Int((fps * 1_000).rounded()), 1_000)
        }
    }
}
