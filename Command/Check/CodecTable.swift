@_spi(Host) import Sluice

/// The answer of `check codecs`, for people and for programs.
struct CodecTable {
    private let results: [CodecResult]
    private let width: Int
    private let height: Int

    init(_ results: [CodecResult], width: Int, height: Int) {
        (self.results, self.width, self.height) = (results, width, height)
    }

    var text: String {
        let heading = ["encoder", "opens", "p50 ms", "p95 ms", "keeps up", "profile", "level"]
        let rows = results.map { result in
            [name(result), result.opens ? "yes" : "no"]
                + (result.works ? figures(result) : [printable(result.refusal ?? "no packet came")])
        }
        var widths = heading.map(\.count)
        // A reason stands alone in its line and may be longer than a column.
        for row in rows {
            for (column, cell) in row.enumerated() where row.count > 3 || column < 2 {
                widths[column] = max(widths[column], cell.count)
            }
        }
        let lines = ([heading] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: max(0, widths[column] - cell.count) + 2)
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        return
            "A second of pattern, \(width)x\(height) at \(CheckVideo.rate)/s, and of audio, 48000 Hz stereo or as the encoder takes it.\n"
            + lines.joined()
    }

    private func name(_ result: CodecResult) -> String {
        result.encoder.map { "\(result.type) \($0)" } ?? result.type
    }

    private func figures(_ result: CodecResult) -> [String] {
        [
            milliseconds(result.delay(0.5)), milliseconds(result.delay(0.95)), result.keepsUp ? "yes" : "no",
            result.facts?.profile ?? "unknown", result.facts?.level ?? "",
        ]
    }

    private func milliseconds(_ nanoseconds: Int) -> String { decimal(Double(nanoseconds) / 1e6, places: 3) }

    var json: String {
        var writer = JSONValue.Writer(wrapDepth: 2)
        writer.object {
            $0.key("width", width)
            $0.key("height", height)
            $0.key("fps", CheckVideo.rate)
            $0.key("codecs") {
                $0.array { array in for result in results { array.element { $0.object { write(result, &$0) } } } }
            }
        }
        return writer.text + "\n"
    }

    private func write(_ result: CodecResult, _ object: inout JSONValue.Writer) {
        object.key("type", result.type)
        if let encoder = result.encoder { object.key("encoder", encoder) }
        object.key("opens", result.opens)
        if let refusal = result.refusal { object.key("reason", refusal) }
        guard result.works else { return }
        object.key("packets", result.delays.count)
        object.key("ms_p50", Double(result.delay(0.5)) / 1e6, places: 3)
        object.key("ms_p95", Double(result.delay(0.95)) / 1e6, places: 3)
        object.key("interval_ms", Double(result.interval) / 1e6, places: 3)
        object.key("keeps_up", result.keepsUp)
        if let facts = result.facts { object.key("profile", facts.profile) }
        if let level = result.facts?.level { object.key("level", level) }
    }
}
