import Foundation
import TestSupport
import Testing

@testable import Command

/// `sluice check codecs`.
@Suite struct CheckTests {
    private func check(_ words: String...) throws -> (run: CommandRun, codecs: [[String: Any]]) {
        let run = try CommandRun(["check", "codecs", "--json"] + words)
        let answer = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        return (run, answer?["codecs"] as? [[String: Any]] ?? [])
    }

    private func named(_ name: String, _ codecs: [[String: Any]]) throws -> [String: Any] {
        try #require(codecs.first { ($0["encoder"] ?? $0["type"]) as? String == name })
    }

    @Test func everyEncoderIsTriedAndTellsWhatItsBytesAre() throws {
        let (run, codecs) = try check("--size", "640x360")
        #expect(run.status == 0)
        #expect(run.errors == "")
        #expect(codecs.filter { $0["type"] as? String == "h264-encoder" }.count == 6)
        for codec in codecs {
            guard codec["opens"] as? Bool == true else {
                #expect((codec["reason"] as? String)?.isEmpty == false)
                continue
            }
            let (p50, p95) = (try #require(codec["ms_p50"] as? Double), try #require(codec["ms_p95"] as? Double))
            #expect(0 < p50 && p50 <= p95)
            let interval = try #require(codec["interval_ms"] as? Double)
            #expect(codec["keeps_up"] as? Bool == (p95 <= interval))
        }
        // Each is fed what it takes: 8 kHz mono here.
        #expect(try named("pcmu-encoder", codecs)["packets"] as? Int == 50)
        let x264 = try named("libx264", codecs)
        #expect(x264["packets"] as? Int == 30)
        #expect(x264["profile"] as? String == "Constrained Baseline" && x264["level"] as? String == "3.0")
        #expect(try named("h264_videotoolbox", codecs)["reason"] as? String == "this libavcodec has none")
        #expect(try named("vp8-encoder", codecs)["profile"] as? String == "version 0")
        // 20 ms frames of a second, and one that brings the encoder's delay out.
        let opus = try named("opus-encoder", codecs)
        #expect(opus["packets"] as? Int == 51 && opus["profile"] as? String == "CELT 20 kHz 20 ms stereo")
    }

    @Test func profileAndLevelAreWhatFFprobeReads() throws {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "stream.h264")
        let graph = try scratch.write(
            "graph.json",
            """
            { "nodes": { "source": { "type": "source", "open": "pattern", "width": 1920, "height": 1080, "duration_s": 0.1 },
                         "h264": { "type": "h264-encoder" }, "file": { "type": "bench-dump", "path": "\(file.path)" } },
              "edges": [ "source.video -> h264 -> file" ] }
            """.replacing("\\\\(", with: "\\("))
        let run = try CommandRun(["run", graph.path, "--clock", "virtual"])
        #expect(run.status == 0, "\(run.errors)")
        let said = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-f", "h264", "-show_entries", "stream=profile,level", "-of", "csv=p=0",
                file.path,
            ], feeding: [])
        let words = String(decoding: said, as: UTF8.self).split(whereSeparator: { ",\n".contains($0) }).map(String.init)
        let facts = try [UInt8](Data(contentsOf: file)).withUnsafeBytes { StreamFacts($0, codec: "h264") }
        #expect(facts?.profile == words.first)
        #expect(facts?.level == "4.0" && words.last == "40")
    }

    @Test func peopleGetATable() throws {
        let run = try CommandRun(["check", "codecs", "--size", "64x64"])
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(
            lines.first
                == "A second of pattern, 64x64 at 30/s, and of audio, 48000 Hz stereo or as the encoder takes it.")
        #expect(lines[1].hasPrefix("encoder "))
        let x264 = try #require(lines.first { $0.hasPrefix("h264-encoder libx264 ") })
        #expect(x264.hasSuffix("Constrained Baseline      3.0"))
        #expect(
            lines.contains { $0.hasPrefix("h264-encoder h264_videotoolbox  no     this libavcodec has none") })
    }

    /// H.264 has even sides: the last column and row are left out.
    @Test func oddSidesAreTakenByEveryEncoder() throws {
        let (run, codecs) = try check("--size", "65x65")
        #expect(run.status == 0)
        #expect(try named("libx264", codecs)["opens"] as? Bool == true)
        #expect(try named("vp8-encoder", codecs)["opens"] as? Bool == true)
    }

    @Test func withoutPluginsNothingWorks() throws {
        let scratch = try Scratch()
        for name in Built.command {
            try FileManager.default.copyItem(at: Built.file(name), to: scratch.url.appendingPathComponent(name))
        }
        let sluice = scratch.url.appendingPathComponent("sluice")
        let run = try CommandRun(["check", "codecs"], executable: sluice)
        #expect(run.status == 1)
        #expect(run.output.split(separator: "\n").count == 2)
    }

    // MARK: Facts from bytes

    private func facts(_ bytes: [UInt8], _ codec: String) -> StreamFacts? {
        bytes.withUnsafeBytes { StreamFacts($0, codec: codec) }
    }

    @Test(
        arguments: [
            ([66, 0xc0, 31], "Constrained Baseline", "3.1"), ([66, 0x80, 40], "Baseline", "4.0"),
            ([66, 0xd0, 11], "Constrained Baseline", "1b"), ([77, 0x40, 30], "Main", "3.0"),
            ([100, 0, 52], "High", "5.2"), ([100, 0x0c, 11], "Constrained High", "1.1"),
            ([244, 0, 9], "profile_idc 244", "0.9"),
        ] as [([UInt8], String, String)])
    func aParameterSetTellsProfileAndLevel(bytes: [UInt8], profile: String, level: String) {
        let before: [UInt8] = [0, 0, 0, 1, 9, 0x10, 0, 0, 1, 0x67]
        #expect(facts(before + bytes + [0xaa], "h264") == StreamFacts(profile: profile, level: level))
    }

    @Test(
        arguments: [
            (0x00, "SILK 4 kHz 10 ms mono"), (0x4c, "SILK 8 kHz 20 ms stereo"), (0x78, "Hybrid 20 kHz 20 ms mono"),
            (0x84, "CELT 4 kHz 2.5 ms stereo"), (0x88, "CELT 4 kHz 5 ms mono"), (0xf4, "CELT 20 kHz 10 ms stereo"),
            (0xff, "CELT 20 kHz 20 ms stereo"),
        ] as [(UInt8, String)])
    func theFirstByteOfAnOpusPacketTellsItsMode(byte: UInt8, text: String) {
        #expect(facts([byte], "opus")?.profile == text)
    }

    @Test func bytesThatAreNothingTellNothing() {
        let tag: [UInt8] = [0x50, 0x01, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0]
        #expect(facts(tag, "vp8") == StreamFacts(profile: "version 0"))
        #expect(facts([0x56] + tag.dropFirst(), "vp8")?.profile == "version 3")
        var dice = Dice(seed: 3)
        for codec in ["h264", "vp8", "opus", "aac"] {
            #expect(facts([], codec) == nil)
            #expect(codec == "opus" || facts([0, 0, 1], codec) == nil)
            for count in 0..<64 { _ = facts((0..<count).map { _ in UInt8.random(in: 0...2, using: &dice) }, codec) }
        }
        for count in 0..<tag.count { #expect(facts(Array(tag[..<count]), "vp8") == nil) }
        #expect(facts([0, 0, 1, 0x67, 66, 0xc0], "h264") == nil)
        #expect(facts([0x50, 1, 0, 0, 0, 0, 64, 0, 48, 0], "vp8") == nil)
    }
}
