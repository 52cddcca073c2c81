@_spi(Host) import Sluice
import Synchronization

/// Tells on standard error how a run goes: events as lines, and on a terminal one line that is kept up to date.
final class RunWatcher: Sendable {
    private let plan: GraphPlan
    private let isVirtual: Bool
    /// Whether the terminal's last line is the live one, to be overwritten.
    private let isLineOpen = Mutex(false)

    init(_ plan: GraphPlan, _ options: RunOptions) {
        self.plan = plan
        isVirtual = options.clock == .virtual
    }

    func begin(_ run: GraphRun) {
        if run.runsUntilStopped { say("\(plan.name) runs until it is stopped: Ctrl-C to stop.") }
    }

    /// From any thread.
    func note(_ event: EventLog.Event) {
        var words = "\(decimal(event.time.seconds, places: 1)) s "
        if event.level == .warning || event.level == .error { words += "\(event.level.rawValue): " }
        if !event.node.isEmpty { words += "\(event.node): " }
        say(words + event.what)
    }

    /// For a terminal; one that does not keep up is spared what is soon out of date.
    func look(_ progress: Progress) {
        guard !Console.isBehind else { return }
        isLineOpen.withLock { isOpen in
            isOpen = true
            Console.say("\r\u{1B}[K\(line(progress))")
        }
    }

    func end(_ outcome: RunOutcome, _ progress: Progress) {
        var words = "\(plan.name) \(outcome.rawValue) after \(decimal(progress.elapsed.seconds, places: 1)) s"
        if isVirtual { words += " of virtual time" }
        let sinks = counts(progress)
        if !sinks.isEmpty { words += ": \(sinks)" }
        if progress.dropped > 0 { words += ", \(progress.dropped) dropped" }
        say(words + ".")
    }

    private func line(_ progress: Progress) -> String {
        var parts = [decimal(progress.elapsed.seconds, places: 1) + " s"]
        let sinks = counts(progress)
        if !sinks.isEmpty { parts.append(sinks) }
        if let edge = progress.fullest {
            parts.append("\(edge.name) \(decimal(min(1, edge.share) * 100, places: 0)) % full")
        }
        if progress.dropped > 0 { parts.append("\(progress.dropped) dropped") }
        // Wider lines would wrap and could not be overwritten.
        return String(parts.joined(separator: "  ").prefix(100))
    }

    private func counts(_ progress: Progress) -> String {
        let shown = progress.sinks.prefix(4).map { "\($0.name) \($0.items)" }
        let more = progress.sinks.count - shown.count
        return shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    private func say(_ line: String) {
        isLineOpen.withLock { isOpen in
            Console.say((isOpen ? "\r\u{1B}[K" : "") + printable(line) + "\n")
            isOpen = false
        }
    }
}
