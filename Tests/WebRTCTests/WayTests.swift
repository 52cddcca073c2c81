import Foundation
import Net
import TestSupport
import Testing

/// Ways to a browser: relays, IPv6, from UDP to TCP.
@Suite("Ways to browsers", .realPeers) struct WayTests {
    private struct Played: Decodable {
        var width, lost, sound: Int
        /// Of the pair that is used.
        var protocols, kind, remote: String
        var shown: String?
    }

    /// The figures of a connection that has played for two seconds. `connection` gives it.
    private static func played(_ connection: String) -> String {
        """
        (async () => {
          const peer = \(connection);
          return await new Promise(done => setInterval(async () => {
            const one = await peer();
            if (!one) return;
            const all = await one.getStats(), found = {};
            let pair;
            all.forEach(report => {
              if (report.type === "inbound-rtp") found[report.kind] = report;
              if (report.type === "transport") pair = all.get(report.selectedCandidatePairId);
            });
            if (!(found.video?.framesDecoded >= 60) || !(found.audio?.packetsReceived >= 50) || !pair) return;
            const own = all.get(pair.localCandidateId), theirs = all.get(pair.remoteCandidateId);
            const rows = [...document.querySelectorAll("dt")].map(row => row.textContent + ": " + row.nextSibling.textContent);
            done({ width: found.video.frameWidth, lost: found.video.packetsLost + found.audio.packetsLost,
              sound: found.audio.packetsReceived, protocols: own.relayProtocol || theirs.protocol, kind: own.candidateType,
              remote: theirs.address || "", shown: rows.find(row => row.startsWith("path")) || null });
          }, 100));
        })()
        """
    }

    // MARK: Relays

    private static let hasTURN = FileManager.default.isExecutableFile(atPath: "/usr/bin/turnserver")

    @Test(
        .enabled(if: WayTests.hasTURN, "there is no turnserver (coturn): tools/setup --tests"),
        arguments: ["udp", "tcp"])
    func aBrowserPlaysByARelayAlone(_ transport: String) throws {
        let (scratch, port, secret) = (try Scratch(), Ports.four(), "north of the river")
        let relay = try PeerProcess([
            "turnserver", "-n", "--use-auth-secret", "--static-auth-secret=\(secret)", "--realm=relay.test",
            "--listening-ip=127.0.0.1", "--listening-port=\(port)", "--relay-ip=127.0.0.1", "--allow-loopback-peers",
            "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", "--simple-log",
            "--pidfile=\(scratch.url.appending(path: "pid").path)",
            "--userdb=\(scratch.url.appending(path: "turndb").path)",
        ])
        defer { relay.terminate() }
        try wait(for: "the relay", said: { ["turnserver": relay.said] }, { Ports.isBound(port) })
        let (viewer, page, _) = try ViewerTests().viewer(
            "viewer",
            ["--set", "ice_servers=turn:127.0.0.1:\(port)?transport=\(transport)", "--set", "video_kbps=600"],
            environment: ["SLUICE_ICE_SECRET=\(secret)"])
        defer { viewer.terminate() }
        let found: Played = try ViewerTests().result(
            of: Self.played("() => window.pc"), page, viewer, path: "?relay")
        #expect(found.kind == "relay" && found.protocols == transport, "\(found)")
        #expect(found.width == 1_280 && found.lost == 0, "\(found)")
        #expect(found.shown == "path: relay by \(transport)", "\(found)")
        #expect(!viewer.said.contains(secret))
    }

    // MARK: IPv6

    private static let hasIPv6: Bool = {
        guard let address = SocketAddress(numeric: "::1", port: 0) else { return false }
        return (try? UDPSocket(boundTo: address)) != nil
    }()

    @Test(.enabled(if: WayTests.hasIPv6, "this machine has no IPv6")) func aBrowserPlaysByIPv6() throws {
        let (viewer, port, _) = try ViewerTests().viewer(host: "[::1]")
        defer { viewer.terminate() }
        let found: Played = try ViewerTests().result(
            of: Self.played("() => window.pc"), port, viewer, host: "[::1]")
        #expect(found.remote.contains("::1") && found.width == 1_280 && found.lost == 0, "\(found)")
        #expect(viewer.said.contains("is connected (["), "\(viewer.said)")
    }

    /// A connection for which only some candidates of the answer are left.
    private static func connection(keeping candidates: String) -> String {
        """
        await (async () => {
          const own = new RTCPeerConnection();
          for (const kind of ["video", "audio"]) own.addTransceiver(kind, { direction: "recvonly" });
          await own.setLocalDescription();
          const answer = await fetch("/whep/viewer", {
            method: "POST", headers: { "Content-Type": "application/sdp" }, body: own.localDescription.sdp });
          const lines = (await answer.text()).split("\\r\\n");
          const sdp = lines.filter(line => !/^a=candidate/.test(line) || \(candidates).test(line)).join("\\r\\n");
          await own.setRemoteDescription({ type: "answer", sdp });
          return () => own;
        })()
        """
    }

    @Test(
        .enabled(if: WayTests.hasIPv6, "this machine has no IPv6"),
        arguments: [("127.0.0.1", "/ udp \\\\d+ 127/"), ("::1", "/ udp \\\\d+ ::1/"), ("::1", "/ tcp \\\\d+ ::1/")])
    func oneSocketTakesBothFamilies(_ address: String, _ candidates: String) throws {
        let (viewer, port, _) = try ViewerTests().viewer(
            "viewer", ["--set", "advertise=127.0.0.1,::1"], host: "[::]", environment: ["SLUICE_TOKEN=none"])
        defer { viewer.terminate() }
        let kept = candidates.replacingOccurrences(of: "\\\\", with: "\\")
        let found: Played = try ViewerTests().result(
            of: Self.played(Self.connection(keeping: kept)), port, viewer)
        #expect(found.remote == address && found.lost == 0, "\(found)")
        #expect(found.protocols == (candidates.contains("tcp") ? "tcp" : "udp"), "\(found)")
    }

    // MARK: From UDP to TCP

    struct Moved: Decodable {
        var before, after: String
        /// From the choice of TCP to the next picture, and the longest time without one, in ms.
        var milliseconds, longest: Double
        var pictures: Int
        var isSame: Bool
    }

    /// Plays until the browser has chosen TCP, and on.
    static let moved = """
        (async () => {
          const rest = time => new Promise(next => setTimeout(next, time));
          const look = async () => {
            const found = { frames: 0, way: "" };
            if (!window.pc) return found;
            const all = await pc.getStats();
            all.forEach(one => {
              if (one.type === "inbound-rtp" && one.kind === "video") found.frames = one.framesDecoded || 0;
              const pair = one.type === "transport" && all.get(one.selectedCandidatePairId);
              if (pair) found.way = all.get(pair.remoteCandidateId).protocol;
            });
            return found;
          };
          let old = await look();
          while (old.frames < 30) { await rest(50); old = await look(); }
          let now = old, last = performance.now(), longest = 0;
          const first = pc;
          video.requestVideoFrameCallback(function next() {
            const at = performance.now();
            [longest, last] = [Math.max(longest, at - last), at];
            video.requestVideoFrameCallback(next);
          });
          while (now.way !== "tcp") { await rest(10); now = await look(); }
          const start = performance.now(), frames = now.frames;
          while (now.frames === frames) { await rest(5); now = await look(); }
          const milliseconds = performance.now() - start;
          while (now.frames < frames + 60) { await rest(50); now = await look(); }
          return { before: old.way, after: now.way, milliseconds, longest, pictures: now.frames - frames,
            isSame: pc === first };
        })()
        """

    /// A way to `media` that UDP goes for four seconds, and TCP for ever.
    static func breakingWay(_ port: Int, to media: Int) throws -> PeerProcess {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/way.py")
        let way = try PeerProcess(["/usr/bin/python3", script.path, "\(port)", "\(media)", "4"])
        try wait(for: "the way", said: { ["way": way.said] }, { way.said.contains("ready") })
        return way
    }

    /// UDP breaks while it plays.
    private func moved(_ expression: String) throws -> (Moved, String) {
        let port = Ports.four()
        let (viewer, page, media) = try ViewerTests().viewer(
            "viewer", ["--set", "advertise=127.0.0.1:\(port)", "--set", "video_kbps=600"])
        defer { viewer.terminate() }
        let between = try Self.breakingWay(port, to: media)
        defer { between.terminate() }
        let found: Moved = try ViewerTests().result(of: expression, page, viewer)
        #expect(found.before == "udp" && found.after == "tcp" && found.pictures >= 60, "\(found) \(viewer.said)")
        // No measurement: a busy machine takes longer.
        #expect(found.milliseconds < 1_500, "\(found) \(viewer.said)")
        return (found, viewer.said)
    }

    /// Without a page that watches: Chromium needs some seconds to see it. Then the page restarts ICE, and media follow
    /// on the same connection.
    @Test func aBrowserThatLosesUDPGoesOnByTCP() throws {
        let (found, said) = try moved("(connect = async () => {}, \(Self.moved))")
        #expect(found.isSame && said.contains("by TCP now, not to") && !said.contains("viewer.2"), "\(said)")
    }

    /// The page makes another connection before Chromium gives the old one up, and ends that one.
    @Test func aPageThatLosesUDPConnectsAnewByTCP() throws {
        let (found, said) = try moved(Self.moved)
        #expect(!found.isSame && !said.contains("by TCP now, not to"), "\(said)")
        #expect(said.contains("viewer.2") && said.contains("viewer.1 has left"), "\(said)")
    }
}
