import CLibAV
import Glibc
import LibAV
import Sluice

/// Writes packets, raw audio, or data to a file: nothing is encoded. Streams are put in the order of their decoding
/// times.
public final class Record: Node {
    public static let descriptor = NodeDescriptor(
        "record", summary: "Writes packets to a webm, mkv, ts, mp4 or wav file, or data as JSON Lines", work: .blocking,
        traits: [.joins, .keeps],
        example: #""tape": { "type": "record", "path": "tape.webm" }"#)

    let video = Input<MediaItem>("video", .codedVideo, optional: true)
    let audio = Input<MediaItem>("audio", .codedAudio | .rawAudio, optional: true)
    let data = Input<DataItem>("data", .data, optional: true)

    @Parameter("path", help: "the file; a restarted node goes on in another: tape.2.webm") var name: String
    @Parameter(
        "if_exists", default: .auto,
        help:
            "for a file that is there: replace it, number the new one (tape.2.webm), or fail. "
            + "auto numbers in an instance of a template, and replaces elsewhere"
    ) var ifExists: WrittenFile.Existing
    @Parameter("format", default: Choice.auto, help: "the container; auto: by the file's ending") var choice: Choice
    @Parameter(
        "max_wait_ms", default: 2_000, range: 0...60_000,
        help: "how long a stream that is silent is waited for before the other goes on alone") var maxWait: Int

    enum Choice: String, CaseIterable, ParameterConvertible { case auto, webm, mkv, ts, wav, mp4, jsonl }

    private var context: NodeContext!
    /// It may differ from the name that the graph gives: what was recorded before stays.
    private var path = ""
    private var container = Container.webm
    private var sink: FileSink!
    private var muxer: Muxer?
    private var recording: DataRecording?
    private var join: Join<MediaItem>!
    /// In the file, in order.
    private var streams: [(input: Input<MediaItem>, format: MediaFormat, isBegun: Bool)] = []
    private var gathering = Gathering(patience: .zero)
    private var start = MediaTime.none
    private var end = MediaTime.none
    /// Bytes of the file after the last write that succeeded.
    private var whole: Int64 = 0
    private var bytes: Metric.Counter!
    private var late: Metric.Counter!
    private var corrected: Metric.Counter!
    private var refusals: Metric.Counter!

    public init() {}

    // MARK: Opening

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        let inputs = [video, audio].filter(\.isConnected)
        guard !inputs.isEmpty || data.isConnected else {
            throw NodeError("nothing is recorded: neither video nor audio nor data is connected", isInputError: true)
        }
        guard !name.isEmpty else {
            throw NodeError(
                "the path is empty", advice: "Name a file ending in \(Container.endings).", isInputError: true)
        }
        guard let container = choice == .auto ? Container(path: name) : Container(rawValue: choice.rawValue) else {
            throw NodeError(
                "\"\(name)\" does not tell the kind of file",
                advice: "Let it end in \(Container.endings), or give \"format\".",
                isInputError: true)
        }
        self.container = container
        path = name
        if let misfit = DataRecording.misfit(container, path: path, media: inputs, data: data) { throw misfit }
        for input in inputs { if let format = input.format { try check(format) } }
        let isFirst = context.restarts == 0
        sink = FileSink(
            try context.openFile(
                name, ifExists: isFirst || ifExists != .fail ? ifExists : .number, part: context.restarts + 1))
        path = sink.path
        for input in inputs {
            context.refuse(at: input) {
                container.takes($0) ? nil : "writes \(container.rawValue), which does not hold it"
            }
        }
        if container == .jsonl { recording = DataRecording(to: sink, path: path) }
        gathering = Gathering(patience: .milliseconds(Int64(maxWait)))
        join = Join(inputs, maxWait: .milliseconds(Int64(maxWait)))
        bytes = context.counter("bytes")
        late = context.counter("late_items")
        corrected = context.counter("corrected_times")
        refusals = context.counter("refused_packets")
    }

    private func check(_ format: MediaFormat) throws {
        guard container.takes(format) else { throw container.refusal(format, path: path) }
    }

    /// True when the header is written. It needs the format of every stream, which may come with its first item; a
    /// stream that sends nothing is waited for as long as `max_wait_ms` says, then left out.
    private func open(now: Instant) throws -> Bool {
        if muxer != nil { return true }
        // Looked at once: what lies in front may go stale meanwhile.
        let heads = [video, audio].filter(\.isConnected).compactMap {
            input -> (input: Input<MediaItem>, item: MediaItem?)? in
            let item = input.peek()
            return item == nil && input.isEnded ? nil : (input, item)
        }
        let speaking = heads.compactMap { head in head.item.map { (input: head.input, item: $0) } }
        let silent = heads.filter { $0.item == nil }.map(\.input.spec.name)
        guard let oldest = speaking.map({ Record.time($0.item) }).min() else { return false }
        switch gathering.look(now, isComplete: silent.isEmpty) {
        case .complete: break
        case .wait(let until):
            context.isWaiting(for: "the first item of \(silent.joined(separator: " and "))")
            context.wake(at: until)
            return false
        case .incomplete:
            for name in silent {
                context.log(.warning, "\(name) sent nothing for \(maxWait) ms: \"\(path)\" is written without it")
            }
        }
        context.isWaiting(for: nil)
        let muxer = try Muxer(container: container.muxer, options: container.options, to: sink)
        for (input, item) in speaking {
            let format = item.format
            try check(format)
            if container.takesWhatever(format) && !muxer.takes(format) { throw container.refusal(format, path: path) }
            let complete = (item as? Packet).map { format.withParameterSets(of: $0) } ?? format
            do { try muxer.add(complete) } catch { throw refused(complete, error) }
            streams.append((input, format, false))
            context.refuse(at: input) { $0 == format ? nil : "writes a file that keeps \(format)" }
        }
        // Small times are kept, so that encoder delay (a negative start) stays what it is; others begin at 0.
        if abs(oldest.ticks / MediaTime.ticksPerSecond) >= 1 { muxer.offset = oldest }
        do { try muxer.open() } catch {
            if muxer.sinkError != 0 { throw failure(error, muxer) }
            let formats = streams.map(\.format.description).joined(separator: " and ")
            throw NodeError("\(container.rawValue) refuses \(formats): \(error)", isInputError: true)
        }
        self.muxer = muxer
        whole = sink.bytesWritten
        return true
    }

    private static func time(_ item: MediaItem) -> MediaTime {
        item.header.dts.isKnown ? item.header.dts : item.header.pts
    }

    // MARK: Writing

    public func process(now: Instant) throws {
        if recording != nil {
            defer { bytes.set(Int(sink.bytesWritten)) }
            return try recording?.write(from: data) ?? ()
        }
        guard try open(now: now) else { return }
        while let (input, item) = join.next(now: now, context: context) { try write(item, from: input) }
        bytes.set(Int(sink.bytesWritten))
        corrected.set(muxer?.corrected ?? 0)
    }

    private func write(_ item: MediaItem, from input: Input<MediaItem>) throws {
        guard let muxer, let stream = streams.firstIndex(where: { $0.input === input }) else {
            late.add()
            return
        }
        if input.formatChanged && streams[stream].format != item.format {
            throw NodeError(
                "\(input.spec.name) changed from \(streams[stream].format) to \(item.format); a \(container.rawValue) file keeps one format",
                advice:
                    "Convert the media to one format before record. \"\(path)\" stays playable as far as it was written."
            )
        }
        do {
            if let packet = item as? Packet {
                try muxer.write(packet, stream: stream)
            } else if let samples = item as? AudioFrame {
                try muxer.write(samples, stream: stream)
            }
        } catch {
            // Damaged, or malformed: lost alone, unless nothing of the stream was ever right.
            guard muxer.sinkError == 0, streams[stream].isBegun else { throw failure(error, muxer) }
            return noteRefused(item, input, error)
        }
        streams[stream].isBegun = true
        whole = sink.bytesWritten
        let time = item.header.pts.isKnown ? item.header.pts : Record.time(item)
        let until = time + (item.header.duration.isKnown ? item.header.duration : .zero)
        if !start.isKnown || time < start { start = time }
        if !end.isKnown || until > end { end = until }
    }

    private func noteRefused(_ item: MediaItem, _ input: Input<MediaItem>, _ error: AVError) {
        refusals.add()
        guard refusals.count == 1 else { return }
        let time = Record.time(item)
        context.log(
            .warning,
            "\(container.rawValue) refuses a packet of \(input.spec.name) at \((time.isKnown ? time.seconds : 0).fixed(2)) s (\(error)): it is left out, as are others like it"
        )
    }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        if let recording, recording.lines > 0 {
            context.log(.info, "wrote \(path): \(recording.lines) lines, \(Record.size(sink.bytesWritten))")
            return true
        }
        guard let muxer else {
            context.log(.warning, "nothing arrived: \"\(path)\" is not written")
            return true
        }
        do { try muxer.finish() } catch { throw failure(error, muxer) }
        let code = sink.close()
        guard code == 0 else { throw NodeError("writing \"\(path)\" failed: \(errorText(code))") }
        bytes.set(Int(sink.bytesWritten))
        let seconds = start.isKnown ? (end - start).seconds : 0
        context.log(.info, "wrote \(path): \(seconds.fixed(2)) s, \(Record.size(sink.bytesWritten))")
        return true
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 10_000
            ? "\(bytes) bytes" : bytes < 10_000_000 ? "\(bytes / 1_000) kB" : "\((Double(bytes) / 1e6).fixed(1)) MB"
    }

    private func refused(_ format: MediaFormat, _ error: AVError) -> NodeError {
        NodeError("\(container.rawValue) refuses \(format): \(error)", isInputError: true)
    }

    /// The file ends with the last packet, cluster or fragment that is whole.
    private func failure(_ error: AVError, _ muxer: Muxer) -> NodeError {
        if muxer.sinkError != 0 { sink.cut(to: whole) }
        let written = Record.size(sink.bytesWritten)
        guard muxer.sinkError != 0 else { return NodeError("writing \"\(path)\" failed after \(written): \(error)") }
        var advice = muxer.sinkError == ENOSPC || muxer.sinkError == EDQUOT ? ["Free some space."] : []
        if whole > 0 { advice.append("The file stays playable as far as it was written.") }
        return NodeError(
            "writing \"\(path)\" failed after \(written): \(error)",
            advice: advice.joined(separator: " "))
    }

    public func close() {
        muxer = nil
        recording = nil
        sink = nil
    }
}
