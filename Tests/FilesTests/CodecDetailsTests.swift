import AudioDecoderPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Codecs whose decoders need more of the container than the packets and a configuration, copied into Matroska; and
/// codecs that it has no word for.
@Suite("What a container tells of a codec") struct CodecDetailsTests {
    private let folder: Folder
    init() throws { folder = try Folder() }

    private func made(_ name: String, _ encoder: [String]) throws -> String {
        let path = folder.path(name)
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-y"] + encoder + ["-strict", "-2", path], feeding: [])
        return path
    }

    private static let tone = ["-f", "lavfi", "-i", "sine=r=44100:d=1", "-ac", "2"]
    private static let picture = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4"]

    private func packets(_ path: String, _ port: String) throws -> [Packet] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"],
            unconnected: [port == "video" ? "audio" : "video"])
        source.graph.run()
        return source.sink(port).received.compactMap { $0.item as? Packet }
    }

    private func copied(_ path: String, _ port: String) throws -> String {
        let copy = folder.path("copy.mkv")
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(copy)],
            unconnected: [port == "video" ? "audio" : "video", "data"])
        record.push(try packets(path, port), into: port)
        #expect(record.finish() == .finished)
        return copy
    }

    private func decoded(_ path: String) throws -> [UInt8] {
        try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "md5", "-fps_mode", "passthrough", "-"], feeding: [])
    }

    @Test(
        arguments: [
            ("adpcm_ima_wav", "wav"), ("adpcm_ms", "wav"), ("wmav2", "asf"), ("pcm_s24le", "wav"), ("pcm_u8", "wav"),
        ])
    func soundIsTheSameBehindMatroska(_ codec: String, _ ending: String) throws {
        let path = try made("a.\(ending)", CodecDetailsTests.tone + ["-c:a", codec])
        let copy = try copied(path, "audio")
        #expect(try probe(copy, "stream=codec_name") == [codec])
        #expect(try decoded(copy) == decoded(path))
    }

    @Test(
        arguments: [
            ("utvideo", "yuv420p", "avi"), ("utvideo", "gbrp", "avi"), ("huffyuv", "yuv422p", "avi"),
            ("rawvideo", "yuv420p", "avi"), ("rawvideo", "yuyv422", "mov"), ("png", "rgb24", "mov"),
        ])
    func picturesAreTheSameBehindMatroska(_ codec: String, _ pixels: String, _ ending: String) throws {
        let path = try made("v.\(ending)", CodecDetailsTests.picture + ["-c:v", codec, "-pix_fmt", pixels])
        #expect(try decoded(copied(path, "video")) == decoded(path))
    }

    /// Colours that a codec has no words for, and the kind of pixels that an mp4 repeats in its header.
    @Test func coloursAndPixelsOfVP9GoFromFileToFile() throws {
        let encoder = [
            "-pix_fmt", "yuv444p", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-deadline", "realtime", "-color_primaries",
            "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc",
        ]
        let path = try made("v.webm", CodecDetailsTests.picture + encoder)
        let entries = "stream=profile,pix_fmt,color_space,color_transfer,color_primaries"
        #expect(try probe(copied(path, "video"), entries) == probe(path, entries))
    }

    @Test func aDecoderNodeGetsThemToo() throws {
        let packets = try packets(made("a.wav", CodecDetailsTests.tone + ["-c:a", "adpcm_ima_wav"]), "audio")
        let decoder = try NodeHarness(AudioDecoder.self, announcing: ["in": packets[0].format])
        decoder.push(packets)
        #expect(decoder.finish() == .finished)
        let samples = decoder.pullAll().compactMap { ($0 as? AudioFrame)?.sampleCount }.reduce(0, +)
        #expect(samples >= 44_100, "\(samples)")
    }

    @Test(arguments: [("pcm_f32be", "caf"), ("s302m", "ts"), ("nellymoser", "flv"), ("adpcm_swf", "flv")])
    func whatMatroskaHasNoWordForIsRefusedBeforeItBegins(_ codec: String, _ ending: String) throws {
        let rate = codec == "s302m" ? ["-ar", "48000"] : codec == "nellymoser" ? ["-ac", "1"] : []
        let path = try made("a.\(ending)", CodecDetailsTests.tone + rate + ["-c:a", codec])
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(path), "decode": false, "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(folder.path("copy.mkv"))])
        graph.edge("source.audio -> record.audio")
        let words = message { try GraphHarness(graph) }
        #expect(words.contains("mkv has no word for \(codec)") && words.contains("Put audio-decoder and opus-encoder"))
    }
}
