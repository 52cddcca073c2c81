@_spi(Host) import Sluice
import Synchronization

/// Tells on standard error how a run goes: events as lines, and on a terminal one line that is kept up to date.
final class RunWatcher: Sendable {
    private let name: String
    private let isVirtual: Bool
    private let isQuiet: Bool
    private let isJSON: Bool
    /// The terminal's last line is the live one, to be overwritten.
    private let line = Mutex<(isOpen: Bool, words: ProgressLine)>((false, ProgressLine()))

    /// How lines are written: for people, or one JSON object each.
    enum Log: String, CaseIterable { case text, json }

    /// `isQuiet`: warnings and errors alone.
    init(_ plan: GraphPlan, _ options: RunOptions, isQuiet: Bool = false, log: Log = .text) {
        name = plan.name
        isVirtual = options.clock == .virtual
        self.isQuiet = isQuiet
        isJSON = log == .json
    }

    /// There is a live line.
    var hasLine: Bool { Console.isTerminal && !isQuiet && !isJSON }

    func warn(_ warnings: [Diagnostic]) {
        for warning in warnings { tell("\(warning)", level: .warning, text: "\(warning)") }
    }

    func begin(_ run: GraphRun) {
        if run.runsUntilStopped { tell("\(name) runs until it is stopped: Ctrl-C to stop.") }
    }

    /// From any thread.
    func note(_ event: EventLog.Event) {
        var words = "\(decimal(event.time.seconds, places: 1)) s "
        if event.level == .warning || event.level == .error { words += "\(event.level.rawValue): " }
        if !event.node.isEmpty { words += "\(event.node): " }
        tell(event.what, level: event.level, at: event.time, node: event.node, text: words + event.what)
    }

    /// For a terminal; one that does not keep up is spared what is soon out of date.
    func look(_ progress: Progress) {
        guard !Console.isBehind else { return }
        line.withLock { line in
            line.isOpen = true
            Console.say("\r\u{1B}[K" + line.words.text(progress, columns: Console.columns))
        }
    }

    func end(_ outcome: RunOutcome, _ progress: Progress) {
        var words = "\(name) \(outcome.rawValue) after \(decimal(progress.elapsed.seconds, places: 1)) s"
        if isVirtual { words += " of virtual time" }
        let sinks = ProgressLine.sinks(progress).joined(separator: ", ")
        if !sinks.isEmpty { words += ": \(sinks)" }
        if progress.dropped > 0 { words += ", \(grouped(progress.dropped)) dropped" }
        tell(words + ".", level: outcome == .failed ? .error : .info, at: progress.elapsed)
    }

    /// An error that ends the command, as a line of the log; false where it is to be told to people.
    func fail(_ error: any Error) -> Bool {
        guard isJSON else { return false }
        tell("\(error)", level: .error)
        return true
    }

    private func tell(
        _ what: String, level: EventLog.Level = .info, at time: Interval = .zero, node: String = "", text: String? = nil
    ) {
        if isQuiet, level == .info || level == .status { return }
        guard isJSON else { return say(printable(text ?? what)) }
        var writer = JSONValue.Writer(wrapDepth: 0)
        writer.object {
            $0.key("t_s", time.seconds, places: 3)
            $0.key("level", level.rawValue)
            if !node.isEmpty { $0.key("node", node) }
            $0.key("what", what)
        }
        say(writer.text)
    }

    private func say(_ words: String) {
        line.withLock { line in
            Console.say((line.isOpen ? "\r\u{1B}[K" : "") + words + "\n")
            line.isOpen = false
        }
    }
}
