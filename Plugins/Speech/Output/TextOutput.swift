import Glibc
import HTTP
import Sluice

/// Writes text to files, shows it on the terminal, or serves it to browsers.
public final class TextOutput: Node {
    public static let descriptor = NodeDescriptor(
        "text-output", summary: "Writes text to files, shows it on the terminal, or serves it to browsers",
        work: .heavy, traits: [.keeps],
        example: #""text": { "type": "text-output", "path": "talk.vtt" }"#)

    let input = Input<DataItem>("in", .data([Transcript.schema]))
    let late = Input<DataItem>("late", .data([Transcript.schema]), optional: true)

    @Parameter(
        "path", default: "",
        help:
            "The file, by its ending .jsonl, .vtt, .srt or .txt. Another name gives NAME.jsonl and NAME.vtt, '-' the terminal."
    )
    var path: String
    @Parameter(
        "name", default: "",
        help:
            "The name under which browsers see texts as they come, a page and server-sent events: /text/NAME. Empty serves none."
    )
    var name: String
    @Parameter(
        "if_exists", default: .auto,
        help:
            "The fate of a file that is there: auto, number, replace or fail. auto numbers in instances of a template.")
    var existing: WrittenFile.Existing

    private var context: NodeContext!
    private var book = TranscriptBook()
    private var files: [TextFile] = []
    private var terminal: TerminalText?
    private var feed = TextFeed()
    private var requests: NodeContext.Inbox<HTTPExchange>?
    private var lease: HTTPLease?
    private var texts: Metric.Counter!
    private var lateTexts: Metric.Counter!
    private var dropped: Metric.Counter!
    private var hasToldPipe = false

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        texts = context.counter("texts")
        lateTexts = context.counter("late_texts")
        dropped = context.counter("readers_dropped")
        guard !path.isEmpty || !name.isEmpty else {
            throw NodeError(
                "path and name are empty", advice: "Name a file, or give '-' for the terminal.", isInputError: true)
        }
        if !name.isEmpty { try serve() }
        guard path != "-" else {
            terminal = TerminalText(columns: TextOutput.columns)
            return
        }
        guard !path.isEmpty else { return }
        let wanted: [(String, TextFormat)] =
            TextFormat(ending: path).map { [(path, $0)] } ?? [("\(path).jsonl", .jsonl), ("\(path).vtt", .vtt)]
        files = try wanted.map { TextFile(try context.openFile($0, ifExists: existing), $1) }
    }

    public func process(now: Instant) throws {
        while let item = input.next() { try take(item) }
        while let item = late.next() {
            lateTexts.add()
            try take(item)
        }
        if let due = try settle(now) { context.wake(at: due) }
        answer(now)
    }

    /// Puts late texts in their places. Gives when to do so again.
    private func settle(_ now: Instant, isLast: Bool = false) throws -> Instant? {
        try files.compactMap { try $0.settle(book, now: now, isLast: isLast) }.min()
    }

    private func serve() throws {
        let segment = name.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || [UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
        }
        guard segment else {
            throw NodeError("name is \"\(name)\"", advice: "Use letters, digits, - and _.", isInputError: true)
        }
        guard let http = try context.service((any HTTPService).self) else {
            throw NodeError("no plugin provides HTTP", advice: "Add one to the plugin path.", isInputError: true)
        }
        let requests = context.inbox(of: HTTPExchange.self, capacity: TextFeed.readers)
        var route = HTTPRoute(.get, path: "/text/\(name)", exposes: [])
        let page = CaptionPage.html(path: "/text/\(name)")
        route.page = HTTPContent(route.path, type: "text/html; charset=utf-8", page)
        lease = try http.serve(route, to: requests, of: context.handle)
        self.requests = requests
        context.log(.info, "texts are shown at \(http.address)/text/\(name)")
    }

    private func answer(_ now: Instant) {
        guard let requests else { return }
        while let exchange = requests.next() { feed.take(exchange, now: now) }
        feed.expire(now: now)
        dropped.set(feed.dropped)
        if let next = feed.nextWake { context.wake(at: next) }
    }

    public func finish(now: Instant) throws -> Bool {
        answer(now)
        feed.end()
        if var terminal { try show(terminal.end()) }
        _ = try settle(now, isLast: true)
        for file in files { try file.close() }
        for file in files { context.log(.info, "wrote \(file.path): \(file.count) texts") }
        files = []
        return true
    }

    public func close() {
        files = []
        feed.end()
        lease?.end()
    }

    private func take(_ item: DataItem) throws {
        guard let text = Transcript(item) else {
            throw NodeError("an item of the schema transcript came without text, start_s or end_s")
        }
        if requests != nil { feed.publish(text) }
        if terminal != nil { try show(terminal!.show(text)) }
        guard text.isFinal else { return }
        texts.add()
        guard !files.isEmpty else { return }
        let place = book.take(text)
        for file in files { try file.write(text, place) }
        guard case .within = place, !hasToldPipe, let pipe = files.first(where: { !$0.goesBack }) else { return }
        hasToldPipe = true
        context.log(
            .warning,
            "a text came late, or in the place of another: \(pipe.path) is no file, and has it behind the later ones")
    }

    /// Standard output. A reader that has gone ends the run.
    private func show(_ text: String) throws {
        var text = text
        let code: Int32 = text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(1, bytes.baseAddress! + done, bytes.count - done)
                if count >= 0 { done += count } else if errno != EINTR { return errno }
            }
            return 0
        }
        guard code == 0 else { throw NodeError("writing to standard output failed: \(errorText(code))") }
    }

    private static var columns: Int {
        guard isatty(1) == 1 else { return 0 }
        var size = winsize()
        return ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}

extension TextOutput {
    public static let metrics: [Metric] = [
        .counter("texts", "Final texts that came."),
        .counter("late_texts", "Texts that came by the input late."),
        .counter("readers_dropped", "Readers of /text/NAME that were dropped since they did not read."),
    ]
}
