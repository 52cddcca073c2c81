import Foundation
import Glibc
import TestSupport
import Testing

/// Graph `whip` and real publishers and viewers.
@Suite("Publishers", .realPeers) struct PublisherTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    private func whip() throws -> (process: PeerProcess, address: String) {
        let port = Ports.four()
        let process = try PeerProcess([
            Built.file("sluice").path, "run", Built.root.appending(path: "graphs/whip.json").path, "--set",
            "listen=127.0.0.1:\(port)", "--set", "media=127.0.0.1:\(port + 1)", "--for", "55s",
        ])
        try wait(for: "the page", said: { ["whip": process.said] }, { process.said.contains("in a browser") })
        return (process, "http://127.0.0.1:\(port)")
    }

    private func result<Found: Decodable>(
        of words: [String], beside process: PeerProcess, atMost seconds: Double = 60
    ) throws -> Found {
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-peer-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let peer = try PeerProcess(words, output: output)
        try wait(
            for: "the peer's figures", atMost: seconds, said: { ["whip": process.said, "peer": peer.said] },
            { !peer.isRunning })
        let text = try Data(contentsOf: output)
        try #require(peer.terminationStatus == 0, "\(peer.said)\n\(process.said)")
        return try JSONDecoder().decode(Found.self, from: text)
    }

    // MARK: Chromium

    private struct Published: Decodable {
        var codec: String
        /// Of what is sent, and of what a viewer beside gets.
        var width, watchedWidth: Int
        var frames, watched, lost, freezes: Int
        /// Seconds from the start until over 1 Mb/s were sent; 0 where they never were.
        var fastAfter: Double
        /// The most that the browser thought of the way, in bits a second.
        var estimate: Double
        var sound: Int
        /// Of lips and voice at the viewer.
        var apart: Double?
        /// Milliseconds from the publisher's DELETE until the viewer's connection was over.
        var endedAfter: Double
    }

    /// Publishes from the page, watches beside it, and leaves when both have been seen.
    private static let published = """
        new Promise(async done => {
          const begun = performance.now(), sleep = ms => new Promise(next => setTimeout(next, ms));
          const shown = document.createElement("video");
          shown.muted = shown.autoplay = true;
          // The camera of tests needs few bits; noise takes all that there are.
          const canvas = document.createElement("canvas"), drawing = canvas.getContext("2d");
          [canvas.width, canvas.height] = [640, 480];
          setInterval(() => {
            for (let y = 0; y < 480; y += 8) for (let x = 0; x < 640; x += 8) {
              drawing.fillStyle = "hsl(" + Math.random() * 360 + " 60% 50%)";
              drawing.fillRect(x, y, 8, 8);
            }
          }, 33);
          while (!window.pc || pc.connectionState !== "connected") await sleep(20);
          const camera = pc.getSenders().find(one => one.track?.kind === "video");
          await camera.replaceTrack(canvas.captureStream(30).getVideoTracks()[0]);
          const viewer = new RTCPeerConnection(), stream = new MediaStream();
          for (const kind of ["video", "audio"]) viewer.addTransceiver(kind, { direction: "recvonly" });
          viewer.ontrack = event => { stream.addTrack(event.track); shown.srcObject = stream; };
          await viewer.setLocalDescription();
          for (;;) {
            const answer = await fetch("/whep/" + field.value, {
              method: "POST", headers: { "Content-Type": "application/sdp" }, body: viewer.localDescription.sdp });
            if (answer.ok) {
              await viewer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
              break;
            }
            await sleep(100);
          }
          const found = { fastAfter: 0, codec: "", estimate: 0 };
          let before;
          while (performance.now() - begun < 25000) {
            await sleep(500);
            const stats = await pc.getStats();
            stats.forEach(one => {
              if (one.type === "candidate-pair" && one.nominated)
                found.estimate = Math.max(found.estimate, one.availableOutgoingBitrate || 0);
              if (one.type !== "outbound-rtp" || one.kind !== "video") return;
              const seconds = before ? (one.timestamp - before.timestamp) / 1000 : 0;
              if (before && seconds > 0.9 && (one.bytesSent - before.bytesSent) * 8 / seconds > 1e6 && !found.fastAfter)
                found.fastAfter = (performance.now() - begun) / 1000;
              if (!before || seconds > 0.9) before = one;
              Object.assign(found, { width: one.frameWidth || 0, frames: one.framesEncoded || 0,
                codec: stats.get(one.codecId)?.mimeType || "" });
            });
            const times = {};
            (await viewer.getStats()).forEach(one => {
              if (one.type !== "inbound-rtp") return;
              times[one.kind] = one.estimatedPlayoutTimestamp;
              if (one.kind === "audio") { found.sound = one.packetsReceived; return; }
              Object.assign(found, { watchedWidth: one.frameWidth || 0, watched: one.framesDecoded || 0,
                lost: one.packetsLost || 0, freezes: one.freezeCount || 0 });
            });
            if (times.video && times.audio) found.apart = times.video - times.audio;
            // A browser that has just changed the size of its pictures is a moment ahead of those who watch.
            if ((found.fastAfter || codec.value === "video/H264" && found.estimate > 1e6) && found.watched >= 60 && found.sound >= 100 && found.apart !== undefined && found.watchedWidth === found.width) break;
          }
          const left = performance.now(), transport = viewer.getReceivers()[0].transport;
          leave();
          while (transport.state !== "closed" && performance.now() - left < 10000) await sleep(10);
          found.endedAfter = performance.now() - left;
          for (const name of ["width", "watchedWidth", "frames", "watched", "lost", "freezes", "sound"])
            found[name] = found[name] || 0;
          done(found);
        })
        """

    /// One codec at a time: two browsers that encode at once have half of the machine each.
    @Test(.serialized, arguments: ["video/VP8", "video/H264"])
    func aBrowserPublishesAndAnotherOneWatches(_ codec: String) throws {
        let (process, address) = try whip()
        defer { process.terminate() }
        let page = "\(address)/?name=cam&width=640&height=480&codec=\(codec)&publish"
        let driver = PublisherTests.folder.appending(path: "Browser/chromium.py").path
        let found: Published = try result(
            of: ["/usr/bin/python3", driver, page, PublisherTests.published], beside: process)
        // A browser makes pictures smaller where its machine is too slow for their codec.
        #expect(found.codec == codec && found.width >= 320 && found.watchedWidth == found.width, "\(found)")
        // Chromium's camera stays at 300 kb/s where nobody tells when its packets come. Its H.264 is too slow for more
        // on a busy machine, whatever the way allows.
        #expect(found.estimate > 1e6, "\(found)")
        if codec == "video/VP8" { #expect(found.fastAfter > 0 && found.fastAfter <= 14, "\(found)") }
        #expect(found.watched >= 60 && found.sound >= 100 && found.lost == 0, "\(found)")
        #expect(abs(found.apart ?? 1_000) < 200, "\(found)")
        #expect(found.endedAfter < 1_000, "\(found)")
    }

    // MARK: aiortc

    private struct Relayed: Decodable {
        var sent, played, sound, inOrder, deleted: Int
        var size: [Int]
        var state: String
        var endedAfter: Double
    }

    /// It is not in Debian. Without an index of Python packages it cannot be had, and the test says so.
    private static let aiortc: String? = {
        let folder = Built.root.appending(path: ".build/peers/aiortc")
        let script = PublisherTests.folder.appending(path: "Peers/aiortc_setup.sh")
        _ = try? FFmpeg.run([script.path, folder.path], feeding: [])
        let python = folder.appending(path: "bin/python").path
        return FileManager.default.isExecutableFile(atPath: python) ? python : nil
    }()

    private static let ways = [["VP8"], ["H264"], ["VP8", "close"], ["VP8", "attack"]]

    /// The last of the ways sends RTP before there are keys, and each packet as it was, forged and again.
    @Test(
        .enabled(if: PublisherTests.aiortc != nil, "aiortc could not be installed from PyPI"),
        arguments: PublisherTests.ways)
    func aiortcPublishesAndPlays(_ way: [String]) throws {
        let (process, address) = try whip()
        defer { process.terminate() }
        let python = try #require(PublisherTests.aiortc)
        let script = PublisherTests.folder.appending(path: "Peers/aiortc_peer.py").path
        let found: Relayed = try result(
            of: [python, script, "\(address)/whip/py", "\(address)/whep/py", way[0], "4"] + way.dropFirst(),
            beside: process)
        #expect(found.state == "connected" && found.size == [320, 240], "\(found)")
        #expect(found.deleted == (way.contains("close") ? 0 : 200), "\(found)")
        #expect(found.played >= 60 && found.inOrder >= found.played * 9 / 10, "\(found)")
        #expect(found.sound > 48_000, "\(found)")
        #expect(found.endedAfter < 1, "\(found)")
    }

    /// Datagrams of all kinds to the media port, from where no check has come.
    @Test(.enabled(if: PublisherTests.aiortc != nil, "aiortc could not be installed from PyPI"))
    func strangersDoNotDisturbThoseWhoPlay() throws {
        let (process, address) = try whip()
        defer { process.terminate() }
        let python = try #require(PublisherTests.aiortc)
        let script = PublisherTests.folder.appending(path: "Peers/aiortc_peer.py").path
        let port = try #require(URL(string: address)?.port) + 1
        let flood = """
            import os, random, socket, sys, time
            line, end, heads = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.time() + 12, [0, 20, 22, 64, 128, 129]
            while time.time() < end:
                for _ in range(20):
                    line.sendto(bytes([random.choice(heads), 96]) + os.urandom(random.randrange(0, 900)), ("127.0.0.1", \(port)))
                time.sleep(0.01)
            """
        let stranger = try PeerProcess(["/usr/bin/python3", "-c", flood])
        defer { stranger.terminate() }
        let found: Relayed = try result(
            of: [python, script, "\(address)/whip/py", "\(address)/whep/py", "VP8", "4"], beside: process)
        #expect(found.state == "connected" && found.played >= 60, "\(found)")
        #expect(found.inOrder >= found.played * 9 / 10, "\(found)")
    }

    // MARK: GStreamer

    private struct Ended: Decodable { var state: String }

    /// Each publisher into a file of its name.
    private static let recording = """
        {
          "parameters": { "listen": {}, "media": {} },
          "services": {
            "http": { "listen": "${listen}" },
            "webrtc": { "listen": "${media}" }
          },
          "nodes": { "publishers": { "type": "webrtc-publishers", "template": "take" } },
          "edges": [],
          "templates": {
            "take": {
              "parameters": { "name": {} },
              "nodes": {
                "in": { "type": "webrtc-input" },
                "file": { "type": "record", "path": "${name}.mkv" }
              },
              "edges": [
                { "from": "in.video", "to": "file.video", "optional": true },
                { "from": "in.audio", "to": "file.audio", "optional": true }
              ]
            }
          }
        }
        """

    private struct Probe: Decodable {
        struct Stream: Decodable {
            var codec, packets: String
            var width, height: Int?

            private enum CodingKeys: String, CodingKey {
                case codec = "codec_name"
                case packets = "nb_read_packets"
                case width, height
            }
        }
        var streams: [Stream]
    }

    @Test(arguments: ["VP8", "H264"]) func webrtcbinPublishesIntoAFile(_ codec: String) throws {
        let scratch = try Scratch()
        let port = Ports.four()
        let graph = try scratch.write("take.json", PublisherTests.recording)
        let process = try PeerProcess([
            "sh", "-c", "cd \"$0\" && exec \"$@\"", scratch.url.path, Built.file("sluice").path, "run", graph.path,
            "--set", "listen=127.0.0.1:\(port)", "--set", "media=127.0.0.1:\(port + 1)", "--for", "55s",
        ])
        defer { process.terminate() }
        try wait(for: "the page", said: { ["take": process.said] }, { process.said.contains("in a browser") })
        let script = PublisherTests.folder.appending(path: "Peers/gstreamer_publish.py").path
        let ended: Ended = try result(
            of: ["/usr/bin/python3", script, "http://127.0.0.1:\(port)/whip/gst", codec, "5"], beside: process)
        #expect(ended.state == "connected")
        try wait(for: "the file", said: { ["take": process.said] }, { process.said.contains("gst.mkv") })
        process.signal(SIGINT)
        try wait(for: "the end", said: { ["take": process.said] }, { !process.isRunning })
        let shown = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-count_packets", "-show_entries",
                "stream=codec_name,width,height,nb_read_packets", "-of", "json",
                scratch.url.appending(path: "gst.mkv").path,
            ], feeding: [])
        let probe = try JSONDecoder().decode(Probe.self, from: Data(shown))
        let video = try #require(probe.streams.first { $0.width != nil })
        let audio = probe.streams.first { $0.width == nil }
        #expect(video.codec == codec.lowercased() && video.width == 320 && video.height == 240)
        #expect(Int(video.packets) ?? 0 > 100, "\(probe)")
        #expect(audio?.codec == "opus" && Int(audio?.packets ?? "") ?? 0 > 150, "\(probe)")
    }
}
