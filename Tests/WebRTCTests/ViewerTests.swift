import Foundation
import Glibc
import Sluice
import TestSupport
import Testing

/// Graph `viewer` and real browsers.
@Suite("Viewers", .realPeers) struct ViewerTests {
    private static let driver = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Browser/chromium.py")

    /// Figures of getStats on a stream that comes.
    private struct Inbound: Decodable {
        var packetsLost: Int
        var packetsReceived: Int
        var framesDecoded: Int?
        var frameWidth: Int?
        var freezeCount: Int?
        var keyFramesDecoded: Int?
        /// There once a sender report has come.
        var estimatedPlayoutTimestamp: Double?
    }

    private static let playedStatistics = """
        new Promise(done => setInterval(async () => {
          const found = {};
          (await pc.getStats()).forEach(one => { if (one.type === "inbound-rtp") found[one.kind] = one; });
          if (found.video?.framesDecoded >= 60 && found.video.estimatedPlayoutTimestamp) done(found);
        }, 50))
        """

    func viewer(
        _ graph: String = "viewer", _ settings: [String] = [], host: String = "127.0.0.1", environment: [String] = [],
        ready: String = "in a browser"
    ) throws -> (PeerProcess, Int, Int) {
        let port = Ports.four()
        let words =
            ["env"] + environment + [
                Built.file("sluice").path, "run", Built.root.appending(path: "graphs/\(graph).json").path, "--set",
                "listen=\(host):\(port)", "--set", "media=\(host):\(port + 1)", "--for", "50s",
            ]
        let process = try PeerProcess(words + settings)
        try wait(for: "viewer's page", said: { ["viewer": process.said] }, { process.said.contains(ready) })
        return (process, port, port + 1)
    }

    func result<Found: Decodable>(
        of expression: String, _ port: Int, _ process: PeerProcess, host: String = "127.0.0.1", path: String = "",
        flags: [String] = []
    ) throws -> Found {
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-page-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let browser = try PeerProcess(
            ["/usr/bin/python3", ViewerTests.driver.path, "http://\(host):\(port)/\(path)", expression] + flags,
            output: output)
        try wait(
            for: "the browser's figures", atMost: 60, said: { ["viewer": process.said, "browser": browser.said] },
            { !browser.isRunning })
        let text = try Data(contentsOf: output)
        try #require(browser.terminationStatus == 0, "\(browser.said)")
        return try JSONDecoder().decode(Found.self, from: text)
    }

    @Test func aBrowserPlaysVideoAndAudioInStep() throws {
        let (process, port, _) = try viewer()
        defer { process.terminate() }
        let played: [String: Inbound] = try result(of: ViewerTests.playedStatistics, port, process)
        let (video, audio) = (try #require(played["video"]), try #require(played["audio"]))
        #expect(video.frameWidth == 1_280 && video.packetsLost == 0 && video.freezeCount == 0)
        #expect(audio.packetsReceived > 50 && audio.packetsLost == 0)
        #expect(audio.estimatedPlayoutTimestamp != nil)
        try wait(
            for: "the viewer's leaving", said: { ["viewer": process.said] }, { process.said.contains("has left") })
    }

    /// As `playedStatistics`, of a connection for which the answer's candidates for UDP were left out.
    private static let statisticsByTCP = """
        (async () => {
          const pc = new RTCPeerConnection();
          for (const kind of ["video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
          await pc.setLocalDescription();
          const answer = await fetch("/whep/viewer", {
            method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
          const lines = (await answer.text()).split("\\r\\n");
          const sdp = lines.filter(line => !/^a=candidate.* udp /.test(line)).join("\\r\\n");
          await pc.setRemoteDescription({ type: "answer", sdp });
          return await new Promise(done => setInterval(async () => {
            const found = {};
            let ways = new Set();
            (await pc.getStats()).forEach(one => {
              if (one.type === "inbound-rtp") found[one.kind] = one;
              if (one.type === "remote-candidate") ways.add(one.protocol);
            });
            if (found.video?.framesDecoded >= 30 && found.audio && [...ways].join() === "tcp") done(found);
          }, 50));
        })()
        """

    @Test func aBrowserThatUDPDoesNotReachPlaysByTCP() throws {
        let (process, port, _) = try viewer()
        defer { process.terminate() }
        let played: [String: Inbound] = try result(of: ViewerTests.statisticsByTCP, port, process)
        #expect(played["video"]?.packetsLost == 0 && played["audio"]?.packetsLost == 0)
        #expect(played["video"]?.frameWidth == 1_280)
    }

    private struct Restart: Decodable {
        var patched, stale, frames, freezes: Int
        var isNewTag: Bool
        var state: String
    }

    /// RFC 9725, section 4.3.3.
    private static let restart = """
        (async () => {
          const pc = new RTCPeerConnection(), v = document.createElement("video"); v.muted = true; v.autoplay = true;
          pc.addTransceiver("video", { direction: "recvonly" }); pc.addTransceiver("audio", { direction: "recvonly" });
          pc.ontrack = e => { if (e.track.kind === "video") v.srcObject = new MediaStream([e.track]); };
          await pc.setLocalDescription();
          const answer = await fetch("/whep/viewer", {
            method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
          const session = answer.headers.get("Location"), tag = answer.headers.get("ETag");
          const sdp = await answer.text();
          await pc.setRemoteDescription({ type: "answer", sdp });
          await new Promise(done => v.requestVideoFrameCallback(done));
          const offer = await pc.createOffer({ iceRestart: true });
          await pc.setLocalDescription(offer);
          const get = (s, n) => s.match(new RegExp("a=" + n + ":(.*)"))[1].trim();
          const body = `a=ice-ufrag:${get(offer.sdp, "ice-ufrag")}\\r\\na=ice-pwd:${get(offer.sdp, "ice-pwd")}\\r\\n`;
          const patch = match => fetch(session, {
            method: "PATCH", headers: { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": match }, body });
          const patched = await patch("*");
          const text = await patched.text();
          const put = (s, n) => s.replace(new RegExp("a=" + n + ":.*", "g"), "a=" + n + ":" + get(text, n));
          const next = put(put(sdp, "ice-ufrag"), "ice-pwd");
          await pc.setRemoteDescription({ type: "answer", sdp: next });
          // The old credentials hold until a check with the new ones has come. Two seconds later they do no more.
          await new Promise(done => {
            let count = 0;
            const next = () => ++count > 60 ? done() : v.requestVideoFrameCallback(next);
            next();
          });
          const stale = await patch(tag);
          let s;
          (await pc.getStats()).forEach(x => {
            if (x.type === "inbound-rtp" && x.kind === "video") s = x;
          });
          return { patched: patched.status, isNewTag: patched.headers.get("ETag") !== tag, stale: stale.status,
            state: pc.iceConnectionState, frames: s.framesDecoded, freezes: s.freezeCount };
        })()
        """

    @Test func aRestartOfICEGoesOnWithoutAFreeze() throws {
        let (process, port, _) = try viewer()
        defer { process.terminate() }
        let found: Restart = try result(of: ViewerTests.restart, port, process)
        #expect(found.patched == 200 && found.isNewTag && found.stale == 412 && found.state == "connected")
        #expect(found.frames > 60 && found.freezes == 0, "\(found)")
    }

    private struct Echo: Decodable {
        var received, sent, lost: Int
        var energy: Double
    }

    /// Three seconds of a microphone that beeps, heard again.
    private static let echo = """
        new Promise(done => setInterval(async () => {
          const found = {};
          (await pc.getStats()).forEach(one => { if (one.kind === "audio") found[one.type] = one; });
          const heard = found["inbound-rtp"], said = found["outbound-rtp"];
          if (heard?.packetsReceived >= 150 && heard.totalAudioEnergy > 0.001)
            done({ received: heard.packetsReceived, sent: said.packetsSent, lost: heard.packetsLost,
              energy: heard.totalAudioEnergy });
        }, 50))
        """

    @Test func aMicrophoneComesIntoTheGraphAndIsHeardAgain() throws {
        let (process, port, _) = try viewer("talk")
        defer { process.terminate() }
        let found: Echo = try result(of: ViewerTests.echo, port, process)
        #expect(found.sent >= 150 && found.lost == 0 && found.energy > 0.001, "\(found)")
    }

    private struct Unheard: Decodable {
        var state, text: String
        var sent, seconds: Int
    }

    /// A caller who refuses the microphone: the page after three seconds of being connected.
    private static let unheard = """
        (async () => {
          while (!window.pc || pc.connectionState !== "connected") await new Promise(next => setTimeout(next, 20));
          await new Promise(next => setTimeout(next, 3000));
          let sent = 0;
          (await pc.getStats()).forEach(one => { if (one.type === "outbound-rtp") sent += one.packetsSent; });
          return { state: pc.connectionState, text: document.getElementById("state").textContent, sent, seconds: 3 };
        })()
        """

    @Test func aCallerWhoRefusesTheMicrophoneStaysConnectedAndIsTold() throws {
        let (process, port, _) = try viewer("talk")
        defer { process.terminate() }
        let found: Unheard = try result(
            of: ViewerTests.unheard, port, process, flags: ["--use-fake-ui-for-media-stream=deny"])
        #expect(found.state == "connected" && found.sent == 0, "\(found)")
        #expect(found.text.hasPrefix("connected, not heard: no microphone ("), "\(found)")
        #expect(process.said.contains("sends no microphone: it stays connected, and is not heard"), "\(process.said)")
        #expect(!process.said.contains("error:"), "\(process.said)")
    }

    /// A camera and a microphone that the page is asked for, into a file.
    @Test(arguments: ["whep", "websocket"]) func aCameraComesIntoTheGraph(_ page: String) throws {
        let scratch = try Scratch()
        let tape = scratch.url.appending(path: "camera.mkv").path
        let graph = try scratch.write(
            "camera.json",
            """
            { "parameters": { "listen": {}, "media": {} },
              "services": { "http": { "listen": "${listen}" }, "webrtc": { "listen": "${media}" } },
              "nodes": {
                "tone": { "type": "source", "open": "tone" },
                "stereo": { "type": "audio-convert", "sample_rate": 48000, "channels": 2 },
                "opus": { "type": "opus-encoder" },
                "viewers": { "type": "webrtc-viewers", "template": "guest", "microphone": true, "camera": true,
                             "page": "\(page)" } },
              "edges": [ "tone.audio -> stereo -> opus -> viewers.audio" ],
              "templates": { "guest": {
                "nodes": { "in": { "type": "webrtc-input" }, "peer": { "type": "webrtc-output" },
                           "tape": { "type": "record", "path": "\(tape)" } },
                "edges": [ "in.video -> tape.video", "in.audio -> tape.audio" ] } } }
            """)
        let port = Ports.four()
        let process = try PeerProcess([
            Built.file("sluice").path, "run", graph.path, "--set", "listen=127.0.0.1:\(port)", "--set",
            "media=127.0.0.1:\(port + 1)", "--for", "50s",
        ])
        defer { process.terminate() }
        try wait(for: "the page", said: { ["graph": process.said] }, { process.said.contains("in a browser") })
        let sent: Bool = try result(
            of: """
                new Promise(done => setInterval(async () => {
                  const sent = {};
                  if (!window.pc) return;
                  (await pc.getStats()).forEach(one => { if (one.type === "outbound-rtp") sent[one.kind] = one; });
                  if (sent.video?.framesEncoded >= 60 && sent.audio?.packetsSent >= 100) done(true);
                }, 50))
                """, port, process)
        #expect(sent)
        try wait(for: "the guest's leaving", said: { ["graph": process.said] }, { process.said.contains("has left") })
        process.signal(SIGINT)
        try wait(for: "the end", said: { ["graph": process.said] }, { !process.isRunning })
        let shown = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of",
                "csv=p=0", tape,
            ], feeding: [])
        let tracks = String(decoding: shown, as: UTF8.self).split(separator: "\n").sorted()
        let counts = tracks.compactMap { $0.split(separator: ",").last.flatMap { Int($0) } }
        #expect(tracks.count == 2 && counts.allSatisfy { $0 >= 40 }, "\(tracks) \(process.said)")
    }

    private struct Join: Decodable {
        var milliseconds, lost, freezes: Int
    }

    /// Viewers that join at different times between two keyframes.
    private static let joins = """
        (async () => {
          const found = [];
          for (let turn = 0; turn < 6; turn++) {
            const pc = new RTCPeerConnection(), shown = document.createElement("video");
            shown.muted = shown.autoplay = true;
            for (const kind of ["video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
            pc.ontrack = event => {
              if (event.track.kind === "video") shown.srcObject = new MediaStream([event.track]);
            };
            await pc.setLocalDescription();
            const start = performance.now();
            const answer = await fetch("/whep/viewer", {
              method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
            await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
            await new Promise(done => shown.requestVideoFrameCallback(done));
            const milliseconds = Math.round(performance.now() - start);
            let pictures = 0;
            await new Promise(done => {
              const next = () => ++pictures > 8 + 5 * turn ? done() : shown.requestVideoFrameCallback(next);
              next();
            });
            (await pc.getStats()).forEach(one => {
              if (one.type === "inbound-rtp" && one.kind === "video")
                found.push({ milliseconds, lost: one.packetsLost, freezes: one.freezeCount });
            });
            await fetch(answer.headers.get("Location"), { method: "DELETE" });
            pc.close();
          }
          return found;
        })()
        """

    /// Keyframes are two seconds apart, and nobody waits for one.
    @Test func viewersWhoJoinSeeAPictureBeforeTheNextKeyframe() throws {
        let (process, port, _) = try viewer()
        defer { process.terminate() }
        let joins: [Join] = try result(of: ViewerTests.joins, port, process)
        #expect(joins.count == 6)
        #expect(joins.allSatisfy { $0.lost == 0 && $0.freezes == 0 }, "\(joins)")
        // No measurement: a busy machine takes long for a handshake, and less than the way to the next keyframe.
        #expect(joins.map(\.milliseconds).sorted()[2] < 1_000, "\(joins)")
    }
}
