import Bitstream
import FilesPlugin
import Foundation
import RTP
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import RTPPlugin

/// AAC as mpeg4-generic (RFC 3640), to and from Debian's ffmpeg and GStreamer.
@Suite("AAC in RTP", .serialized, .realPeers) struct AACTests {
    /// Three seconds of a tone of 440 Hz, and its packets.
    private func tone(_ rig: Rig, rate: Int, channels: Int) throws -> (path: String, packets: Int) {
        let path = rig.path("tone.mkv")
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:r=\(rate):d=3", "-ac",
                String(channels), "-c:a", "aac", "-b:a", "128k", path,
            ], feeding: [])
        return (path, try packets(of: path).count)
    }

    /// The time of each packet in ms.
    private func packets(of path: String) throws -> [Double] {
        let told = try FFmpeg.run(
            ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path], feeding: [])
        return String(decoding: told, as: UTF8.self).split(separator: "\n").compactMap {
            Double($0.prefix { $0 != "," }).map { $0 * 1e3 }
        }
    }

    /// The tone, whole from end to end.
    private func check(_ path: String, rate: Int, atLeast least: Int) throws {
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels", "-of", "csv=p=0",
                path,
            ], feeding: [])
        #expect(String(decoding: told, as: UTF8.self).hasPrefix("aac,\(rate),"), "\(path)")
        let bytes = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "-ac", "1", "pipe:1"], feeding: [])
        let samples = bytes.withUnsafeBytes { $0.bindMemory(to: Int16.self).map { Double($0) } }
        #expect(samples.count >= least, "\(path) has \(samples.count) samples")
        guard samples.count >= least else { return }
        let middle = Array(samples[6_000..<samples.count - 6_000])
        #expect(distortionDecibels(middle, hertz: 440, rate: Double(rate)) < -30, "\(path)")
    }

    struct Kind: Sendable {
        var rate: Int
        var channels: Int
        /// Bytes of a packet: several units fit, or none does.
        var size: Int
    }

    @Test(arguments: [
        Kind(rate: 48_000, channels: 2, size: 1_400), Kind(rate: 44_100, channels: 1, size: 1_400),
        Kind(rate: 48_000, channels: 2, size: 150),
    ]) func everyUnitOfFFmpegIsRecorded(_ kind: Kind) throws {
        let rig = try Rig()
        let (clip, count) = try tone(rig, rate: kind.rate, channels: kind.channels)
        func words(_ more: [String]) -> [String] {
            ["ffmpeg", "-y", "-v", "warning", "-re"] + more
                + [
                    "-i", clip, "-c", "copy", "-f", "rtp", "-rtpflags", "send_bye",
                    "rtp://127.0.0.1:\(rig.audioPort)?pkt_size=\(kind.size)", "-sdp_file", rig.sdp,
                ]
        }
        // The description comes first: by a run that sends next to nothing.
        try rig.start(words(["-t", "0.05"])).waitUntilExit()
        var graph = rig.receiving("aac", media: "audio")
        graph.node("file", Record.self, ["path": .string(rig.path("got.mp4"))])
        graph.edge("in.audio -> file.audio", items: 512, milliseconds: 60_000)
        let receiver = Rig.Beside(graph)
        try rig.wait(for: "rtp-input's port") { Rig.isBound(rig.audioPort) }
        let sender = try rig.start(words([]))
        let got = try receiver.wait()
        sender.waitUntilExit()
        #expect(got.outcome == .finished, "\(got.report) \(rig.said())")
        #expect(got.metric("in", "audio_lost") == 0 && got.metric("in", "audio_damaged_frames") == 0)
        #expect(got.metric("in", "audio_malformed_packets") == 0 && got.metric("in", "audio_sender_reports") > 0)
        let kept = Collector.take("aac.audio")
        // ffmpeg does not send the last units where they were to share a packet.
        let most = kind.size > 1_000 ? kind.size / 100 : 0
        #expect((count - most...count).contains(kept.count), "\(kept.count) of \(count): \(got.report)")
        #expect(got.metric("in", "audio_time_leaps") == 0)
        let unit = 1_024_000 / Double(kind.rate)
        #expect(kept.allSatisfy { abs($0.header.duration.milliseconds - unit) < 0.001 })
        // Several units share a packet, or one has several.
        let sent = got.metric("in", "audio_packets")
        #expect(kind.size > 1_000 ? sent < count * 2 / 3 : sent > count, "\(sent) packets of \(count) units")
        let times = try packets(of: rig.path("got.mp4"))
        #expect(times.count == kept.count)
        // ffmpeg's own times are Matroska's, in whole milliseconds.
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - unit) <= 1.1 })
        try check(rig.path("got.mp4"), rate: kind.rate, atLeast: (kept.count - 2) * 1_024)
    }

    private func sending(_ rig: Rig, _ clip: String, mtu: Int) -> GraphBuilder {
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(clip), "decode": false, "pace": "live"])
        graph.node(
            "out", RTPOutput.self,
            ["audio_port": .integer(rig.audioPort), "sdp": .string(rig.sdp), "mtu": .integer(mtu)])
        graph.edge("source.audio -> out.audio")
        return graph
    }

    /// ffmpeg begins when the description is there, so it may miss what comes before.
    @Test(arguments: [1_200, 256]) func ffmpegReceivesIt(mtu: Int) throws {
        let rig = try Rig()
        let (clip, count) = try tone(rig, rate: 44_100, channels: 2)
        let sender = Rig.Beside(sending(rig, clip, mtu: mtu))
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let receiver = try rig.start([
            "ffmpeg", "-y", "-v", "warning", "-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "100000", "-i",
            rig.sdp, "-c", "copy", "got.mkv",
        ])
        let sent = try sender.wait()
        receiver.waitUntilExit()
        #expect(sent.outcome == .finished && receiver.terminationStatus == 0, "\(sent.report) \(rig.said())")
        let packets = sent.metric("out", "audio_packets")
        #expect(mtu > 1_000 ? packets == count : packets > count, "\(packets) packets of \(count) units")
        let text = try String(contentsOfFile: rig.sdp, encoding: .utf8)
        let medium = "m=audio \(rig.audioPort) RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/44100/2\r\n"
        #expect(text.contains(medium + "a=fmtp:97 streamtype=5;"))
        #expect(text.contains("mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;"))
        #expect(text.contains(";config=1210"), "\(text)")
        let times = try self.packets(of: rig.path("got.mkv"))
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 23.2) <= 1.1 }, "\(times)")
        try check(rig.path("got.mkv"), rate: 44_100, atLeast: 3 * 44_100 / 2)
    }

    @Test func gstreamerReceivesItAndSendsIt() throws {
        let rig = try Rig()
        let (clip, count) = try tone(rig, rate: 48_000, channels: 2)
        let sender = Rig.Beside(sending(rig, clip, mtu: 256))
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let receiver = try rig.start([
            "sh", "-c",
            "exec gst-launch-1.0 -q -e filesrc location=stream.sdp ! sdpdemux latency=50 ! rtpmp4gdepay ! aacparse ! matroskamux ! filesink location=got.mkv",
        ])
        #expect(try sender.wait().outcome == .finished)
        receiver.waitUntilExit()
        try check(rig.path("got.mkv"), rate: 48_000, atLeast: 3 * 48_000 / 2)
        // The other way, by the same description.
        let back = Rig.Beside(rig.receiving("gst-aac", ["sender": "any"], media: "audio"))
        try rig.wait(for: "rtp-input's port") { Rig.isBound(rig.audioPort) }
        let source = Int(
            try String(contentsOfFile: rig.sdp, encoding: .utf8).split(separator: "a=ssrc:")[1].prefix { $0 != " " })
        let peer = try rig.start([
            "sh", "-c",
            "exec gst-launch-1.0 -q filesrc location=tone.mkv ! matroskademux ! aacparse ! rtpmp4gpay pt=97 ssrc=\(source ?? 0) mtu=256 ! udpsink host=127.0.0.1 port=\(rig.audioPort)",
        ])
        peer.waitUntilExit()
        try rig.wait(for: "the last packet") { Collector.count("gst-aac.audio") >= count }
        back.stop()
        let got = try back.wait()
        #expect(Collector.take("gst-aac.audio").count == count && got.metric("in", "audio_damaged_frames") == 0)
    }

    private func format(_ configuration: [UInt8]) -> MediaFormat {
        MediaFormat(codec: .aac, audio: AudioLayout(nil, rate: 48_000, channels: 2), configuration: configuration)
    }

    @Test func theFormatOrAPacketTellsWhatReceiversMustKnow() throws {
        func packet(_ bytes: [UInt8]) -> Packet {
            let packet = Packet(format: format([]), count: bytes.count)
            packet.mutableBytes.copyBytes(from: bytes)
            return packet
        }
        func configuration(_ told: [UInt8], _ first: [UInt8]?) throws -> [UInt8]? {
            let found = try SentConfiguration(format(told), first: first.map { packet($0) }, of: "audio")
            guard case .known(let payload, let bytes)? = found else { return nil }
            #expect(payload.framing?.clockRate == 48_000)
            return bytes
        }
        let adts: [UInt8] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 0x21, 0x00]
        #expect(try configuration([0x11, 0x90], nil) == [0x11, 0x90])
        #expect(try configuration([], adts) == [0x11, 0x90])
        #expect(try configuration([], nil) == nil)
        #expect(try configuration([], [0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c, 0, 0]) == nil)
        // xHE-AAC (object type 42).
        #expect { try configuration([0xf9, 0x46, 0x40, 0x00], nil) } throws: {
            "\($0)".contains("audio: the configuration of its AAC is none of AAC-LC")
        }
    }

    @Test func receiversAreNotLeftWithAnotherConfiguration() throws {
        var description = OutputDescription(
            path: "", address: "127.0.0.1", cname: "x", isMultiplexed: false, id: 1)
        description.add(kind: "audio", port: 5_006, crypto: nil, ssrc: 1, .none, ExtensionMap())
        func set(_ configuration: [UInt8]) throws {
            let told = AACFraming(try #require(AudioSpecificConfig(configuration)))
            _ = try description.set(format(configuration), .aac(told), configuration, of: "audio")
        }
        try set([0x11, 0x90])
        try set([0x11, 0x90])
        #expect { try set([0x11, 0x88]) } throws: {
            "\($0)".contains("audio changed from mpeg4-generic/48000/2 (1190) to mpeg4-generic/48000/1 (1188)")
        }
    }

    @Test func whatCannotBeReceivedIsSaidBeforeAnythingRuns() throws {
        let rig = try Rig()
        func refusal(_ name: String, _ parameters: String) throws -> String {
            try rig.scratch.write(
                "stream.sdp",
                "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio \(rig.audioPort) RTP/AVP 97\r\na=rtpmap:97 \(name)\r\n"
                    + "a=fmtp:97 \(parameters)\r\n")
            do {
                try Rig.run(rig.receiving("refused", media: "audio"))
                return "it ran"
            } catch { return "\(error)" }
        }
        let interleaved = try refusal("mpeg4-generic/48000/2", "mode=AAC-hbr;config=1190;maxDisplacement=4096")
        #expect(interleaved.contains("describes AAC interleaved (maxDisplacement=4096)"), "\(interleaved)")
        #expect(interleaved.contains("Let the sender send its units in order"))
        #expect(
            try refusal("mpeg4-generic/48000/2", "mode=AAC-hbr").contains("describes AAC without its configuration"))
        let latm = try refusal("MP4A-LATM/48000/2", "cpresent=0;config=400023203fc0")
        #expect(latm.contains("describes audio as MP4A-LATM") && latm.contains("mpeg4-generic (AAC)"), "\(latm)")
    }
}
