import Foundation
import TestSupport
import Testing

/// pion, the library of Go, as a publisher and a player of ours, and as a server of our clients.
@Suite("pion", .realPeers) struct PionTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")

    static let lack: Comment = "pion's peer cannot be built: tools/setup --tests"

    /// The program, built once from Debian's library.
    static let pion: String? = {
        let place = Built.root.appending(path: ".build/peers/pion")
        try? FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let setup = Process()
        setup.executableURL = folder.appending(path: "pion_setup.sh")
        setup.arguments = [folder.appending(path: "pion_peer.go").path, place.path]
        setup.standardOutput = FileHandle.nullDevice
        guard (try? setup.run()) != nil else { return nil }
        setup.waitUntilExit()
        return setup.terminationStatus == 0 ? place.appending(path: "pion_peer").path : nil
    }()

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func run(_ graph: String, _ settings: [String] = [], for seconds: Int = 50) throws -> PeerProcess {
        let path = graph.hasPrefix("/") ? graph : Built.root.appending(path: "graphs/\(graph).json").path
        return try PeerProcess(
            [Built.file("sluice").path, "run", path, "--for", "\(seconds)s"] + settings.flatMap { ["--set", $0] })
    }

    /// Pictures and sound as pion's readers want them.
    private func media(_ codec: String) throws -> [String] {
        let video = scratch.url.appending(path: "video").path
        let audio = scratch.url.appending(path: "audio.ogg").path
        let encoder =
            codec == "VP8"
            ? ["libvpx", "-deadline", "realtime", "-b:v", "600k", "-f", "ivf"]
            : ["libx264", "-profile:v", "baseline", "-tune", "zerolatency", "-f", "h264"]
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=4", "-pix_fmt",
                "yuv420p",
                "-g", "30", "-c:v",
            ] + encoder + [video], feeding: [])
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=d=4", "-ac", "2", "-c:a", "libopus",
                "-page_duration", "20000", audio,
            ], feeding: [])
        return [video, audio]
    }

    private struct Relayed: Decodable {
        var state: String
        var sent, played, same, sound, deleted: Int
        var endedAfter: Double
    }

    /// It publishes by WHIP and plays by WHEP what it has published, picture for picture.
    @Test(.enabled(if: PionTests.pion != nil, PionTests.lack), arguments: ["VP8", "H264"]) func itPublishesAndPlays(
        _ codec: String
    ) throws {
        let port = Ports.four()
        let server = try run("whip", ["listen=127.0.0.1:\(port)", "media=127.0.0.1:\(port + 1)"])
        defer { server.terminate() }
        try wait(for: "the page", said: { ["whip": server.said] }, { server.said.contains("in a browser") })
        let output = scratch.url.appending(path: "figures")
        let address = "http://127.0.0.1:\(port)"
        let peer = try PeerProcess(
            [try #require(Self.pion), "relay", "\(address)/whip/go", "\(address)/whep/go", codec]
                + media(codec) + ["4"], output: output)
        try wait(
            for: "pion", atMost: 60, said: { ["whip": server.said, "pion": peer.said] }, { !peer.isRunning })
        try #require(peer.terminationStatus == 0, "\(peer.said)\n\(server.said)")
        let found = try JSONDecoder().decode(Relayed.self, from: Data(contentsOf: output))
        #expect(found.state == "connected" && found.deleted == 200, "\(found)")
        #expect(found.played >= 90 && found.sound >= 100, "\(found)")
        if codec == "VP8" { #expect(found.same >= found.played - 2, "\(found)") }
        #expect(found.endedAfter < 1, "\(found)")
    }

    /// Our clients at a server of pion's, a full agent.
    @Test(.enabled(if: PionTests.pion != nil, PionTests.lack)) func itIsPublishedToAndPlayedFrom() throws {
        let port = Ports.four()
        let server = try PeerProcess([try #require(Self.pion), "serve", "\(port)"])
        defer { server.terminate() }
        try wait(for: "pion", said: { ["pion": server.said] }, { server.said.contains("ready") })
        let publish = try scratch.write(
            "publish.json",
            """
            { "nodes": {
                "source": { "type": "source", "open": "pattern", "width": 320, "height": 180 },
                "convert": { "type": "video-convert", "pixel_format": "i420" }, "vp8": { "type": "vp8-encoder" },
                "stereo": { "type": "audio-convert", "sample_rate": 48000, "channels": 2 },
                "opus": { "type": "opus-encoder" },
                "out": { "type": "whip-output", "url": "http://127.0.0.1:\(port)/whip" } },
              "edges": [ "source.video -> convert -> vp8 -> out.video", "source.audio -> stereo -> opus -> out.audio" ],
              "controls": [ "out.keyframe -> vp8.keyframe", "out.encoder_kbps -> vp8.bitrate_kbps" ] }
            """)
        let tape = scratch.url.appending(path: "tape.mkv").path
        let play = try scratch.write(
            "play.json",
            """
            { "nodes": { "in": { "type": "whep-input", "url": "http://127.0.0.1:\(port)/whep" },
                         "tape": { "type": "record", "path": "\(tape)" } },
              "edges": [ "in.video -> tape.video", "in.audio -> tape.audio" ] }
            """)
        let publisher = try run(publish.path)
        defer { publisher.terminate() }
        func said() -> [String: String] { ["pion": server.said, "publisher": publisher.said] }
        try wait(for: "both media", said: said) {
            server.said.contains("video/VP8 comes") && server.said.contains("audio/opus comes")
        }
        let player = try run(play.path, for: 6)
        try wait(for: "the player", said: { said().merging(["player": player.said]) { $1 } }, { !player.isRunning })
        #expect(player.terminationStatus == 0, "\(player.said)")
        let shown = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of",
                "csv=p=0", tape,
            ], feeding: [])
        let tracks = String(decoding: shown, as: UTF8.self).split(separator: "\n")
        let counts = tracks.compactMap { $0.split(separator: ",").last.flatMap { Int($0) } }
        #expect(tracks.count == 2 && counts.allSatisfy { $0 >= 90 }, "\(tracks) \(player.said) \(server.said)")
        publisher.signal(SIGINT)
        try wait(for: "the goodbye", said: said) { server.said.contains("/whip/1 is deleted") }
    }
}
