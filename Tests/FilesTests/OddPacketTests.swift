import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

@Suite("Packets that containers dislike") struct OddPacketTests {
    private func packets(of path: String, _ port: String) throws -> [Packet] {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"],
            unconnected: [port == "video" ? "audio" : "video"])
        source.graph.run()
        return source.sink(port).received.compactMap { $0.item as? Packet }
    }

    private func packet(like other: Packet, _ bytes: [UInt8]) -> Packet {
        let packet = Packet(format: other.format, count: bytes.count)
        packet.mutableBytes.copyBytes(from: bytes)
        packet.header = other.header
        return packet
    }

    private func record(_ packets: [Packet], to path: String) throws -> NodeHarness<Record> {
        let port = packets[0].format.kind.isAudio ? "audio" : "video"
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(path)],
            unconnected: [port == "audio" ? "video" : "audio", "data"])
        record.push(packets, into: port)
        _ = record.finish()
        return record
    }

    /// Silence under DTX: a packet that is its table of contents alone. It lasts as long as the others.
    @Test(arguments: ["ts", "webm", "mkv", "mp4"]) func silenceInOneByteIsRecorded(_ kind: String) throws {
        let folder = try Folder()
        let path = folder.path("a.\(kind)")
        let packets = try packets(of: Clips.webm, "audio").enumerated().map { index, packet in
            index % 10 < 5 ? packet : self.packet(like: packet, [packet.bytes[0] & 0xfc])
        }
        let record = try record(packets, to: path)
        #expect(record.error == nil, "\(record.events)")
        #expect(record.context.counter("refused_packets").count == 0)
        let pcm = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-c:a", "libopus", "-i", path, "-f", "s16le", "-ac", "1", "-ar", "48000",
                "pipe:1",
            ],
            feeding: [])
        #expect(abs(Double(pcm.count / 2) / 48_000 - 3) < 0.05)
    }

    @Test(arguments: ["ts", "webm", "mkv", "mp4"]) func aPacketThatIsRefusedIsLostAlone(_ kind: String) throws {
        let folder = try Folder()
        for (port, clip) in [
            ("audio", kind == "webm" ? Clips.webm : Clips.mp4), ("video", kind == "webm" ? Clips.webm : Clips.mp4),
        ] {
            let whole = try packets(of: clip, port)
            for odd in [[], [0], [0xff], [0, 0, 1], [UInt8](repeating: 0xff, count: 8)] as [[UInt8]] {
                let path = folder.path("\(port)-\(odd.count).\(kind)")
                let record = try record(
                    whole.enumerated().map { $0 == 20 ? packet(like: $1, odd) : $1 }, to: path)
                #expect(record.error == nil, "\(odd): \(record.events)")
                // Its opinion of the odd packet does not matter.
                let told = try FFmpeg.run(
                    ["ffprobe", "-v", "quiet", "-show_entries", "format=duration", "-of", "csv=p=0", path], feeding: [])
                let duration = Double(String(decoding: told, as: UTF8.self).split(separator: "\n").first ?? "") ?? 0
                #expect(abs(duration - 3) < 0.15, "\(port) \(odd): \(duration)")
                let refused = record.events.filter { $0.what.contains("refuses a packet of \(port)") }
                #expect(refused.count == record.context.counter("refused_packets").count)
            }
        }
    }
}
