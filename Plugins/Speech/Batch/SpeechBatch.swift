import Sluice
import Spool

/// Writes speech down in batches that survive the end of the process.
///
/// Audio goes into a spool on the disk first, in chunks; joined, a batch of them is written by a server or by the
/// engine in the process. Text is stored in the spool, and then the chunks are removed. The rest of a killed process is
/// delivered by the next one that has the spool.
public final class SpeechBatch: Node {
    public static let descriptor = NodeDescriptor(
        "stt-batch", summary: "Writes speech down in batches that survive the end of the process", work: .heavy,
        traits: [.keeps], example: #""stt": { "type": "stt-batch", "spool": "lectures" }"#)

    let input = Input<AudioFrame>("in", .rawAudio)
    let text = Output<DataItem>("text", .data([Transcript.schema]), optional: true)

    @Parameter("spool", default: "spool", help: "The directory in which audio waits for its text. It is made.")
    var spool: String
    @Parameter(
        "session", default: "session",
        help: "The name of the session, a directory in the spool. One that is there gives NAME.2.")
    var session: String
    @Parameter("speaker", default: "", help: "The name of the speaker, told with each text.")
    var speaker: String
    @Parameter("chunk_s", default: 30, range: 1...600, help: "The length of a chunk in s.")
    var chunk: Double
    @Parameter("batch", default: 10, range: 1...100, help: "The number of chunks that are written in one piece.")
    var batch: Int
    @Parameter(
        "spool_mb", default: 4_096, range: 1...1_000_000,
        help: "The size of all chunks in MB, at most. Then a file waits, and live audio is lost.")
    var most: Int
    @Parameter("language", default: "", help: "The language as its code, as en or ko. Empty lets the model guess.")
    var language: String
    @Parameter(
        "model", default: "",
        help:
            "A ggml file of Whisper for the engine in the process. "
            + "Empty takes tiny.en, which tools/setup --speech fetches."
    )
    var model: String
    @Parameter(
        "openai_url", default: "",
        help:
            "The address of a server of OpenAI's kind. Without a path /v1/audio/transcriptions is added. "
            + "Empty is the engine in the process.")
    var url: String
    @Parameter("openai_key", default: "", help: "The key of the server. Let it be a secret.")
    var key: String
    @Parameter("openai_model", default: "whisper-1", help: "The model that the server is asked for, as whisper-1.")
    var serverModel: String
    @Parameter("prompt", default: "", help: "Words that the server should know, as names.")
    var prompt: String
    @Parameter("format", default: .mp3, help: "The form in which audio goes to the server.")
    var form: ServerBatchWriter.Form
    @Parameter("bitrate_kbps", default: 48, range: 8...160, help: "The bitrate of MP3 in kb/s.")
    var bitrate: Int
    @Parameter(
        "concurrency", default: 1, range: 1...4, help: "The number of batches that a server is asked for at a time.")
    var concurrency: Int
    @Parameter(
        "timeout_s", default: 300, range: 1...3_600, help: "The longest wait for a server's answer in s.")
    var timeout: Double
    @Parameter(
        "wait_s", default: 60, range: 0...86_400,
        help:
            "The time in s for which the end of the stream waits for a server that does not answer. "
            + "The rest then stays in the spool.")
    var patience: Double

    @Parameter(
        "summary_url", default: "",
        help:
            "The address of a server of OpenAI's kind that sums up the texts of a session. "
            + "Without a path /v1/chat/completions is added. Empty makes no summary.")
    var summaryURL: String
    @Parameter("summary_key", default: "", help: "The key of that server. Let it be a secret.")
    var summaryKey: String
    @Parameter("summary_model", default: "gpt-4o-mini", help: "The model that sums up.")
    var summaryModel: String
    @Parameter(
        "summary_prompt",
        default: "Sum up what is said in this transcript, in its language, in a few short paragraphs.",
        help: "The words that ask for the summary.")
    var summaryPrompt: String

    private var context: NodeContext!
    private var metrics: BatchMetrics!
    private var maker: ChunkMaker!
    private var recorder: SpoolRecorder!
    private var delivery: SpoolDelivery!
    private var isLive = true
    private var isOver = false
    /// Nothing has happened since.
    private var since: Instant?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        text.fix(Transcript.format)
        metrics = BatchMetrics(context)
        let isName = session.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
        }
        guard isName, !session.isEmpty, !session.hasPrefix("."), session.utf8.count <= 100 else {
            throw NodeError(
                "session is \"\(session)\"", advice: "Use letters, digits, - _ and . in it.", isInputError: true)
        }
        guard !spool.isEmpty else { throw NodeError("spool is empty", advice: "Name a directory.", isInputError: true) }
        guard let engine = try context.service((any SpeechEngine).self) else {
            throw NodeError("no plugin provides speech", advice: "Add one to the plugin path.", isInputError: true)
        }
        let writer = try makeWriter(engine)
        // Without the library all that is loud is speech.
        maker = ChunkMaker(try? engine.detector(), seconds: chunk)
        let disk = DirectoryDisk(spool)
        var template = Transcript()
        template.speaker = speaker
        delivery = SpoolDelivery(
            context, metrics, template, writer, batch: batch, concurrency: url.isEmpty ? 1 : concurrency, place: spool)
        delivery.digests = try makeDigests()
        recorder = SpoolRecorder(context, disk, session: session)
        delivery.endOf = { [recorder] in recorder?.ends[$0] }
        do {
            try disk.makeFolder("")
            try delivery.recover(disk)
        } catch let fault as DiskFault {
            throw NodeError("the spool cannot be used: \(fault.words)", isInputError: true)
        }
    }

    private func makeWriter(_ engine: any SpeechEngine) throws -> any BatchWriter {
        guard !url.isEmpty else {
            return try LocalBatchWriter(engine, model: model, language: language, context)
        }
        guard !context.isVirtual else {
            throw NodeError(
                "openai_url is on the network, which does not follow virtual time",
                advice: "Let the clock be the system's.", isInputError: true)
        }
        let address = try ProviderSettings.address(
            of: url, path: ProviderSettings.transcriptions, parameter: "openai_url")
        var request = TranscriptionForm(url: address, key: key, model: serverModel, language: language)
        request.prompt = prompt
        return ServerBatchWriter(
            request, form, bitrate: bitrate * 1_000, patience: .seconds(timeout), context)
    }

    private func makeDigests() throws -> SpoolDigests? {
        guard !summaryURL.isEmpty else { return nil }
        guard !context.isVirtual else {
            throw NodeError(
                "summary_url is on the network, which does not follow virtual time",
                advice: "Let the clock be the system's.", isInputError: true)
        }
        let address = try ProviderSettings.address(
            of: summaryURL, path: "/v1/chat/completions", parameter: "summary_url")
        let form = SummaryForm(url: address, key: summaryKey, model: summaryModel, prompt: summaryPrompt)
        return SpoolDigests(context, form, patience: .seconds(timeout), place: spool)
    }

    public func process(now: Instant) throws {
        // A file waits while there is no room; what lives goes on.
        while isLive || recorder.hasRoom, let frame = input.next() {
            isLive = !frame.header.isUnpaced
            recorder.add(try maker.take(frame))
            record(now)
        }
        record(now)
        step(now)
        let due = min(recorder.wake, delivery.wake)
        if due != .distantFuture { context.wake(at: due) }
    }

    public func finish(now: Instant) throws -> Bool {
        if !isOver {
            isOver = true
            recorder.add(maker.finish())
            since = now
        }
        record(now)
        if recorder.isEmpty {
            do { try recorder.end() } catch { context.log(.warning, "the spool cannot be written: \(error)") }
        }
        step(now)
        if recorder.isEmpty, delivery.isEmpty, delivery.news.isEmpty { return true }
        if let stored = delivery.lastStored { since = max(since ?? stored, stored) }
        let limit = (since ?? now) + .seconds(patience)
        // The disk, or the server, is waited for.
        let isHeld = recorder.isEmpty ? delivery.isHeld(now) : recorder.wake > now && recorder.wake != .distantFuture
        guard isHeld, now >= limit, delivery.news.isEmpty else {
            let next = min(recorder.wake, delivery.wake, limit > now ? limit : .distantFuture)
            if next != .distantFuture { context.wake(at: next) }
            return false
        }
        recorder.giveUp()
        metrics.lost.set(recorder.lost / 16)
        context.log(.warning, "\(delivery.rest): the next run with this spool delivers them")
        return true
    }

    public func close() {
        delivery?.close()
        recorder?.session?.close()
    }

    private func record(_ now: Instant) {
        let (most, delivery) = (most << 20, delivery!)
        recorder.settle(now, origin: maker.origin, room: { most - delivery.bytes }, isLive: isLive)
        if let session = recorder.session { delivery.add(session) }
        metrics.recorded.set(recorder.recorded / 16)
        metrics.lost.set(recorder.lost / 16)
    }

    private func step(_ now: Instant) {
        delivery.step(now)
        while !delivery.news.isEmpty, text.hasRoom {
            guard let item = delivery.nextText() else { break }
            item.header.captured = now
            item.header.epoch = context.epoch
            if text.isConnected { text.send(item) }
        }
        context.isWaiting(for: isOver && !delivery.isEmpty ? "the texts of what is in the spool" : nil)
    }
}
