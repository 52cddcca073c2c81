import Sluice

/// Makes whole pictures of interlaced ones, whose two fields were taken one after the other, by libavfilter's bwdif.
///
/// Pictures that say they are whole pass untouched, unless `pictures` is `all`. Each picture waits for the next one, by
/// which the filter tells motion. Both sides of a discontinuity are kept apart.
public final class Deinterlace: Node {
    public static let descriptor = NodeDescriptor(
        "deinterlace", summary: "Makes whole pictures of interlaced ones", work: .heavy,
        example: #""whole": { "type": "deinterlace", "rate": "field" }"#)

    let input = Input<VideoFrame>("in", .video([.i420]))
    let output = Output<VideoFrame>("out", .video([.i420]))

    enum Rate: String, CaseIterable, ParameterValue.Convertible { case frame, field }
    enum Pictures: String, CaseIterable, ParameterValue.Convertible { case interlaced, all }
    enum FirstField: String, CaseIterable, ParameterValue.Convertible { case auto, top, bottom }

    @Parameter(
        "rate", default: .frame,
        help: "The pictures that come out: one for each frame, or one for each field, twice as many and smoother.")
    var rate: Rate
    @Parameter(
        "pictures", default: .interlaced, help: "The pictures that it works on: those marked as interlaced, or all.")
    var pictures: Pictures
    @Parameter("first_field", default: .auto, help: "The field that was taken first. auto believes the picture.")
    var firstField: FirstField

    private var context: NodeContext!
    private var filter: FieldFilter?
    private var from: MediaFormat?
    private var to: MediaFormat?
    /// Of pictures that the filter holds, the oldest first, and its number.
    private var held: [MediaItem.Header] = []
    private var firstHeld: Int64 = 0
    private var made: Metric.Counter!
    private var whole: Metric.Counter!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        made = context.counter("interlaced_pictures")
        whole = context.counter("whole_pictures")
        guard let format = input.format else { return }
        try follow(format)
        output.fix(to!)
        if format.nominalDuration.isKnown {
            let wait = Interval(format.nominalDuration)
            output.latency = .init(min: wait, max: wait)
        }
    }

    public func process(now: Instant) throws {
        while let frame = input.next() {
            if input.formatChanged || filter == nil { try change(frame.format) }
            if frame.header.flags.contains(.discontinuity), !held.isEmpty { try restart() }
            note(frame.header.flags)
            held.append(frame.header)
            try filter?.push(frame)
            try send()
        }
    }

    public func finish(now: Instant) throws -> Bool {
        try drain()
        if made.count == 0 && whole.count > 0 && pictures == .interlaced {
            context.log(
                .info,
                "no picture said that it is interlaced, so all passed as they are; \"pictures\": \"all\" takes them")
        }
        return true
    }

    public func close() { filter = nil }

    private func note(_ flags: MediaItem.Header.Flags) {
        let isTaken = flags.contains(.interlaced) || pictures == .all
        (isTaken ? made : whole)!.add()
    }

    // MARK: Formats

    private func change(_ format: MediaFormat) throws {
        guard from != format || filter == nil else { return }
        try drain()
        try follow(format)
    }

    private func follow(_ format: MediaFormat) throws {
        guard let layout = format.video, layout.width > 0, layout.height > 0 else {
            throw NodeError("pictures of \(format) have no size")
        }
        guard layout.width >= 3, layout.height >= 4 else {
            throw NodeError("pictures of \(layout) are too small to have fields", isInputError: true)
        }
        from = format
        to = rate == .frame ? format : MediaFormat(video: layout.atFieldRate)
        try open(layout)
    }

    private func open(_ layout: VideoLayout) throws {
        filter = nil
        let top: Bool? =
            switch firstField {
            case .auto: nil
            case .top: true
            case .bottom: false
            }
        filter = try FieldFilter(
            layout, FieldFilter.Options(everyField: rate == .field, all: pictures == .all, topFirst: top))
        (held, firstHeld) = ([], 0)
    }

    /// Held pictures come out before the next one goes in.
    private func restart() throws {
        try drain()
        if let layout = from?.video { try open(layout) }
    }

    private func drain() throws {
        guard let filter, !held.isEmpty else { return }
        try filter.end()
        try send()
        self.filter = nil
    }

    // MARK: Pictures

    private func send() throws {
        guard let filter, let to else { return }
        while let (frame, number, isSecond) = try filter.pull(to) {
            while firstHeld < number && held.count > 1 {
                held.removeFirst()
                firstHeld += 1
            }
            guard let header = held.first else { continue }
            frame.header = self.header(header, next: held.count > 1 ? held[1] : nil, isSecond: isSecond)
            output.send(frame)
        }
    }

    /// The second field is shown half way to the next picture.
    private func header(
        _ header: MediaItem.Header, next: MediaItem.Header?, isSecond: Bool
    ) -> MediaItem.Header {
        var result = header
        result.flags.subtract([.interlaced, .bottomFieldFirst])
        guard rate == .field, header.flags.contains(.interlaced) || pictures == .all else { return result }
        let step = next.map { $0.pts.isKnown && header.pts.isKnown ? $0.pts - header.pts : .none } ?? .none
        let length = header.duration.isKnown ? header.duration : step
        let half =
            step > .zero && (!length.isKnown || step <= length * 2)
            ? MediaTime(ticks: step.ticks / 2) : length.isKnown ? MediaTime(ticks: length.ticks / 2) : .none
        result.duration = half
        guard isSecond, half.isKnown, result.pts.isKnown else { return result }
        result.pts = result.pts + half
        result.dts = result.pts
        result.flags.subtract([.discontinuity, .segmentStart, .marker])
        return result
    }
}

extension VideoLayout {
    /// The same pictures, twice as many a second.
    fileprivate var atFieldRate: VideoLayout {
        VideoLayout(
            width: width, height: height, pixelFormat: pixelFormat,
            frameRate: frameRate.map {
                $0.denominator % 2 == 0
                    ? VideoLayout.FrameRate($0.numerator, $0.denominator / 2)
                    : VideoLayout.FrameRate($0.numerator * 2, $0.denominator)
            },
            colorMatrix: colorMatrix, pixelAspect: pixelAspect)
    }
}

extension Deinterlace {
    public static let metrics: [Metric] = [
        .counter("interlaced_pictures", "Pictures made whole of their fields."),
        .counter("whole_pictures", "Pictures that passed as they are."),
    ]
}
