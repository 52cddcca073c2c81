@_spi(Host) import Sluice

/// The words for how far a run is.
///
///     12.5 s  65 s of media (5.2x)  file 1,954 packets 9.8 MB 1.2 Mb/s
struct ProgressLine {
    /// An edge has been nearly full for two looks.
    private var isJammed = false

    /// For a terminal of so many columns. Wider lines would wrap and could not be overwritten.
    mutating func text(_ progress: Progress, columns: Int) -> String {
        var parts = [decimal(progress.elapsed.seconds, places: 1) + " s"]
        let pace = progress.elapsed.seconds > 0 ? progress.media.seconds / progress.elapsed.seconds : 0
        // Media that last as long as the clock's time say nothing new.
        let keepsTime = abs(progress.media.seconds - progress.elapsed.seconds) < max(0.5, progress.elapsed.seconds / 20)
        if !keepsTime, progress.media > .zero {
            let media = progress.media.seconds
            parts.append("\(decimal(media, places: media < 10 ? 1 : 0)) s of media (\(decimal(pace, places: 1))x)")
        }
        parts += ProgressLine.sinks(progress)
        let wasJammed = isJammed
        isJammed = (progress.fullest?.share ?? 0) >= 0.9
        // A run that is faster than time is held by its slowest node, so some edge is always full.
        if isJammed, wasJammed, pace < 1.1, let edge = progress.fullest { parts.append("\(edge.name) is full") }
        if progress.dropped > 0 { parts.append("\(grouped(progress.dropped)) dropped") }
        return String(printable(parts.joined(separator: "  ")).prefix(max(20, columns - 1)))
    }

    /// Four of them at most.
    static func sinks(_ progress: Progress) -> [String] {
        let shown = progress.sinks.prefix(4).map(words)
        let more = progress.sinks.count - shown.count
        return shown + (more > 0 ? ["and \(more) more"] : [])
    }

    private static func words(_ sink: SinkCount) -> String {
        let noun = sink.noun.isEmpty ? "item" : sink.noun
        var words = "\(sink.name) \(grouped(sink.items)) \(noun)\(sink.items == 1 ? "" : "s")"
        guard noun == "packet", sink.bytes > 0 else { return words }
        words += " " + size(sink.bytes)
        let seconds = sink.media.seconds
        if seconds >= 0.5 { words += " " + rate(Double(sink.bytes) * 8 / seconds) }
        return words
    }

    private static func size(_ bytes: Int) -> String {
        bytes < 1_000_000
            ? "\(decimal(Double(bytes) / 1e3, places: 0)) kB"
            : bytes < 1_000_000_000
                ? "\(decimal(Double(bytes) / 1e6, places: 1)) MB" : "\(decimal(Double(bytes) / 1e9, places: 2)) GB"
    }

    private static func rate(_ bits: Double) -> String {
        bits < 1e6 ? "\(decimal(bits / 1e3, places: 0)) kb/s" : "\(decimal(bits / 1e6, places: 1)) Mb/s"
    }
}

/// `1,954`
func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
}
