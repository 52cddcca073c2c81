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
        let (file, out) = (Self.folder.appending(path: "\(UUID()).in"), Self.folder.appending(path: "\(UUID()).out"))
        try Data(input).write(to: file)
        _ = try FFmpeg.run([program.path, codec, file.path] + words + [out.path], feeding: [])
        return [UInt8](try Data(contentsOf: out))
    }

    /// An expectation of two long arrays would look for a minute for how they differ.
    private func expectSame(_ packets: [Packet], _ bare: [UInt8], at place: SourceLocation = #_sourceLocation) {
        let bytes = packets.flatMap { Array($0.bytes) }
        let first = zip(bytes, bare).enumerated().first { $1.0 != $1.1 }?.offset
        #expect(
            first == nil && bytes.count == bare.count, "of \(bytes.count), the loop's \(bare.count)",
            sourceLocation: place)
    }

    @Test func h264PacketsAreThoseOfTheBareLoop() throws {
        let frames = Picture.moving(1_280, 720, count: 45)
        let packets = try NodeBench(H264EncoderNode.self, ["bitrate_kbps": .number(3_000)]).run(frames).packets
        let bare = try floor("h264", frames.flatMap(\.packed), ["1280", "720", "30", "3000"])
        expectSame(packets, bare)
    }

    /// Across a regular keyframe, which comes after 60 pictures.
    @Test(arguments: [true, false]) func vp8PacketsAreThoseOfTheBareLoop(_ isNoise: Bool) throws {
        let frames = isNoise ? Noise.moving(640, 360, count: 130) : Picture.moving(1_280, 720, count: 65)
        let (width, height) = isNoise ? (640, 360) : (1_280, 720)
        let packets = try NodeBench(VP8EncoderNode.self, ["bitrate_kbps": .number(1_800)]).run(frames).packets
        let bare = try floor("vp8", frames.flatMap(\.packed), ["\(width)", "\(height)", "30", "1800"])
        expectSame(packets, bare)
    }

    @Test func opusPacketsAreThoseOfTheBareLoop() throws {
        // Frames that match no Opus frame, so samples are carried over.
        let audio = TestAudio.sine(frame: 1_000, count: 101)
        let packets = try NodeBench(OpusEncoderNode.self, ["profile": "lowdelay"]).run(audio).packets
        let bare = try floor("opus", audio.flatMap { Array($0.bytes) }, ["48000", "2", "10", "128"])
        expectSame(packets, bare)
    }
}
