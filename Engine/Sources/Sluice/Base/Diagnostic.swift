/// One thing that is wrong with what a user wrote: where, what, and what to do.
@_spi(Host) public struct Diagnostic: Equatable, Sendable, CustomStringConvertible {
    /// nil where no line of a file is at fault: a missing file, a wrong `--set`.
    public var position: SourcePosition?
    /// The file as the user named it; empty where none is at fault.
    public var file: String
    public var severity: Severity
    /// A whole sentence that names the node or both ends of the edge, what was offered and what was wanted.
    public var message: String
    /// The advice, one sentence; may be empty.
    public var advice: String

    public enum Severity: String, Sendable { case error, warning }

    public init(
        file: String = "", position: SourcePosition? = nil, severity: Severity = .error, _ message: String,
        advice: String = ""
    ) {
        self.file = printable(file)
        self.position = position
        self.severity = severity
        self.message = printable(message)
        self.advice = printable(advice)
    }

    /// `graphs/talk.json:14:5: edge "camera -> opus": …` with the advice indented on a line of its own.
    public var description: String {
        var text = ""
        if !file.isEmpty { text += position.map { "\(file):\($0.line):\($0.column): " } ?? "\(file): " }
        if severity == .warning { text += "warning: " }
        text += message
        if !advice.isEmpty { text += "\n  " + advice }
        return text
    }
}

/// The text with control characters, line feeds aside, replaced: what comes from a file, a name or an argument must not
/// command a terminal.
public func printable(_ text: String) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 && scalar != "\n" || (0x7F..<0xA0).contains(scalar.value)
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
}

/// 1-based line and column; the column counts characters (Unicode scalars), not bytes.
@_spi(Host) public struct SourcePosition: Hashable, Comparable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (a: SourcePosition, b: SourcePosition) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// The graph cannot run: at most 20 diagnostics in file order.
@_spi(Host) public struct GraphError: Error, CustomStringConvertible, Sendable {
    public var diagnostics: [Diagnostic]
    /// The user's input is wrong: exit status 2. False where a node failed as it was prepared: status 1.
    public var isInputError = true
    public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
