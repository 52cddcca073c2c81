import Foundation
import TestSupport
import Testing

/// `sluice latency` as it is built, in real time.
@Suite struct LatencyCommandTests {
    private let pattern = """
        { "nodes": { "camera": { "type": "source", "open": "pattern", "width": 320, "height": 180 },
        "h264": { "type": "h264-encoder", "bitrate_kbps": 500 }, "decode": { "type": "video-decoder" },
        "end": { "type": "null-sink" } }, "edges": [ "camera.video -> h264 -> decode -> end" ] }
        """

    @Test func picturesAreATableAndADrawing() throws {
        let scratch = try Scratch()
        let graph = try scratch.write("pattern.json", pattern)
        let answer = try CommandRun(["latency", graph.path, "--for", "2s", "-o", "out.svg"], in: scratch.url)
        #expect(answer.status == 0, "\(answer.errors)")
        let stages = answer.output.split(separator: "\n").map {
            $0.split(separator: " ").prefix(2).joined(separator: " ")
        }
        let names = [
            "stage p50", "camera ", "→ h264", "h264 ", "→ decode", "decode ", "→ end", "---", "in all", "ms of",
        ]
        #expect(stages.count == names.count)
        for (stage, name) in zip(stages, names) { #expect(stage.hasPrefix(name), "\(answer.output)") }
        let drawing = try String(contentsOf: scratch.url.appending(path: "out.svg"), encoding: .utf8)
        #expect(drawing.contains("Latency of pattern") && drawing.contains(">→ decode</text>"))
    }

    @Test(.realPeers) func aPictureIsFollowedThroughSRTGlassToGlass() throws {
        let port = Ports.one()
        let answer = try CommandRun(
            [
                "latency", "loopback", "--for", "3s", "--set", "port=\(port)", "--set", "width=640", "--set",
                "height=360",
            ],
            in: Built.root)
        #expect(answer.status == 0, "\(answer.errors)")
        let lines = answer.output.split(separator: "\n").map(String.init)
        func median(_ stage: String) throws -> Double {
            let line = try #require(lines.first { $0.hasPrefix(stage) }, "\(answer.output)")
            return try #require(Double(line.dropFirst(stage.count).split(separator: " ")[0]))
        }
        for stage in ["camera ", "convert ", "h264 ", "sender: mux ", "receiver: demux ", "decode "] {
            #expect(try median(stage) > 0)
        }
        // SRT hands nothing out before its latency has passed.
        #expect(try median("receiver: SRT ") >= 15)
        #expect(try median("glass to glass ") > median("receiver: SRT "))
    }

    @Test func withoutNumbersItSaysWhatIsNeeded() throws {
        let scratch = try Scratch()
        let graph = try scratch.write(
            "tone.json",
            #"{ "nodes": { "tone": { "type": "source", "open": "tone" }, "end": { "type": "null-sink" } }, "edges": [ "tone.audio -> end" ] }"#
        )
        let answer = try CommandRun(["latency", graph.path, "--for", "100ms"], in: scratch.url)
        #expect(answer.status == 1)
        #expect(answer.output.isEmpty)
        #expect(answer.errors.contains("no picture with a number came through for longer than a second"))
        #expect(answer.errors.contains("\"open\": \"pattern\""))
    }
}
