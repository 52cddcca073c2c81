import Foundation
import TestSupport
import Testing

/// `whip-output` and `whep-input` at our own servers, over real sockets.
@Suite("clients of WHIP and WHEP", .realPeers) struct ClientTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-client-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func run(_ graph: String, _ settings: [String: String], for seconds: Int = 40) throws -> PeerProcess {
        let path = graph.hasPrefix("/") ? graph : Built.root.appending(path: "graphs/\(graph).json").path
        return try PeerProcess(
            [Built.file("sluice").path, "run", path, "--for", "\(seconds)s"]
                + settings.flatMap { ["--set", "\($0.key)=\($0.value)"] })
    }

    private func graph(_ name: String, _ text: String) throws -> String {
        let file = folder.appending(path: "\(name).json")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private func publisher(to url: String, token: String = "") throws -> String {
        try graph(
            "publish",
            """
            { "nodes": {
                "source": { "type": "source", "open": "pattern", "width": 320, "height": 180 },
                "convert": { "type": "video-convert", "pixel_format": "i420" }, "vp8": { "type": "vp8-encoder" },
                "stereo": { "type": "audio-convert", "sample_rate": 48000, "channels": 2 },
                "opus": { "type": "opus-encoder" },
                "out": { "type": "whip-output", "url": "\(url)", "token": "\(token)" } },
              "edges": [ "source.video -> convert -> vp8 -> out.video", "source.audio -> stereo -> opus -> out.audio" ],
              "controls": [ "out.keyframe -> vp8.keyframe", "out.encoder_kbps -> vp8.bitrate_kbps" ] }
            """)
    }

    private func player(from url: String, into file: String) throws -> String {
        try graph(
            "play",
            """
            { "nodes": { "in": { "type": "whep-input", "url": "\(url)" },
                         "tape": { "type": "record", "path": "\(folder.appending(path: file).path)" } },
              "edges": [ "in.video -> tape.video", "in.audio -> tape.audio" ] }
            """)
    }

    private func facts(_ file: String) throws -> [String] {
        let bytes = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of",
                "csv=p=0", folder.appending(path: file).path,
            ], feeding: [])
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// One publishes by WHIP, the server hands it on untouched, another plays it by WHEP and records it.
    @Test func aStreamGoesThroughAServerAndComesBack() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = Ports.four()
        let server = try run("whip", ["listen": "127.0.0.1:\(port)", "media": "127.0.0.1:\(port + 1)"])
        defer { server.terminate() }
        let publishing = try run(publisher(to: "http://127.0.0.1:\(port)/whip/a"), [:])
        defer { publishing.terminate() }
        func said() -> [String: String] { ["server": server.said, "publisher": publishing.said] }
        try wait(for: "the publisher", said: said, { server.said.contains("/whep/a in a WHEP player") })
        let playing = try run(player(from: "http://127.0.0.1:\(port)/whep/a", into: "a.mkv"), [:], for: 4)
        try wait(for: "the player's end", said: said, { !playing.isRunning })
        #expect(playing.terminationStatus == 0, "\(playing.said)")
        let tracks = try facts("a.mkv")
        #expect(tracks.count == 2 && tracks[0].hasPrefix("vp8,") && tracks[1].hasPrefix("opus,"), "\(tracks)")
        let counts = tracks.compactMap { $0.split(separator: ",").last.flatMap { Int($0) } }
        #expect(counts.allSatisfy { $0 > 60 }, "\(tracks)")
        publishing.signal(SIGINT)
        // It says goodbye: the server does not have to miss it.
        try wait(for: "the server's word", atMost: 5, said: said, { server.said.contains("is ended by its publisher") })
    }

    /// A server that comes later, or again, is found; its absence is said once.
    @Test func aServerThatComesLaterIsFound() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = Ports.four()
        let publishing = try run(publisher(to: "http://127.0.0.1:\(port)/whip/a"), [:])
        defer { publishing.terminate() }
        func said() -> [String: String] { ["publisher": publishing.said] }
        try wait(for: "the first failure", said: said, { publishing.said.contains("calling again in 1 s") })
        #expect(publishing.said.contains("127.0.0.1:\(port): "), "\(publishing.said)")
        for _ in 0..<2 {
            let server = try run("whip", ["listen": "127.0.0.1:\(port)", "media": "127.0.0.1:\(port + 1)"])
            try wait(for: "the publisher", said: said, { server.said.contains("is connected") })
            server.signal(SIGINT)
            try wait(for: "the server's end", said: said, { !server.isRunning })
        }
    }

    @Test func aRefusalIsTheEndAndSaysWhy() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = Ports.four()
        let server = try PeerProcess([
            "env", "SLUICE_TOKEN=abcdefgh", Built.file("sluice").path, "run",
            Built.root.appending(path: "graphs/whip.json").path, "--for", "30s", "--set", "listen=127.0.0.1:\(port)",
            "--set", "media=127.0.0.1:\(port + 1)",
        ])
        defer { server.terminate() }
        try wait(for: "the server", said: { ["server": server.said] }, { server.said.contains("in a browser") })
        let publishing = try run(publisher(to: "http://127.0.0.1:\(port)/whip/a", token: "another"), [:])
        try wait(for: "the refusal", said: { ["publisher": publishing.said] }, { !publishing.isRunning })
        #expect(publishing.terminationStatus != 0)
        #expect(publishing.said.contains("127.0.0.1:\(port) does not let us in (401): Show the token"))
        #expect(publishing.said.contains("Check token."), "\(publishing.said)")
        #expect(!publishing.said.contains("another"), "\(publishing.said)")
    }

    /// The streams of OBS and of hardware encoders play in a browser: H.264 untouched, AAC as Opus.
    @Test func anSRTSenderPlaysInABrowser() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let port = Ports.four()
        let server = try run(
            "srt-viewer",
            [
                "from": "srt://127.0.0.1:\(port + 2)", "listen": "127.0.0.1:\(port)", "media": "127.0.0.1:\(port + 1)",
            ])
        defer { server.terminate() }
        func said() -> [String: String] { ["server": server.said] }
        try wait(for: "the server", said: said, { server.said.contains("listens at") })
        let sender = try PeerProcess([
            "ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25", "-f", "lavfi", "-i", "sine",
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p",
            "-c:a",
            "aac", "-f", "mpegts", "srt://127.0.0.1:\(port + 2)?streamid=publish:pd_123",
        ])
        defer { sender.terminate() }
        try wait(for: "the page", said: said, { server.said.contains("/watch/pd_123 in a browser") })
        let figures = """
            new Promise(done => setInterval(async () => {
              // A muted element hears nothing.
              if (document.getElementById("video").muted) document.getElementById("sound").click();
              const found = {};
              (await pc.getStats()).forEach(one => { if (one.type === "inbound-rtp") found[one.kind] = one; });
              if (found.video?.framesDecoded >= 50 && found.audio?.totalAudioEnergy > 0) done([
                found.video.frameWidth, found.video.packetsLost, found.video.freezeCount, found.audio.packetsLost]);
            }, 50))
            """
        let output = folder.appending(path: "figures")
        let driver = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Browser/chromium.py")
        let browser = try PeerProcess(
            ["/usr/bin/python3", driver.path, "http://127.0.0.1:\(port)/watch/pd_123", figures], output: output)
        try wait(for: "the browser", atMost: 60, said: said, { !browser.isRunning })
        try #require(browser.terminationStatus == 0, "\(browser.said) \(server.said)")
        let found = try JSONDecoder().decode([Int].self, from: Data(contentsOf: output))
        #expect(found == [640, 0, 0, 0], "\(found)")
    }
}
