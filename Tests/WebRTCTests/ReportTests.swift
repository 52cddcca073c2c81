import Foundation
import Glibc
import TestSupport
import Testing

/// The figures of a viewer in the report, beside those that its browser has counted (`getStats`).
@Suite("A viewer in the report", .realPeers) struct ReportTests {
    private struct Inbound: Decodable {
        var packetsReceived, packetsLost, bytesReceived, headerBytesReceived: Int
        var nackCount, keyFramesDecoded, pliCount, firCount: Int?
        /// In s.
        var jitter: Double
        /// Of the last second or so.
        var kbps: Double
    }

    private struct Counted: Decodable {
        var video, audio: Inbound
        /// In s.
        var roundTrip: Double
        var asked: Int
    }

    /// Plays, asks for three keyframes by PLI, and tells its figures.
    private static let counted = """
        (async () => {
          const rest = time => new Promise(next => setTimeout(next, time));
          while (!window.pc || pc.connectionState !== "connected") await rest(20);
          const code = "onrtctransform = event => { const one = event.transformer; one.readable.pipeTo(one.writable);"
            + " onmessage = () => one.sendKeyFrameRequest(); };";
          const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
          const receiver = pc.getReceivers().find(one => one.track.kind === "video");
          receiver.transform = new RTCRtpScriptTransform(worker);
          const look = async () => {
            const found = {};
            (await pc.getStats()).forEach(one => {
              if (one.type === "inbound-rtp") found[one.kind] = one;
              if (one.type === "candidate-pair" && one.nominated) found.pair = one;
            });
            return found;
          };
          while (!((await look()).video?.framesDecoded >= 30)) await rest(50);
          let asked = 0;
          for (; asked < 3; asked++) { worker.postMessage("keyframe"); await rest(900); }
          await rest(2000);
          const before = await look();
          await rest(1500);
          const now = await look(), figures = {};
          for (const kind of ["video", "audio"]) {
            const seconds = (now[kind].timestamp - before[kind].timestamp) / 1000;
            const bytes = one => one.bytesReceived + one.headerBytesReceived;
            figures[kind] = Object.assign({}, now[kind], { kbps: (bytes(now[kind]) - bytes(before[kind])) * 8 / seconds / 1000 });
          }
          return { ...figures, roundTrip: now.pair.currentRoundTripTime, asked };
        })()
        """

    /// The numbers of the node `peer` of the only viewer.
    private func metrics(_ report: URL) throws -> [String: Double] {
        let all = try JSONSerialization.jsonObject(with: Data(contentsOf: report)) as? [String: Any]
        let nodes = all?["nodes"] as? [String: [String: Any]] ?? [:]
        let peers = nodes.filter { $0.key.hasSuffix("/peer") }
        let metrics = try #require(peers.first?.value["metrics"] as? [String: Any], "\(nodes.keys)")
        #expect(peers.count == 1)
        return metrics.compactMapValues { ($0 as? NSNumber)?.doubleValue }
    }

    @Test func itCountsWhatTheBrowserCounts() throws {
        let scratch = try Scratch()
        let report = scratch.url.appending(path: "report.json")
        let (process, port, _) = try ViewerTests().viewer(
            "viewer", ["--set", "video_kbps=800", "--report", report.path])
        defer { process.terminate() }
        let theirs: Counted = try ViewerTests().result(of: Self.counted, port, process)
        process.signal(SIGINT)
        try wait(for: "the report", said: { ["viewer": process.said] }, { !process.isRunning })
        let ours = try metrics(report)
        func own(_ name: String) throws -> Double {
            try #require(ours[name], "\(name) is not in \(ours.keys.sorted())")
        }

        for (kind, inbound) in [("video", theirs.video), ("audio", theirs.audio)] {
            let packets = try own("\(kind)_packets")
            // Some more went out while the browser left.
            let more = packets - Double(inbound.packetsReceived)
            #expect((0...max(100, packets / 20)).contains(more), "\(kind): \(more) packets more than \(inbound)")
            // Each has 16 bytes of AES-GCM.
            let bytes = try own("\(kind)_bytes") - 16 * packets
            let all = Double(inbound.bytesReceived + inbound.headerBytesReceived)
            #expect(bytes >= all * 0.99 && bytes <= all * 1.15 + 20_000, "\(kind): \(bytes) bytes, \(inbound)")
            #expect(try own("\(kind)_lost_at_viewer") == Double(inbound.packetsLost))
            #expect(try own("\(kind)_nacks") == Double(inbound.nackCount ?? 0))
            // Both change with each packet: within 10 ms.
            #expect(abs(try own("\(kind)_jitter_us") / 1e3 - inbound.jitter * 1e3) <= 10, "\(kind): \(ours)")
            // By reports of media here, by checks of ICE there: within 20 ms.
            #expect(abs(try own("\(kind)_rtt_us") / 1e3 - theirs.roundTrip * 1e3) <= 20, "\(kind): \(ours)")
            // Of another second than the browser's: within a third for sound, and half for pictures.
            let rate = try own("\(kind)_kbps") / inbound.kbps
            #expect(
                kind == "audio" ? (0.66...1.5).contains(rate) : (0.5...2).contains(rate), "\(kind): \(rate) \(ours)")
        }
        #expect(try own("video_plis") == Double(theirs.video.pliCount ?? -1), "\(theirs.video)")
        #expect(theirs.video.pliCount ?? 0 >= theirs.asked && theirs.asked == 3, "\(theirs.video)")
        #expect(try own("video_firs") == Double(theirs.video.firCount ?? 0))
        let keyframes = try own("video_keyframes") - Double(theirs.video.keyFramesDecoded ?? 0)
        #expect((0...1).contains(keyframes), "\(keyframes) more, \(theirs.video)")
        #expect(try own("first_picture_ms") > 0 && own("first_picture_ms") < 5_000, "\(ours)")
        #expect(try own("by_tcp_percent") == 0 && own("ways") == 1 && own("audio_redundant_packets") == 0)
        #expect(try own("estimate_kbps") >= 0)
    }
}
