import Foundation
import Sluice
import TestSupport
import Testing

/// Graph `avatar`, a process at its socket, and a real browser that takes its offer by WebSocket.
@Suite("Avatar", .realPeers) struct AvatarTests {
    private static let process = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Browser/avatar.py")

    /// The graph and the avatar's process.
    private final class Rig {
        let graph, avatar: PeerProcess
        /// Of the page, and of media.
        let port, media: Int
        private let scratch = try! Scratch()

        init(_ mode: String..., settings: [String] = []) throws {
            let socket = scratch.url.appending(path: "avatar.sock").path
            (graph, port, media) = try ViewerTests().viewer("avatar", ["--set", "socket=\(socket)"] + settings)
            let client = Built.root.appending(path: "docs/examples").path
            avatar = try PeerProcess(["/usr/bin/python3", AvatarTests.process.path, client, socket] + mode)
        }

        deinit {
            avatar.terminate()
            graph.terminate()
        }

        func result<Found: Decodable>(of expression: String) throws -> Found {
            try ViewerTests().result(of: expression, port, graph)
        }

        /// The words of the avatar's process, a JSON object a line.
        var said: [[String: Any]] {
            avatar.said.split(separator: "\n").compactMap {
                try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
        }
    }

    private struct Played: Decodable {
        var offer, answer: String
        var frames, width, lost, freezes, packets: Int
        var energy: Double
    }

    private static let played = """
        new Promise(done => setInterval(async () => {
          if (!window.pc) return;
          const found = {};
          (await pc.getStats()).forEach(one => { if (one.type === "inbound-rtp") found[one.kind] = one; });
          const { video, audio } = found;
          if (video?.framesDecoded >= 60 && audio?.totalAudioEnergy > 0.01)
            done({ offer: pc.remoteDescription.type, answer: pc.localDescription.type, frames: video.framesDecoded,
              width: video.frameWidth, lost: video.packetsLost + audio.packetsLost, freezes: video.freezeCount,
              packets: audio.packetsReceived, energy: audio.totalAudioEnergy });
        }, 50))
        """

    @Test func aBrowserPlaysByOurOffer() throws {
        let rig = try Rig("talk")
        let found: Played = try rig.result(of: Self.played)
        #expect(found.offer == "offer" && found.answer == "answer")
        #expect(found.width == 640 && found.lost == 0 && found.freezes == 0, "\(found)")
    }

    @Test func itsMicrophoneReachesTheAvatarsProcess() throws {
        let rig = try Rig("talk")
        let _: Bool = try rig.result(
            of: """
                new Promise(done => setInterval(async () => {
                  if (!window.pc) return;
                  (await pc.getStats()).forEach(one => {
                    if (one.type === "outbound-rtp" && one.kind === "audio" && one.packetsSent > 200) done(true);
                  });
                }, 50))
                """)
        let heard = rig.said.last { $0["microphone"] != nil }
        // Chromium's microphone beeps once a second.
        #expect(heard?["microphone"] as? Int ?? 0 >= 100 && heard?["peak"] as? Int ?? 0 > 3_000, "\(rig.avatar.said)")
    }

    private struct Reset: Decodable {
        var milliseconds: Double
        var generation, keyframes, lost: Int
    }

    /// From the message to the first picture of the new connection, five times.
    private static let resets = """
        (async () => {
          const shown = async old => {
            while (!window.pc || pc === old || !video.srcObject) await new Promise(next => setTimeout(next, 2));
            const own = pc;
            for (;;) {
              let frames = 0;
              (await own.getStats()).forEach(one => {
                if (one.type === "inbound-rtp" && one.kind === "video") frames = one.framesDecoded || 0;
              });
              if (frames > 0) return;
              await new Promise(next => setTimeout(next, 4));
            }
          };
          await shown(null);
          const found = [];
          for (let turn = 0; turn < 5; turn++) {
            await new Promise(next => setTimeout(next, 500));
            const old = pc, start = performance.now();
            say({ type: "media_reset" });
            await shown(old);
            const milliseconds = performance.now() - start;
            await new Promise(next => setTimeout(next, 500));
            (await pc.getStats()).forEach(one => {
              if (one.type === "inbound-rtp" && one.kind === "video")
                found.push({ milliseconds, generation, keyframes: one.keyFramesDecoded, lost: one.packetsLost });
            });
          }
          return found;
        })()
        """

    @Test func aMediaResetGivesAPictureSoon() throws {
        let rig = try Rig("talk")
        let found: [Reset] = try rig.result(of: Self.resets)
        #expect(found.map(\.generation) == [2, 3, 4, 5, 6])
        #expect(found.allSatisfy { $0.keyframes >= 1 && $0.lost == 0 }, "\(found)")
        #expect(found.map(\.milliseconds).sorted()[2] < 500, "\(found)")
    }

    @Test func aPageThatLosesUDPConnectsAnewByTCP() throws {
        let port = Ports.four()
        let rig = try Rig("talk", settings: ["--set", "advertise=127.0.0.1:\(port)"])
        let between = try WayTests.breakingWay(port, to: rig.media)
        defer { between.terminate() }
        let found: WayTests.Moved = try rig.result(of: WayTests.moved)
        #expect(found.before == "udp" && found.after == "tcp" && !found.isSame, "\(found) \(rig.graph.said)")
        #expect(found.pictures >= 60 && !rig.graph.said.contains("by TCP now, not to"), "\(found) \(rig.graph.said)")
    }

    private struct Renegotiated: Decodable {
        var isNewFragment, isSameConnection, isNarrow: Bool
        var sections: [String]
        var before, without, after, freezes: Int
    }

    /// ICE begins anew, the microphone goes and comes back, all on one connection. And the page fits 360 pixels.
    private static let renegotiations = """
        (async () => {
          const rest = time => new Promise(next => setTimeout(next, time));
          const until = async holds => { while (!await holds()) await rest(20); };
          const figure = async (type, kind, name) => {
            let found = 0;
            (await pc.getStats()).forEach(one => { if (one.type === type && one.kind === kind) found = one[name] || 0; });
            return found;
          };
          const said = () => figure("outbound-rtp", "audio", "packetsSent");
          await until(async () => window.pc && await figure("inbound-rtp", "video", "framesDecoded") > 25
            && await said() > 25);
          const own = pc, fragment = /a=ice-ufrag:(.*)/.exec(own.remoteDescription.sdp)[1];
          const next = async message => {
            const old = own.remoteDescription.sdp;
            say(message);
            await until(() => own.remoteDescription.sdp !== old && own.signalingState === "stable");
            await rest(1000);
          };
          await next({ type: "renegotiate", ice_restart: true });
          const isNewFragment = /a=ice-ufrag:(.*)/.exec(own.remoteDescription.sdp)[1] !== fragment;
          const before = await said();
          await next({ type: "renegotiate", microphone: false });
          const silent = await said();
          await rest(500);
          const without = await said() - silent;
          await next({ type: "renegotiate", microphone: true });
          await rest(1000);
          const after = await said();
          const frame = document.createElement("iframe");
          frame.style.width = "360px";
          frame.src = "/";
          document.body.append(frame);
          await new Promise(done => { frame.onload = done; });
          await until(() => frame.contentDocument.getElementById("state").textContent.includes("viewer already"));
          const isNarrow = frame.contentDocument.documentElement.scrollWidth <= 360;
          return { isNewFragment, isSameConnection: own === pc, isNarrow, before, without, after,
            sections: own.getTransceivers().map(one => one.mid + " " + one.currentDirection),
            freezes: await figure("inbound-rtp", "video", "freezeCount") };
        })()
        """

    @Test func oneConnectionChangesItsNetworkAndItsMicrophone() throws {
        let rig = try Rig("talk")
        let found: Renegotiated = try rig.result(of: Self.renegotiations)
        #expect(found.isNewFragment && found.isSameConnection && found.isNarrow, "\(found)")
        #expect(found.before > 25 && found.without == 0 && found.after > 25, "\(found)")
        #expect(found.freezes == 0, "\(found)")
    }

    /// When the level fell below a tenth, in ms since 1970, until it has fallen so often.
    private static func falls(_ count: Int) -> String {
        """
        (async () => {
          while (!window.pc || !video.srcObject || !video.srcObject.getAudioTracks().length)
            await new Promise(next => setTimeout(next, 20));
          const context = new AudioContext(), hearer = context.createAnalyser();
          hearer.fftSize = 512;
          context.createMediaStreamSource(video.srcObject).connect(hearer);
          const samples = new Float32Array(hearer.fftSize), falls = [];
          let full = 0, loud = false, since = 0;
          return new Promise(done => setInterval(() => {
            hearer.getFloatTimeDomainData(samples);
            const level = Math.max(...samples.subarray(256).map(Math.abs)), now = Date.now();
            full = Math.max(full, level);
            if (level > full / 2) loud = true;
            if (level > full / 10) since = 0;
            else if (loud && !since) since = now;
            // A gap of a few milliseconds is none.
            if (since && now - since > 100) { falls.push(since); loud = false; since = 0; }
            if (falls.length >= \(count)) done(falls);
          }, 2));
        })()
        """
    }

    @Test func itPlaysSegmentsAndIsInterrupted() throws {
        let rig = try Rig("interrupt", "8")
        let falls: [Double] = try rig.result(of: Self.falls(8))
        let calls = rig.said.compactMap { $0["call"] as? Double }
        try #require(calls.count == 8, "\(rig.avatar.said)")
        let delays = calls.map { call in (falls.first { $0 > call } ?? .infinity) - call }
        // No measurement: a busy machine takes longer. Nothing goes on to the turn's end, which is 1.1 s away.
        #expect(delays.allSatisfy { 0 < $0 && $0 < 500 }, "\(delays)")
        #expect(delays.sorted()[4] < 250, "\(delays)")
    }
}
