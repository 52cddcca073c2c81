import AudioDecoderPlugin
import ConvertPlugin
import FilesPlugin
import FlowPlugin
import Foundation
import OpusPlugin
import RTPPlugin
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing
import VP8Plugin
import VideoDecoderPlugin

@testable import SRTPlugin

/// H.264 with AAC, which is what OBS and hardware encoders send, and where it may go: into mp4 and Matroska and to
/// RTP as it is, into WebM and to RTP with Opus.
@Suite("H.264 and AAC over SRT", .serialized, .realPeers) struct StudioTests {
    private let place: Place

    init() throws { place = try Place() }

    private func feed(_ audio: [String]) throws -> PeerProcess {
        let studio = place.file("studio.ts").path
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", place.clip, "-c:v", "copy", "-c:a", "aac"] + audio + [studio], feeding: [])
        return try startPeer(
            [
                "ffmpeg", "-v", "warning", "-re", "-i", studio, "-map", "0", "-c", "copy",
            ] + audio + [
                "-f", "mpegts", place.address,
            ])
    }

    /// Codecs, pictures, and the tone of 440 Hz that runs as long.
    private func check(_ name: String, _ codecs: [String]) throws {
        let file = place.file(name).path
        let told = try FFmpeg.run(
            ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file], feeding: [])
        #expect(String(decoding: told, as: UTF8.self).split(separator: "\n").map(String.init) == codecs, "\(name)")
        let pictures = try FFmpeg.run(
            [
                "ffmpeg", "-v", "fatal", "-i", file, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                "passthrough", "pipe:1",
            ], feeding: [])
        let found = numbers(pictures, width: 320, height: 180)
        #expect(found == Array(0..<found.count) && (54...60).contains(found.count), "\(name) has the pictures \(found)")
        let bytes = try FFmpeg.run(
            ["ffmpeg", "-v", "fatal", "-i", file, "-vn", "-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1"],
            feeding: [])
        let samples = bytes.withUnsafeBytes { $0.bindMemory(to: Int16.self).map { Double($0) } }
        #expect(abs(samples.count - 96_000) < 14_000, "\(name) has \(samples.count) samples")
        guard samples.count > 70_000 else { return }
        #expect(distortionDecibels(Array(samples[20_000..<68_000]), hertz: 440, rate: 48_000) < -15, "\(name)")
    }

    /// By the built command, which knows the nodes that there are.
    @Test func whereItMayNotGoTheNodesThatHelpAreNamed() throws {
        let graph = place.file("graph.json")
        let nodes =
            #""in": { "type": "srt-input", "url": "\#(place.listening)", "latency_ms": 30 }, "#
            + #""rtp": { "type": "rtp-output", "host": "127.0.0.1", "video_port": \#(Ports.four()) }"#
        try Data(
            #"{ "nodes": { \#(nodes) }, "edges": [ "in.video -> rtp.video", "in.audio -> rtp.audio" ] }"#.utf8
        ).write(to: graph)
        let errors = place.file("said")
        let run = try startPeer([Built.file("sluice").path, "run", graph.path], errors: errors)
        func said() -> String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        let sender = try feed(["-c:a", "mp2", "-b:a", "96k"])
        try waitUntil("the refusal") { said().contains("its connection is refused") }
        run.signal(SIGINT)
        for process in [sender, run] { process.waitUntilExit() }
        #expect(said().contains("sends audio mp2 48000 Hz 1 ch, and rtp.audio takes audio"), "\(said())")
        #expect(
            said().contains("(put audio-decoder -> aac-encoder before it): its connection is refused"), "\(said())")
    }

    @Test(arguments: [[], ["-mpegts_flags", "latm"], ["-ar", "44100"]]) func itGoesWhereverItShould(_ audio: [String])
        throws
    {
        var graph = GraphBuilder()
        let port = Ports.four()
        graph.node("in", SRTInput.self, ["url": .string(place.listening), "latency_ms": 30, "reconnect": false])
        for name in ["pictures", "audio", "opus_all"] { graph.node(name, Relay.self) }
        graph.edge("in.video -> pictures.in")
        graph.edge("in.audio -> audio.in")
        for (name, kind) in [("one", "mp4"), ("two", "mkv"), ("three", "webm")] {
            graph.node(name, Record.self, ["path": .string(place.file("\(name).\(kind)").path)])
        }
        for name in ["one", "two"] {
            graph.edge("pictures.out -> \(name).video", items: 4_096, milliseconds: 60_000)
            graph.edge("audio.out -> \(name).audio", items: 4_096, milliseconds: 60_000)
        }
        graph.node("decode", VideoDecoder.self)
        graph.node("vp8", VP8EncoderNode.self, ["bitrate_kbps": 1_000])
        graph.edge("pictures.out -> decode.in", items: 4_096, milliseconds: 60_000)
        graph.edge("decode.out -> vp8.in")
        graph.edge("vp8.out -> three.video", items: 4_096, milliseconds: 60_000)
        graph.node("pcm", AudioDecoder.self)
        graph.node("convert", AudioConvert.self, ["sample_rate": 48_000, "channels": 2])
        graph.node("opus", OpusEncoderNode.self)
        graph.edge("audio.out -> pcm.in", items: 4_096, milliseconds: 60_000)
        graph.edge("pcm.out -> convert.in")
        graph.edge("convert.out -> opus.in")
        graph.edge("opus.out -> opus_all.in")
        graph.edge("opus_all.out -> three.audio", items: 4_096, milliseconds: 60_000)
        graph.node(
            "rtp", RTPOutput.self,
            [
                "host": "127.0.0.1", "video_port": .integer(port), "audio_port": .integer(port + 2),
                "sdp": .string(place.file("out.sdp").path),
            ])
        graph.edge("pictures.out -> rtp.video", items: 4_096, milliseconds: 60_000)
        graph.edge("opus_all.out -> rtp.audio", items: 4_096, milliseconds: 60_000)
        let rate = audio.contains("44100") ? 44_100 : 48_000
        let config = audio.contains("44100") ? "1208" : "1188"
        let plain = Ports.four()
        graph.node(
            "as_it_is", RTPOutput.self,
            [
                "host": "127.0.0.1", "video_port": .integer(plain), "audio_port": .integer(plain + 2),
                "sdp": .string(place.file("plain.sdp").path),
            ])
        graph.edge("pictures.out -> as_it_is.video", items: 4_096, milliseconds: 60_000)
        graph.edge("audio.out -> as_it_is.audio", items: 4_096, milliseconds: 60_000)
        // The receiver listens before there is anything to describe.
        try Data(
            """
            v=0
            c=IN IP4 127.0.0.1
            m=video \(plain) RTP/AVP 96
            a=rtpmap:96 H264/90000
            m=audio \(plain + 2) RTP/AVP 97
            a=rtpmap:97 mpeg4-generic/\(rate)/1
            a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=\(config)

            """.utf8
        ).write(to: place.file("wanted.sdp"))
        graph.node("back", RTPInput.self, ["sdp": .string(place.file("wanted.sdp").path)])
        graph.node("four", Record.self, ["path": .string(place.file("four.mp4").path)])
        graph.edge("back.video -> four.video", items: 4_096, milliseconds: 60_000)
        graph.edge("back.audio -> four.audio", items: 4_096, milliseconds: 60_000)
        let peer = Mutexed<PeerProcess>()
        let (outcome, report) = try execute(graph) { _ in
            try waitUntil("the port to be listened at") { isTaken(place.port) }
            peer.set(try feed(audio))
        }
        peer.get()?.waitUntilExit()
        #expect(outcome == .finished, "\(eventLines(report))")
        try check("one.mp4", ["h264", "aac"])
        try check("two.mkv", ["h264", "aac"])
        try check("three.webm", ["vp8", "opus"])
        try check("four.mp4", ["h264", "aac"])
        let told = try String(contentsOf: place.file("plain.sdp"), encoding: .utf8)
        #expect(told.contains("a=rtpmap:97 mpeg4-generic/\(rate)\r\n"), "\(told)")
        #expect(told.contains(";config=\(config)\r\n"), "\(told)")
        let json = try #require(JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any])
        let metrics = ((json["nodes"] as? [String: Any])?["rtp"] as? [String: Any])?["metrics"] as? [String: Any]
        #expect(metrics?["audio_packets"] as? Int ?? 0 > 85, "\(metrics ?? [:])")
        #expect(try String(contentsOf: place.file("out.sdp"), encoding: .utf8).contains("opus/48000/2"))
    }
}
