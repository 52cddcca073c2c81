/// Lines that wait for a slow reader, bounded in number and in bytes. The newest stay; how many were lost is said once,
/// in the place where they stood.
struct LineQueue: Sendable {
    private var lines: Newest<String>
    private var bytes = 0
    private(set) var lost = 0
    private let byteLimit: Int

    init(lines limit: Int = 4_096, bytes: Int = 1 << 20) {
        lines = Newest(capacity: limit)
        byteLimit = bytes
    }

    var isEmpty: Bool { lines.count == 0 && lost == 0 }

    mutating func add(_ line: String) {
        bytes += line.utf8.count
        if let gone = lines.add(line) { lose(gone) }
        // One line is always kept, however long.
        while bytes > byteLimit, lines.count > 1, let gone = lines.popFirst() { lose(gone) }
    }

    private mutating func lose(_ line: String) {
        bytes -= line.utf8.count
        lost += 1
    }

    /// All that waits, as one text; the queue is empty then.
    mutating func take() -> String {
        var text = ""
        text.reserveCapacity(bytes + 64)
        if lost > 0 { text += "(\(lost) line\(lost == 1 ? " was" : "s were") lost here: nobody read them in time)\n" }
        for line in lines.all { text += line }
        lines.removeAll()
        (bytes, lost) = (0, 0)
        return text
    }
}
