import Foundation
import TestSupport
import Testing

/// Advice of the built command where a codec does not fit a container: only nodes that lead there.
@Suite("Codecs that do not fit") struct AdviceTests {
    private func said(_ command: String, _ nodes: String, _ edges: String, in scratch: Scratch) throws -> CommandRun {
        try scratch.write("graph.json", #"{ "nodes": { \#(nodes) }, "edges": [ \#(edges) ] }"#)
        return try CommandRun([command, "./graph.json"], in: scratch.url)
    }

    @Test func aFileAndACodecInTheGraphAreRefusedByValidate() throws {
        let scratch = try Scratch()
        for (kind, taken, path) in [
            ("webm", "audio opus/vorbis", "audio-decoder -> opus-encoder"), ("WAV", "raw audio", "audio-decoder"),
        ] {
            let run = try said(
                "validate",
                #""s": { "type": "source", "open": "tone" }, "aac": { "type": "aac-encoder" }, "#
                    + #""f": { "type": "record", "path": "tape.\#(kind)" }"#,
                #""s.audio -> aac -> f.audio""#, in: scratch)
            #expect(run.status == 2)
            #expect(
                run.errors.contains("aac.out gives audio aac, f.audio takes \(taken)."), "\(run.errors)")
            #expect(run.errors.contains("\"aac -> \(path) -> f.audio\""), "\(run.errors)")
            #expect(run.errors.contains("Or: let \"path\" end in .mkv, .ts or .mp4."), "\(run.errors)")
        }
        for kind in ["mp4", "m4a", "mkv", "ts"] {
            let run = try said(
                "validate",
                #""s": { "type": "source", "open": "tone" }, "aac": { "type": "aac-encoder" }, "#
                    + #""f": { "type": "record", "path": "tape.\#(kind)" }"#,
                #""s.audio -> aac -> f.audio""#, in: scratch)
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test func theContainerThatIsNamedCounts() throws {
        let scratch = try Scratch()
        let run = try said(
            "validate",
            #""s": { "type": "source", "open": "tone" }, "aac": { "type": "aac-encoder" }, "#
                + #""f": { "type": "record", "path": "tape.webm", "format": "mkv" }"#,
            #""s.audio -> aac -> f.audio""#, in: scratch)
        #expect(run.status == 0, "\(run.errors)")
    }

    /// A decoder leaves the rate as it is, and Opus does not take 44.1 kHz: the chain has three nodes.
    @Test func theRateIsThoughtOf() throws {
        let scratch = try Scratch()
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=r=44100:d=1", "-c:a", "aac",
                scratch.url.appending(path: "in.m4a").path,
            ], feeding: [])
        let run = try said(
            "run",
            #""s": { "type": "source", "open": "in.m4a", "decode": false }, "#
                + #""f": { "type": "record", "path": "tape.webm" }"#,
            #""s.audio -> f.audio""#, in: scratch)
        #expect(run.status == 2)
        #expect(
            run.errors.contains("\"s.audio -> audio-decoder -> audio-convert -> opus-encoder -> f.audio\""),
            "\(run.errors)")
        #expect(
            run.errors.contains("a node of type \"audio-convert\" with \"sample_rate\": 48000"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.url.appending(path: "tape.webm").path))
    }

    @Test func packetsOfAnyCodecNeedTheDecoderThatKnowsThem() throws {
        let scratch = try Scratch()
        let run = try said(
            "validate",
            #""s": { "type": "source", "open": "in.m4a", "decode": false }, "c": { "type": "audio-convert" }, "#
                + #""n": { "type": "null-sink" }"#,
            #""s.audio -> c -> n""#, in: scratch)
        #expect(run.errors.contains("\"s.audio -> audio-decoder -> c\""), "\(run.errors)")
        let opus = try said(
            "validate",
            #""s": { "type": "source", "open": "tone" }, "o": { "type": "opus-encoder" }, "#
                + #""c": { "type": "audio-convert" }, "n": { "type": "null-sink" }"#,
            #""s.audio -> o -> c -> n""#, in: scratch)
        #expect(opus.errors.contains("\"o -> opus-decoder -> c\""), "\(opus.errors)")
    }
}
