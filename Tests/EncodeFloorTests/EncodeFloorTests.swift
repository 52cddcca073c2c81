import Foundation
import H264Plugin
import OpusPlugin
import Sluice
import TestSupport
import Testing
import VP8Plugin

/// The encoders' packets are those of a bare loop in C over the same library with the same settings.
@Suite struct EncodeFloorTests {
    private static let folder = FileManager.default.temporaryDirectory.appending(
        path: "sluice-floor-\(UUID().uuidString)")

    private static let program: Result<URL, any Error> = Result {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../tools/benchmarks/encode_floor.c")
        let program = folder.appending(path: "encode_floor")
        _ = try FFmpeg.run(
            ["cc", "-O2", source.path, "-o", program.path, "-lavcodec", "-lavutil", "-lvpx", "-lopus", "-lm"],
            feeding: [])
        return program
    }

    private func floor(_ codec: String, _ input: [UInt8], _ words: [String]) throws -> [UInt8] {
        let program = try Self.program.get()
        let (file, out) = (Self.folder.appending(path: "\(codec).in"), Self.folder.appending(path: "\(codec).out"))
        try Data(input).write(to: file)
        _ = try FFmpeg.run([program.path, codec, file.path] + words + [out.path], feeding: [])
        return [UInt8](try Data(contentsOf: out))
    }

    @Test func h264PacketsAreThoseOfTheBareLoop() throws {
        let frames = Picture.moving(1_280, 720, count: 45)
        let packets = try NodeBench(H264EncoderNode.self, ["bitrate_kbps": .number(3_000)]).run(frames).packets
        let bare = try floor("h264", frames.flatMap(\.packed), ["1280", "720", "30", "3000"])
        #expect(packets.flatMap { Array($0.bytes) } == bare)
    }

    @Test func vp8PacketsAreThoseOfTheBareLoop() throws {
        let frames = Picture.moving(1_280, 720, count: 65)
        let packets = try NodeBench(VP8EncoderNode.self, ["bitrate_kbps": .number(1_800)]).run(frames).packets
        let bare = try floor("vp8", frames.flatMap(\.packed), ["1280", "720", "30", "1800"])
        #expect(packets.flatMap { Array($0.bytes) } == bare)
    }

    @Test func opusPacketsAreThoseOfTheBareLoop() throws {
        // Frames that match no Opus frame, so samples are carried over.
        let audio = TestAudio.sine(frame: 1_000, count: 101)
        let packets = try NodeBench(OpusEncoderNode.self, ["profile": "lowdelay"]).run(audio).packets
        let bare = try floor("opus", audio.flatMap { Array($0.bytes) }, ["48000", "2", "10", "128"])
        #expect(packets.flatMap { Array($0.bytes) } == bare)
    }
}
