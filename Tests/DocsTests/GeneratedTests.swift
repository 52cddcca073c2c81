import Foundation
import TestSupport
import Testing

@Suite struct GeneratedTests {
    @Test func theListOfNodeTypesIsCurrent() throws {
        let isCurrent = try Repository.text("docs/nodes.md") == Repository.sluice("inspect", "--markdown").output
        #expect(isCurrent, "run tools/update-docs")
    }

    @Test func theSchemaIsCurrent() throws {
        let isCurrent = try Repository.text("graphs/graph.schema.json") == Repository.sluice("schema").output
        #expect(isCurrent, "run tools/update-docs")
    }

    @Test func thePageOfMediaTypesIsCurrent() throws {
        let made = try CommandRun([], executable: Repository.root.appending(path: "tools/api-page"))
        #expect(made.status == 0, "\(made.errors)")
        let isCurrent = try Repository.text("docs/api.md") == made.output
        #expect(isCurrent, "run tools/update-docs")
        for type in ["VideoFrame", "AudioFrame", "Packet", "Parameter", "ParameterValue.Convertible"] {
            #expect(made.output.contains("\n### \(type)\n"))
        }
    }

    @Test func theDrawingInTheReadMeIsCurrent() throws {
        let drawing = try Repository.sluice("draw", "demo", "--format", "svg").output
        let isCurrent = try Repository.text("docs/pictures/demo.svg") == drawing
        #expect(isCurrent, "run tools/update-docs")
    }

    /// `sluice latency loopback -o docs/pictures/latency.svg` on a quiet machine makes it anew.
    @Test func theLatencyPlotIsOneOfTheGraphAsItIs() throws {
        let plot = try Repository.text("docs/pictures/latency.svg")
        #expect(plot.hasPrefix("<svg") && plot.contains("glass to glass: p50 "))
        for node in ["camera", "convert", "h264", "decode"] { #expect(plot.contains(">\(node)</text>"), "\(node)") }
    }

    /// Every figure of the ReadMe's table stands in the measurements.
    @Test func theFiguresOfTheReadMeAreMeasured() throws {
        let measured = try Repository.text("docs/performance.md")
        let page = try Repository.text("README.md")
        let rows =
            page.components(separatedBy: "## Cost").last?.split(separator: "\n").prefix { !$0.hasPrefix("## ") }
            .filter { $0.hasPrefix("| ") }.dropFirst(2) ?? []
        let figures = rows.flatMap { $0.split(separator: "|").dropFirst() }
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        #expect(figures.count > 15)
        for figure in figures { #expect(measured.contains(" \(figure) "), "\(figure)") }
    }

    static let commands = [
        ("docs/command-line.md", "help"), ("docs/command-line.md", "help run"), ("docs/command-line.md", "help list"),
        ("docs/command-line.md", "help validate"), ("docs/command-line.md", "help inspect"),
        ("docs/command-line.md", "help serve"),
        ("docs/command-line.md", "help schema"), ("docs/command-line.md", "help draw"),
        ("docs/command-line.md", "help latency"), ("docs/command-line.md", "help check"),
        ("docs/command-line.md", "help timing"), ("docs/command-line.md", "help version"),
        ("docs/command-line.md", "inspect graphs/relay-audio.json"),
        ("docs/command-line.md", "list"),
        ("docs/command-line.md", "validate demo relay-audio"),
        ("docs/command-line.md", "draw relay-audio --format mermaid"), ("docs/command-line.md", "rum demo"),
        ("docs/command-line.md", "run demoo"), ("docs/command-line.md", "run demo --for 10"),
        ("docs/graphs/record.md", "run record"), ("docs/graphs/record.md", "run record --set input=nothing.mp4"),
    ]

    @Test(arguments: commands) func aPageShowsWhatTheCommandPrints(_ page: String, _ command: String) throws {
        let answer = try CommandRun(command.split(separator: " ").map(String.init), in: Repository.root)
        let shown = try Page(page).answer(to: "sluice " + command)
        #expect(shown == answer.output + answer.errors, "run tools/update-docs")
    }

    @Test func theErrorsOfTheGraphFilePageAreReal() throws {
        let folder = Repository.root.appending(path: "Tests/Fixtures")
        let answer = try CommandRun(["validate", "./talk.json"], in: folder)
        #expect(answer.status == 2)
        #expect(try Page("docs/graph-file.md").answer(to: "sluice validate ./talk.json") == answer.errors)
    }
}
