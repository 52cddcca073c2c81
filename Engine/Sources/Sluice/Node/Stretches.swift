/// Hands out the samples of several audio inputs in equal stretches of time, whatever the sizes of their frames. For a
/// node that mixes or compares them.
///
///     while output.hasRoom, try stretches.next(now: now, context: context) {
///         for index in inputs.indices { for piece in stretches.pieces(of: index) { … } }
///     }
///
/// Inputs lie on each other by their times. An input whose clock is another, and whose times are far off, begins where
/// it comes. Where an input has a hole, has ended or is not connected it has no pieces, which means silence. An input
/// that has nothing yet is waited for, at most `maxWait`; then the others go on without it, it is said once, and it is
/// taken in again when it speaks. Audio that comes too late is moved to where the others are. Where none has anything
/// nothing is handed out, and the next stretch begins with what comes next. All inputs have one rate and layout.
///
/// On the node's lane. Declare `traits: .joins` in the node's descriptor.
public struct Stretches {
    /// Samples of one input in a stretch. Between two pieces there is silence.
    public struct Piece {
        /// Its samples from `first` on are meant.
        public let frame: AudioFrame
        /// The first sample, of each channel, in `frame`.
        public let first: Int
        /// Samples of each channel.
        public let count: Int
        /// Where they begin in the stretch.
        public let place: Int
    }

    /// Samples of each channel in the stretch that was handed out last: all are equal but the last one, which ends with
    /// the inputs.
    public private(set) var sampleCount = 0
    /// The header of that stretch: its time and duration; the epoch and the instant of capture of what is in it, the
    /// highest and the earliest; the clock whose times count.
    public private(set) var header = MediaItem.Header()
    /// Rate, channels and speakers of all inputs; nil before the first item. Sample formats may differ.
    public private(set) var layout: AudioLayout?
    /// How often an input was moved, since what it brought came too late or its times leapt.
    public private(set) var moves = 0

    private let inputs: [Input<AudioFrame>]
    private let length: MediaTime
    private var lines: [StretchLine]
    private var pieces: [ContiguousArray<Piece>]
    /// The stretch lacks something of it; it was waited for in vain, and has not spoken since.
    private var isMissing: [Bool]
    private var isSilent: [Bool]
    private var hasSaidSilent: [Bool]
    private var hasSaidMoved: [Bool]
    private var gathering: Gathering
    private var scale: StretchLine.Scale?
    /// Everything before it was handed out.
    private var position: Int64 = 0

    /// In `prepare`. `length` is that of a stretch, to the nearest sample; at least one. Throws where two inputs are
    /// known to differ in rate or layout: the sentence names them, and the node that helps.
    public init(_ inputs: [Input<AudioFrame>], length: MediaTime, maxWait: Interval) throws {
        self.inputs = inputs
        self.length = length
        lines = inputs.map { _ in StretchLine() }
        pieces = inputs.map { _ in [] }
        isSilent = inputs.map { _ in false }
        (isMissing, hasSaidSilent, hasSaidMoved) = (isSilent, isSilent, isSilent)
        gathering = Gathering(patience: maxWait)
        for input in inputs where input.isConnected {
            if let told = input.format?.audio { try agree(told, of: input) }
        }
    }

    /// The samples of the input of that number in the stretch that was handed out last, by their place.
    public func pieces(of index: Int) -> ContiguousArray<Piece> { pieces[index] }

    /// Every input has ended, and all was handed out.
    public var isOver: Bool {
        zip(inputs, lines).allSatisfy { $0.isEnded && $1.end <= position }
    }

    /// Makes the next stretch ready. False where more has to come first (the node is woken then) or nothing follows.
    public mutating func next(now: Instant, context: NodeContext) throws -> Bool {
        for index in lines.indices {
            let input = inputs[index]
            lines[index].drop { input.isStale($0) }
        }
        while true {
            guard let scale = try scale ?? begin(now, context) else { return false }
            let whole = Int64(max(1, length.rescaled(to: Int64(scale.rate))))
            var reach = Int64.max
            for index in lines.indices {
                guard let state = try fill(index, to: position + whole, scale, context) else { return false }
                if case .gap(let until) = state { reach = min(reach, until) }
                isMissing[index] = state == .missing && !isSilent[index]
            }
            let hasAny = lines.contains { !$0.held.isEmpty }
            guard hasAny || reach < .max else {
                gathering.begin()
                return false
            }
            guard mayGoOn(now, context) else { return false }
            if hasAny {
                hand(whole, scale)
                return true
            }
            // Nobody has anything here: the next stretch begins with what comes next.
            position = reach
        }
    }

    // MARK: Filling

    private enum State: Equatable {
        /// Samples up to the end of the stretch, or beyond.
        case covered
        /// Nothing before this position, behind the stretch.
        case gap(Int64)
        case missing
        case ended
    }

    /// Takes what the stretch needs of one input; nil where the node is to be called again first.
    private mutating func fill(
        _ index: Int, to end: Int64, _ scale: StretchLine.Scale, _ context: NodeContext
    ) throws -> State? {
        let input = inputs[index]
        lines[index].drop(before: position)
        while lines[index].end < end || lines[index].held.isEmpty {
            guard let head = input.peek() else { return input.isEnded ? .ended : .missing }
            isSilent[index] = false
            try agree(head.layout, of: input)
            let place = lines[index].place(head.header, count: head.sampleCount, position: position, scale)
            if place.start >= end && lines[index].end <= position { return .gap(place.start) }
            if place.start >= end { return .covered }
            guard let frame = input.next() else { return nil }
            // Audio that says itself that it continues nothing is no news.
            if place.moved != .zero, !frame.header.flags.contains(.discontinuity) {
                note(moved: place.moved, index, context)
            }
            lines[index].append(frame, at: place, scale)
        }
        return .covered
    }

    /// The first stretch begins with the earliest of what is there once every input has something, or was waited for.
    private mutating func begin(_ now: Instant, _ context: NodeContext) throws -> StretchLine.Scale? {
        var heads: [MediaItem.Header] = []
        for index in inputs.indices {
            let head = inputs[index].peek()
            isMissing[index] = head == nil && !inputs[index].isEnded
            guard let head else { continue }
            try agree(head.layout, of: inputs[index])
            heads.append(head.header)
        }
        guard let first = heads.first, let rate = layout?.rate else {
            gathering.begin()
            return nil
        }
        guard mayGoOn(now, context) else { return nil }
        // Sums with it must stay in range.
        let isPossible = first.pts.ticks.magnitude < MediaTime.seconds(1e12).ticks.magnitude
        let start = first.pts.isKnown && isPossible ? first.pts : .zero
        let near = heads.filter {
            let reach = StretchLine.reach($0.sourceClock, first.sourceClock)
            return $0.pts.isKnown && ($0.pts - start).ticks.magnitude <= reach.ticks.magnitude
        }
        let made = StretchLine.Scale(zero: near.map(\.pts).min() ?? start, clock: first.sourceClock, rate: rate)
        scale = made
        return made
    }

    /// True where nothing is missing, or what is has been waited for.
    private mutating func mayGoOn(_ now: Instant, _ context: NodeContext) -> Bool {
        switch gathering.look(now, isComplete: !isMissing.contains(true)) {
        case .complete: break
        case .wait(let until):
            context.wake(at: until)
            return false
        case .incomplete:
            for index in inputs.indices where isMissing[index] {
                isSilent[index] = true
                guard !hasSaidSilent[index] else { continue }
                hasSaidSilent[index] = true
                let patience = Int(gathering.patience.milliseconds)
                context.log(
                    .warning,
                    "input \(inputs[index].name) sent nothing for \(patience) ms; going on without it until it does"
                )
            }
        }
        gathering.begin()
        return true
    }

    private mutating func note(moved: MediaTime, _ index: Int, _ context: NodeContext) {
        moves += 1
        guard !hasSaidMoved[index] else { return }
        hasSaidMoved[index] = true
        let words =
            moved > .zero
            ? "comes \(Int(moved.milliseconds.rounded())) ms too late"
            : "leaps ahead by \(decimal((.zero - moved).seconds, places: 1)) s"
        context.log(.warning, "input \(inputs[index].name) \(words): it goes on where the others are")
    }

    // MARK: Agreement

    private mutating func agree(_ told: AudioLayout, of input: Input<AudioFrame>) throws {
        guard let layout else {
            layout = told
            return
        }
        guard told != layout else { return }
        guard told.rate != layout.rate || told.channels != layout.channels || told.speakers != layout.speakers else {
            return
        }
        var settings: [String] = []
        if told.rate != layout.rate { settings.append("\"sample_rate\": \(layout.rate)") }
        if told.channels != layout.channels { settings.append("\"channels\": \(layout.channels)") }
        let speakers = settings.isEmpty ? " Their speakers differ: let both be given \"channels\": 2." : ""
        throw NodeError(
            "input \(input.name) gets audio \(told), another one \(layout)",
            advice: "Put { \"type\": \"audio-convert\"\(settings.map { ", " + $0 }.joined()) } before it.\(speakers)",
            isInputError: true)
    }

    // MARK: Handing out

    private mutating func hand(_ whole: Int64, _ scale: StretchLine.Scale) {
        let isLast = inputs.allSatisfy(\.isEnded)
        let last = isLast ? min(position + whole, lines.lazy.map(\.end).max() ?? 0) : position + whole
        sampleCount = Int(last - position)
        header = MediaItem.Header(pts: scale.time(of: position), sourceClock: scale.clock)
        header.dts = header.pts
        header.duration = scale.time(of: last) - header.pts
        header.flags = .keyframe
        for index in lines.indices {
            pieces[index].removeAll(keepingCapacity: true)
            for placed in lines[index].held {
                let start = max(placed.start + Int64(placed.cut), position)
                let end = min(placed.end, last)
                guard start < end else { continue }
                let frame = placed.frame
                pieces[index].append(
                    Piece(
                        frame: frame, first: Int(start - placed.start), count: Int(end - start),
                        place: Int(start - position)))
                header.epoch = max(header.epoch, frame.header.epoch)
                let captured = frame.header.captured
                if captured.nanoseconds > 0, header.captured.nanoseconds == 0 || captured < header.captured {
                    header.captured = captured
                }
            }
        }
        position = last
    }
}
