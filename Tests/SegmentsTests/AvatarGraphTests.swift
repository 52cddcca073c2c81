import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// The graph `avatar` as the command runs it, with a recording in place of the viewer, read by ffmpeg.
@Suite struct AvatarGraphTests {
    /// The nodes of the graph up to its viewers, with their parameters' defaults.
    private func recording(_ file: String, into path: String, in scratch: Scratch) throws -> String {
        let graph = try Data(contentsOf: Built.root.appending(path: "graphs/avatar.json"))
        let json = try #require(JSONSerialization.jsonObject(with: graph) as? [String: Any])
        var nodes = try #require(json["nodes"] as? [String: [String: Any]])
        for name in ["viewers", "microphone", "decoder", "heard", "speech", "listener", "stt"] { nodes[name] = nil }
        nodes["avatar"] = ["type": "av-segments", "file": file]
        nodes["mark"] = ["type": "calibration", "on": false]
        for name in ["vp8", "opus"] { nodes[name]?["bitrate_kbps"] = nil }
        nodes["tape"] = ["type": "record", "path": path, "max_wait_ms": 1_000]
        var edges: [Any] = try #require(json["edges"] as? [Any]).compactMap { edge in
            (edge as? String)?.split(separator: " -> viewers.").first.map(String.init)
        }
        for (from, to, items) in [("trace", "tape.video", 100), ("opus", "tape.audio", 200)] {
            let capacity: [String: Any] = ["items": items, "ms": 2_000]
            edges.append(["from": from, "to": to, "capacity": capacity, "epoch": "keep"] as [String: Any])
        }
        let text = try JSONSerialization.data(withJSONObject: ["nodes": nodes, "edges": edges])
        let place = scratch.url.appending(path: "recording.json")
        try text.write(to: place)
        return place.path
    }

    @Test func whatItRecordsKeepsAudioAndPictureTogetherAcrossGaps() throws {
        let scratch = try Scratch()
        let delays = [0, 30, 137.3, 30, 39, 411.1, 0, 39, 39, 1_204.7, 0, 55]
        let take = PacedTests.take(count: 24, seed: 4, delays: delays)
        let file = try take.write(in: scratch)
        let recording = scratch.url.appending(path: "avatar.mkv").path
        let report = scratch.url.appending(path: "report.json")
        let run = try CommandRun([
            "run", try self.recording(file, into: recording, in: scratch), "--clock", "virtual", "--report",
            report.path,
        ])
        #expect(run.status == 0, "\(run.errors)")
        let json = try JSONValue.parse(Array(Data(contentsOf: report)), file: "report.json")
        let pictures = try #require(json["nodes"]?["pictures"])
        #expect(pictures["metrics"]?["sent"]?.number == 120)
        // Segments of five pictures; what the recording says when each segment's first is to be shown.
        let lines = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0",
                recording,
            ], feeding: [])
        let shown = String(decoding: lines, as: UTF8.self).split(separator: "\n").compactMap {
            Double($0.replacing(",", with: ""))
        }
        #expect(shown.count == 120)
        let audio = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", recording, "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "pipe:1"],
            feeding: [])
        let samples = audio.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        var marks: [Double] = []
        var quiet = 4_800
        for (index, sample) in samples.enumerated() {
            if abs(Int(sample)) > 3_000 {
                if quiet >= 4_800 { marks.append(Double(index) / 48_000) }
                quiet = 0
            } else {
                quiet += 1
            }
        }
        #expect(marks.count == 24)
        // Each mark is 100 ms behind its segment's first picture. Matroska's audio begins 7 ms before its first sample.
        let first = stride(from: 0, to: shown.count, by: 5).map { shown[$0] - shown[0] }
        let offsets = zip(marks, first).map { ($0 - $1) * 1_000 - 100 }
        #expect(offsets.allSatisfy { abs($0) <= 5 }, "\(offsets.map { decimal($0, places: 1) })")
    }
}
