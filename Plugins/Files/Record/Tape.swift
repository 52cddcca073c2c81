import Geometry
import LibAV
import SampleTime
import Sluice

/// The files of one `record`, one after the other: when the first begins, and when the next one takes over. Of the
/// node's lane.
///
/// A file begins when the format of every stream is known. An item that it cannot take waits for the next file: one of
/// another format, or of a stream that it began without. That file begins where the video can, at a keyframe. So does
/// the next one of a recording in segments.
final class Tape {
    /// Bytes and media time that wait for a file at most.
    static let mostHeld = 64 << 20
    static let longestHeld = MediaTime.milliseconds(15_000)
    /// Formats that change more often than so many times within so long are no use in files of their own.
    static let mostChanges = 20
    static let changesWithin = Interval.seconds(10)
    /// The longest wait for the other streams when the format of one has changed.
    static let longestDoubt = Interval.seconds(2)

    private let container: Container
    private let streams: [RecordedStream]
    private let context: NodeContext
    private let series: FileSeries
    /// Where a recording in segments is cut.
    private var grid: SegmentGrid?
    private let metrics: Metrics
    /// The first one, until it begins.
    private var first: FileSink?
    private var recording: MediaRecording?
    private var gathering: Gathering
    /// Why the present file cannot go on; nil while it can.
    private var change: String?
    private var changes: [Instant] = []
    /// The format of one stream has changed, perhaps because another sender follows. Then those of the others have
    /// changed too, which only their next items tell: they are waited for, but not for long.
    private var doubt: Gathering?
    /// Of the last item of the stream at whose keyframes a file can begin.
    private var anchored = MediaTime.none
    /// Items that the present file takes when the other streams have come as far, by their decoding times.
    private var ahead: [(stream: RecordedStream, item: MediaItem)] = []
    private var refused = 0
    private var losses = Losses()
    /// Of the files before the present one.
    private var before = Totals()

    private struct Totals { var bytes = 0, corrected = 0, silence = 0.0, cut = 0.0 }

    init(
        _ container: Container, _ series: FileSeries, first: FileSink, _ grid: SegmentGrid?,
        streams: [RecordedStream], patience: Interval, _ context: NodeContext
    ) {
        (self.container, self.series, self.first, self.grid) = (container, series, first, grid)
        self.streams = streams
        self.context = context
        metrics = Metrics(context)
        gathering = Gathering(patience: patience)
    }

    // MARK: The beginning

    /// True when the first file has begun. Until then it takes what comes, and waits for what must be known.
    func isBegun(now: Instant) throws -> Bool {
        guard recording == nil else { return true }
        // A file that begins with what is known leaves the rest to the order of the join.
        if doubt != nil || !missing.isEmpty || streams.allSatisfy(\.held.isEmpty) {
            for stream in streams { while let item = stream.input.next() { stream.hold(item) } }
        }
        noteUndecodable()
        guard streams.contains(where: { !$0.held.isEmpty }), isSure(now) else { return false }
        let missing = missing
        let names = missing.map(\.name).joined(separator: " and ")
        switch gathering.look(now, isComplete: missing.isEmpty) {
        case .complete: break
        case .wait(let until) where !isFull:
            context.isWaiting(for: "the format of \(names)")
            context.wake(at: until)
            return false
        case .wait, .incomplete:
            let patience =
                isFull
                ? "while as much of the others waits as may" : "for \(Int(gathering.patience.milliseconds)) ms"
            context.log(
                .warning,
                "\(names) sent nothing \(patience): \"\(path)\" begins without it; the next file has it when it comes")
        }
        gathering.begin()
        context.isWaiting(for: nil)
        try begin()
        return true
    }

    /// Every stream has shown what format it has now, or has been waited for.
    private func isSure(_ now: Instant) -> Bool {
        let silent = streams.filter { !$0.isOver && $0.held.isEmpty }
        guard case .wait(let until)? = doubt?.look(now, isComplete: silent.isEmpty), !isFull else {
            doubt = nil
            return true
        }
        context.isWaiting(for: "the next of \(silent.map(\.name).joined(separator: " and "))")
        context.wake(at: until)
        return false
    }

    /// The streams that a file which begins now would be without.
    private var missing: [RecordedStream] { streams.filter { !$0.isOver && format(of: $0) == nil } }

    /// With which the stream is in a file that begins now; nil where it cannot be.
    private func format(of stream: RecordedStream) -> MediaFormat? {
        stream.held.isEmpty && container.wantsFirstItems ? nil : stream.formatForAFile
    }

    private var path: String { recording?.path ?? first?.path ?? "" }
    private var isFull: Bool {
        streams.reduce(0) { $0 + $1.heldBytes } >= Tape.mostHeld
            || streams.contains { $0.heldTime > Tape.longestHeld }
    }

    /// The next file, or the first one, with every stream whose format is known, and with what waits.
    private func begin() throws {
        guard let prepared = first else { return }
        (first, doubt) = (nil, nil)
        let sink = try series.renewed(prepared)
        let members = streams.compactMap { stream in
            stream.isOver ? nil : format(of: stream).map { (stream: stream, format: $0) }
        }
        for stream in streams { stream.leave() }
        let waiting = Tape.merged(members.map { ($0.stream, $0.stream.release()) })
        for member in members { losses.tell(container.untold(member.format), context) }
        let oldest = waiting.first?.1.decodingTime ?? .none
        grid?.begin(at: oldest)
        let isPart = grid != nil && (series.count > 1 || oldest > .zero)
        // Pictures of few a second are decoded seconds before they are shown: a file begins with what is shown first.
        // Of a stream that is still to come only that is known: nothing of it is older than what is decoded first.
        let shown = waiting.map { $0.1.header.pts.isKnown ? $0.1.header.pts : $0.1.decodingTime }.filter(\.isKnown)
        let newest = members.map { member in waiting.last { $0.0 === member.stream }?.1.decodingTime }
        let isAllThere = !newest.contains(nil)
        recording = try MediaRecording(
            container, sink, members.map(\.format), first: isAllThere ? shown.min() ?? .none : oldest, isPart: isPart)
        for (number, member) in members.enumerated() { member.stream.begin(number, member.format) }
        // One stream may have waited for another: what is later than the others have come waits for its turn.
        let reached = newest.map { $0 ?? .none }.min()
        for (stream, item) in waiting {
            if recording != nil, item.decodingTime > reached ?? .none {
                ahead.append((stream, item))
            } else {
                try write(item, of: stream)
            }
        }
    }

    /// The items of all streams by their decoding times, each stream in its own order; one without a time is due.
    private static func merged(_ streams: [(RecordedStream, [MediaItem])]) -> [(RecordedStream, MediaItem)] {
        var heads = Array(repeating: 0, count: streams.count)
        var result: [(RecordedStream, MediaItem)] = []
        func time(_ index: Int) -> MediaTime { streams[index].1[heads[index]].decodingTime }
        while let next = streams.indices.filter({ heads[$0] < streams[$0].1.count }).min(by: { time($0) < time($1) }) {
            result.append((streams[next].0, streams[next].1[heads[next]]))
            heads[next] += 1
        }
        return result
    }

    // MARK: Writing

    func write(_ item: MediaItem, from input: Input<MediaItem>) throws {
        guard let stream = streams.first(where: { $0.input === input }) else { return }
        let own = ahead.lastIndex { $0.stream === stream } ?? -1
        let older = ahead.lastIndex { $0.item.decodingTime <= item.decodingTime } ?? -1
        try catchUp(max(own, older) + 1)
        try write(item, of: stream)
    }

    /// Writes the first `count` of those that wait for their turn.
    private func catchUp(_ count: Int) throws {
        for _ in 0..<count where !ahead.isEmpty {
            // With a new file the rest waits for that.
            let (stream, item) = ahead.removeFirst()
            try write(item, of: stream)
        }
    }

    private func write(_ item: MediaItem, of stream: RecordedStream) throws {
        // Between two files.
        guard let recording else { return stream.hold(item) }
        guard stream.held.isEmpty, stream.fits(item, container) else { return try keep(item, of: stream) }
        if change != nil, stream === anchor, item.header.flags.contains(.keyframe) {
            stream.hold(item)
            return try goOn()
        }
        if grid != nil, try isCut(before: item, of: stream) { return }
        if item.header.flags.contains(.decodeOnly), let words = container.untoldCut(item.format) {
            losses.tell(["\(stream.name): \(words)"], context)
        }
        guard let number = stream.number, let error = try recording.write(item, stream: number) else { return }
        refused += 1
        guard refused == 1 else { return }
        let time = item.decodingTime
        context.log(
            .warning,
            "\(container.rawValue) refuses a packet of \(stream.name) at \((time.isKnown ? time.seconds : 0).fixed(2)) s "
                + "(\(error)): it is left out, as are others like it")
    }

    /// Ends a segment that has lasted long enough, where the next one can begin with the item.
    private func isCut(before item: MediaItem, of stream: RecordedStream) throws -> Bool {
        let time = item.decodingTime
        let isPicture = item.format.kind.hasDependentPackets
        defer { if isPicture { anchored = time } }
        guard let grid, grid.isDue(time, isKeyframe: isPicture) else { return false }
        if isPicture {
            guard item.header.flags.contains(.keyframe) else { return false }
        } else if streams.contains(where: { $0.format?.kind.hasDependentPackets == true }) {
            // A camera that is gone does not keep its microphone in one file for ever.
            guard grid.isOverdue(time, pictures: anchored) else { return false }
        }
        if let number = stream.number { try recording?.fill(before: item, stream: number) }
        stream.hold(item)
        try goOn()
        return true
    }

    /// Looks after the disk: deletes what is too much, and ends the file whole before there is no room. Throws
    /// `NodeError` then.
    func look(_ now: Instant) throws {
        guard let recording, case .low(let free) = try series.look(recording.sink, now: now) else { return }
        try end(recording)
        self.recording = nil
        throw series.refusal(free: free, of: recording.path, whole: ": the file is whole, and ends")
    }

    /// The stream at whose keyframes a file can begin.
    private var anchor: RecordedStream? {
        streams.first { !$0.isOver && ($0.held.first?.format ?? $0.format)?.kind.hasDependentPackets == true }
    }

    /// The present file does not take the item: the next one does.
    private func keep(_ item: MediaItem, of stream: RecordedStream) throws {
        let wasFormat = stream.format
        guard recording?.sink.isSeekable == true else { return try loseOnPipe(item, stream) }
        stream.hold(item)
        noteUndecodable()
        guard !stream.held.isEmpty else { return }
        if wasFormat != nil { doubt = Gathering(patience: Tape.longestDoubt) }
        if change == nil {
            change =
                wasFormat.map { "\(stream.name) changed from \($0) to \(item.format)" } ?? "\(stream.name) came late"
        }
        guard let anchor, !isFull else { return try goOn() }
        if !anchor.held.isEmpty { try goOn() }
    }

    /// Packets before the first one that says what a decoder must know are of no use in any file.
    private func noteUndecodable() {
        let count = streams.reduce(0) { $0 + $1.undecodable }
        guard count > metrics.undecodable.count else { return }
        if metrics.undecodable.count == 0 {
            context.log(.info, "packets before the first keyframe are left out: counted as undecodable_packets")
        }
        metrics.undecodable.set(count)
    }

    /// There is no next file behind a pipe.
    private func loseOnPipe(_ item: MediaItem, _ stream: RecordedStream) throws {
        if let format = stream.format {
            throw NodeError(
                "\(stream.name) changed from \(format) to \(item.format); a \(container.rawValue) stream keeps one format",
                advice: "Convert the media to one format before record, or write to a file: then the next one goes on.")
        }
        metrics.late.add()
        guard metrics.late.count == 1 else { return }
        context.log(.warning, "\(stream.name) comes after \"\(path)\" was begun without it: it is left out")
    }

    /// Ends the present file. The next one begins as the first does: when all that it needs is known.
    private func goOn() throws {
        guard let recording else { return }
        if let change { try note(change) }
        try end(recording)
        self.recording = nil
        for (stream, item) in ahead { stream.hold(item) }
        ahead = []
        first = try series.open()
        if let change { context.log(.info, "\(change): \"\(recording.path)\" ends, \"\(path)\" goes on") }
        change = nil
    }

    /// Throws where formats change so often that files of their own are no use.
    private func note(_ change: String) throws {
        changes = changes.suffix(Tape.mostChanges - 1) + [context.now]
        guard changes.count < Tape.mostChanges || context.now - changes[0] > Tape.changesWithin else {
            throw NodeError(
                "\(change), the \(Tape.mostChanges)th time within \(Int(Tape.changesWithin.seconds)) s: "
                    + "each time takes a file of its own",
                advice: "Convert the media to one format before record.")
        }
    }

    /// `isLast`: no file follows it.
    private func end(_ recording: MediaRecording, isLast: Bool = false) throws {
        let (identity, place) = (recording.sink.identity, recording.sink.whereabouts)
        try recording.finish()
        try series.ended(recording.sink, identity)
        if let words = place.words(of: recording.path) {
            guard place != .removed || !isLast else { throw NodeError(words) }
            context.log(.warning, words)
        }
        if place != .removed { context.log(.info, "wrote \(recording.summary)") }
        if let words = SamplePlacement.words(silence: recording.silence, cut: recording.cut, leaps: recording.leaps) {
            context.log(.info, "\(recording.path) has no times: \(words)")
        }
        before.bytes += Int(recording.sink.bytesWritten)
        before.corrected += recording.corrected
        before.silence += recording.silence
        before.cut += recording.cut
    }

    /// Everything has come.
    func finish() throws {
        while true {
            try catchUp(ahead.count)
            guard streams.contains(where: { !$0.held.isEmpty }) else { break }
            if recording == nil { try begin() } else { try goOn() }
        }
        guard let recording else {
            return context.log(.warning, "nothing arrived: \"\(path)\" is not written")
        }
        self.recording = nil
        first = nil
        try end(recording, isLast: true)
    }

    /// Sets the node's metrics.
    func count() {
        metrics.bytes.set(before.bytes + Int(recording?.sink.bytesWritten ?? 0))
        metrics.corrected.set(before.corrected + (recording?.corrected ?? 0))
        metrics.refused.set(refused)
        metrics.files.set(series.count)
        metrics.silence.set(Int(((before.silence + (recording?.silence ?? 0)) * 1_000).rounded()))
        metrics.cut.set(Int(((before.cut + (recording?.cut ?? 0)) * 1_000).rounded()))
    }

    private struct Metrics {
        let bytes, corrected, refused, files, silence, cut, late, undecodable: Metric.Counter

        init(_ context: NodeContext) {
            bytes = context.counter("bytes")
            corrected = context.counter("corrected_times")
            refused = context.counter("refused_packets")
            files = context.counter("files")
            silence = context.counter("silence_ms")
            cut = context.counter("cut_ms")
            late = context.counter("late_items")
            undecodable = context.counter("undecodable_packets")
        }
    }
}
