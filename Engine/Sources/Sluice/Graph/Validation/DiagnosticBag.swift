/// Collects what is wrong with one file, so that independent errors are told together.
final class DiagnosticBag {
    /// Errors that are shown; the rest is counted.
    static let limit = 20

    let file: String
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []

    init(file: String) { self.file = file }

    func error(_ position: SourcePosition?, _ message: String, advice: String = "") {
        errors.append(Diagnostic(file: position == nil ? "" : file, position: position, message, advice: advice))
    }

    func warning(_ position: SourcePosition, _ message: String, advice: String = "") {
        warnings.append(Diagnostic(file: file, position: position, severity: .warning, message, advice: advice))
    }

    func add(_ diagnostics: [Diagnostic]) {
        for diagnostic in diagnostics where !errors.contains(diagnostic) { errors.append(diagnostic) }
    }

    func throwIfFailed() throws(GraphError) {
        if !errors.isEmpty { throw GraphError(Self.inFileOrder(errors)) }
    }

    var warningsInFileOrder: [Diagnostic] { Self.sorted(warnings) }

    /// At most `limit` in file order, then one line with the number of the others.
    static func inFileOrder(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let all = sorted(diagnostics)
        guard all.count > limit else { return all }
        return all.prefix(limit) + [Diagnostic("... and \(all.count - limit) more.")]
    }

    /// What concerns no line comes first; equal positions keep the order in which they were found.
    private static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let start = SourcePosition(line: 0, column: 0)
        return diagnostics.enumerated()
            .sorted { ($0.element.position ?? start, $0.offset) < ($1.element.position ?? start, $1.offset) }
            .map(\.element)
    }
}
