/// Collects what is wrong with one file, so that independent errors are told together.
final class DiagnosticBag {
    /// Errors that are shown; the rest is counted.
    static let limit = 20

    let file: String
    private var found: [(diagnostic: Diagnostic, advice: (() -> String)?)] = []
    private var known: Set<Known> = []
    private(set) var warnings: [Diagnostic] = []

    /// The key by which two errors are one.
    private struct Known: Hashable {
        let position: SourcePosition?
        let message: String
    }

    init(file: String) { self.file = file }

    /// Advice is made for what is shown alone: to look for the name that was meant takes long in a large graph.
    func error(_ position: SourcePosition?, _ message: String, advice: @autoclosure @escaping () -> String = "") {
        let diagnostic = Diagnostic(file: position == nil ? "" : file, position: position, message)
        known.insert(Known(position: position, message: diagnostic.message))
        found.append((diagnostic, advice))
    }

    func warning(_ position: SourcePosition, _ message: String, advice: String = "") {
        warnings.append(Diagnostic(file: file, position: position, severity: .warning, message, advice: advice))
    }

    /// Errors that are not there yet.
    func add(_ diagnostics: [Diagnostic]) {
        for diagnostic in diagnostics
        where known.insert(Known(position: diagnostic.position, message: diagnostic.message)).inserted {
            found.append((diagnostic, nil))
        }
    }

    /// Takes the errors of `other` away from it.
    func add(from other: DiagnosticBag) {
        defer { other.found = [] }
        for entry in other.found
        where known.insert(Known(position: entry.diagnostic.position, message: entry.diagnostic.message)).inserted {
            found.append(entry)
        }
    }

    /// Throws what was found. The bag is empty then: advice may hold the one that holds the bag.
    func throwIfFailed() throws(GraphError) {
        guard !found.isEmpty else { return }
        defer { found = [] }
        let start = SourcePosition(line: 0, column: 0)
        let order = found.indices.sorted {
            (found[$0].diagnostic.position ?? start, $0) < (found[$1].diagnostic.position ?? start, $1)
        }
        var shown = order.prefix(Self.limit).map { index in
            var diagnostic = found[index].diagnostic
            if let advice = found[index].advice { diagnostic.advice = printable(advice()) }
            return diagnostic
        }
        if found.count > Self.limit { shown.append(Diagnostic("... and \(found.count - Self.limit) more.")) }
        throw GraphError(shown)
    }

    var warningsInFileOrder: [Diagnostic] { Self.sorted(warnings) }

    /// At most `limit` in file order, then one line with the number of the others.
    static func inFileOrder(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let all = sorted(diagnostics)
        guard all.count > limit else { return all }
        return all.prefix(limit) + [Diagnostic("... and \(all.count - limit) more.")]
    }

    /// An error that concerns no line comes first; equal positions keep the order in which they were found.
    private static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let start = SourcePosition(line: 0, column: 0)
        return diagnostics.enumerated()
            .sorted { ($0.element.position ?? start, $0.offset) < ($1.element.position ?? start, $1.offset) }
            .map(\.element)
    }
}
