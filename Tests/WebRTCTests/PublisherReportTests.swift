import Foundation
import Glibc
import TestSupport
import Testing

/// The figures of a peer that sends in the report, beside those that its browser has counted (`getStats`).
@Suite("A publisher in the report", .realPeers) struct PublisherReportTests {
    private struct Outbound: Decodable {
        var packetsSent, bytesSent, retransmittedPacketsSent, retransmittedBytesSent: Int
        var nackCount, pliCount, firCount, keyFramesEncoded: Int?
        /// Of the last second or so, without headers.
        var kbps: Double
        /// By our reports.
        var packetsLost: Int
        /// In s.
        var jitter, roundTripTime: Double
    }

    private struct Counted: Decodable { var video, audio: Outbound }

    /// Sends for eight seconds and until packets were asked for again, and tells its figures.
    private static let counted = """
        (async () => {
          const rest = time => new Promise(next => setTimeout(next, time));
          while (!window.pc || pc.connectionState !== "connected") await rest(20);
          const look = async () => {
            const found = { video: {}, audio: {} };
            (await pc.getStats()).forEach(one => {
              if (one.type === "outbound-rtp") Object.assign(found[one.kind], one);
              if (one.type !== "remote-inbound-rtp") return;
              const { packetsLost, jitter, roundTripTime } = one;
              Object.assign(found[one.kind], { packetsLost, jitter, roundTripTime });
            });
            return found;
          };
          const begun = performance.now();
          for (;;) {
            const { video, audio } = await look(), isTold = one => one.roundTripTime !== undefined;
            if (isTold(video) && isTold(audio) && video.nackCount > 5 && performance.now() - begun > 8000) break;
            await rest(100);
          }
          const before = await look();
          await rest(1500);
          const now = await look();
          for (const kind of ["video", "audio"]) {
            const seconds = (now[kind].timestamp - before[kind].timestamp) / 1000;
            const bytes = one => one.bytesSent - one.retransmittedBytesSent;
            now[kind].kbps = (bytes(now[kind]) - bytes(before[kind])) * 8 / seconds / 1000;
          }
          return now;
        })()
        """

    private static let take = """
        "in": { "type": "webrtc-input", "video_jitter_ms": 30 },
        "tape": { "type": "record", "path": "TAPE" }
        """

    /// One takes a publisher by WHIP, the other what a viewer sends.
    private static let graphs = [
        "/?name=cam&width=640&height=480&codec=video/VP8&publish": """
        { "parameters": { "listen": {}, "media": {}, "advertise": {} },
          "services": {
            "http": { "listen": "${listen}" }, "webrtc": { "listen": "${media}", "advertise": "${advertise}" } },
          "nodes": { "publishers": { "type": "webrtc-publishers", "template": "take" } },
          "edges": [],
          "templates": { "take": {
            "parameters": { "name": {} },
            "nodes": { \(take) },
            "edges": [ "in.video -> tape.video", "in.audio -> tape.audio" ] } } }
        """,
        "/": """
        { "parameters": { "listen": {}, "media": {}, "advertise": {} },
          "services": {
            "http": { "listen": "${listen}" }, "webrtc": { "listen": "${media}", "advertise": "${advertise}" } },
          "nodes": {
            "tone": { "type": "source", "open": "tone" },
            "stereo": { "type": "audio-convert", "sample_rate": 48000, "channels": 2 },
            "opus": { "type": "opus-encoder" },
            "viewers": { "type": "webrtc-viewers", "template": "guest", "microphone": true, "camera": true } },
          "edges": [ "tone.audio -> stereo -> opus -> viewers.audio" ],
          "templates": { "guest": {
            "nodes": { "peer": { "type": "webrtc-output" }, \(take) },
            "edges": [ "in.video -> tape.video", "in.audio -> tape.audio" ] } } }
        """,
    ]

    /// The numbers of the node `in` of the only peer.
    private func metrics(_ report: URL) throws -> [String: Double] {
        let all = try JSONSerialization.jsonObject(with: Data(contentsOf: report)) as? [String: Any]
        let nodes = all?["nodes"] as? [String: [String: Any]] ?? [:]
        let inputs = nodes.filter { $0.key.hasSuffix("/in") }
        #expect(inputs.count == 1, "\(nodes.keys)")
        let metrics = try #require(inputs.first?.value["metrics"] as? [String: Any], "\(nodes.keys)")
        return metrics.compactMapValues { ($0 as? NSNumber)?.doubleValue }
    }

    /// Every twelfth packet of media is lost on the way.
    @Test(arguments: graphs.keys.sorted()) func itCountsWhatTheBrowserCounts(_ page: String) throws {
        let scratch = try Scratch()
        let (port, between) = (Ports.four(), Ports.four())
        let report = scratch.url.appending(path: "report.json")
        let text = try #require(PublisherReportTests.graphs[page])
        let graph = try scratch.write(
            "take.json",
            text.replacingOccurrences(of: "TAPE", with: scratch.url.appending(path: "tape.mkv").path))
        let process = try PeerProcess([
            Built.file("sluice").path, "run", graph.path, "--set", "listen=127.0.0.1:\(port)", "--set",
            "media=127.0.0.1:\(port + 1)", "--set", "advertise=127.0.0.1:\(between)", "--for", "55s", "--report",
            report.path,
        ])
        defer { process.terminate() }
        try wait(for: "the page", said: { ["graph": process.said] }, { process.said.contains("in a browser") })
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers/way.py")
        let way = try PeerProcess(["/usr/bin/python3", script.path, "\(between)", "\(port + 1)", "600", "12"])
        defer { way.terminate() }
        try wait(for: "the way", said: { ["way": way.said] }, { way.said.contains("ready") })
        let theirs: Counted = try ViewerTests().result(
            of: PublisherReportTests.counted, port, process, path: String(page.dropFirst()))
        process.signal(SIGINT)
        try wait(for: "the report", said: { ["graph": process.said] }, { !process.isRunning })
        let ours = try metrics(report)
        func own(_ name: String) throws -> Double {
            try #require(ours[name], "\(name) is not in \(ours.keys.sorted())")
        }

        for (kind, sent) in [("video", theirs.video), ("audio", theirs.audio)] {
            // Our reports count losses of the stream's own packets, whether they were made good or not. A report
            // comes once a second, and some packets go out while the browser leaves.
            let lost = try own("\(kind)_lost") + own(kind == "video" ? "video_repaired" : "audio_filled")
            let more = lost - Double(sent.packetsLost)
            #expect(sent.packetsLost > 5 && abs(more) <= 25, "\(kind): \(more) more lost than \(sent), \(ours)")
            let packets = try own("\(kind)_packets") + lost
            // Chromium tries its way with packets of video that it repeats, and counts few of them as sent again.
            let all = Double(sent.packetsSent - sent.retransmittedPacketsSent)
            let least = kind == "audio" ? all * 0.95 - 50 : all / 5
            #expect((least...all * 1.05 + 100).contains(packets), "\(kind): \(packets) of \(all), \(ours)")
            let bytes = try own("\(kind)_bytes") * packets / own("\(kind)_packets")
            let theirBytes = Double(sent.bytesSent - sent.retransmittedBytesSent)
            let leastBytes = kind == "audio" ? theirBytes * 0.9 - 5_000 : theirBytes / 5
            #expect(
                (leastBytes...theirBytes * 1.1 + 50_000).contains(bytes), "\(kind): \(bytes) bytes of \(theirBytes)")
            // By our own reports: the same figure a moment later.
            #expect(abs(try own("\(kind)_jitter_us") / 1e3 - sent.jitter * 1e3) <= 10, "\(kind): \(sent) \(ours)")
            // The browser takes the time out that a report of its own lay here.
            #expect(sent.roundTripTime < 0.3, "\(sent)")
            // Of another second than the browser's, and of what came.
            let rate = try own("\(kind)_kbps") / sent.kbps
            #expect(((kind == "audio" ? 0.4 : 0.02)...2).contains(rate), "\(kind): \(rate) \(sent) \(ours)")
        }
        // Those on the way when the browser left are counted here alone.
        let nacks = try own("nacks") - Double(theirs.video.nackCount ?? 0)
        #expect(theirs.video.nackCount ?? 0 > 5 && (0...10).contains(nacks), "\(nacks) more, \(theirs.video)")
        let again = try own("asked_again") - Double(theirs.video.retransmittedPacketsSent)
        // Those that only try the way are counted there too.
        #expect(again <= 10 && theirs.video.retransmittedPacketsSent > 2, "\(again) more, \(theirs.video)")
        let requests = try own("keyframes_asked") - Double(theirs.video.pliCount ?? 0)
        #expect((0...3).contains(requests), "\(requests) more, \(theirs.video)")
        #expect(theirs.video.firCount ?? 0 == 0)
        // One that lost a part is none here.
        let keyframes = Double(theirs.video.keyFramesEncoded ?? 0) - (try own("video_keyframes"))
        #expect(try own("video_keyframes") >= 1 && keyframes >= -1, "\(keyframes) fewer, \(theirs.video)")
        // Chromium sends RED where it is asked to, and counts it as Opus.
        #expect(try own("audio_redundant_packets") > own("audio_packets") * 0.9, "\(ours)")
        #expect(try own("first_picture_ms") > 0 && own("first_picture_ms") < 5_000, "\(ours)")
        #expect(try own("by_tcp_percent") == 0 && own("ways") == 1, "\(ours)")
    }
}
