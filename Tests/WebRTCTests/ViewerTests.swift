import Foundation
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
        _ graph: String = "viewer", _ settings: [String] = []
    ) throws -> (PeerProcess, Int, Int) {
        let port = Ports.four()
        let words = [
            Built.file("sluice").path, "run", Built.root.appending(path: "graphs/\(graph).json").path, "--set",
            "listen=127.0.0.1:\(port)", "--set", "media=127.0.0.1:\(port + 1)", "--for", "50s",
        ]
        let process = try PeerProcess(words + settings)
        try wait(for: "viewer's page", said: { ["viewer": process.said] }, { process.said.contains("in a browser") })
        return (process, port, port + 1)
    }

    func result<Found: Decodable>(
        of expression: String, _ port: Int, _ process: PeerProcess
    ) throws -> Found {
        let output = FileManager.default.temporaryDirectory.appending(path: "sluice-page-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let browser = try PeerProcess(
            ["/usr/bin/python3", ViewerTests.driver.path, "http://127.0.0.1:\(port)/", expression], output: output)
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
