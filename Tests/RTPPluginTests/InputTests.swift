import Foundation
import Net
import RTP
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import RTPPlugin

/// Debian's ffmpeg and GStreamer send; rtp-input listens before they begin, so nothing may be missing.
@Suite("rtp-input", .serialized, .realPeers) struct InputTests {
    private static func decoded(_ kept: [Collector.Kept], _ rig: Rig) throws -> [Int?] {
        guard let first = kept.first else { return [] }
        let packets = kept.compactMap { $0.item as? Packet }
        let stream = first.format.codec == .vp8 ? FFmpeg.ivf(packets) : packets.flatMap { Array($0.bytes) }
        let raw = try FFmpeg.decode(stream, kind: first.format.codec == .vp8 ? "ivf" : "h264")
        return numbers(raw, width: Rig.size.width, height: Rig.size.height)
    }

    private func listen(_ rig: Rig, _ tag: String, _ parameters: [String: ParameterValue] = [:], media: String = "both")
        throws
        -> Rig.Beside
    {
        let receiver = Rig.Beside(rig.receiving(tag, parameters, media: media))
        try rig.wait(for: "rtp-input's port") { Rig.isBound(media == "audio" ? rig.audioPort : rig.port) }
        return receiver
    }

    @Test(arguments: [Rig.Clip.h264, .vp8, .bframes], [false, true]) func everyFrameOfFFmpegArrives(
        _ clip: Rig.Clip, isEncrypted: Bool
    ) throws {
        let rig = try Rig()
        let tag = "ffmpeg-\(clip)-\(isEncrypted)"
        let key = Data((0..<30).map { UInt8($0) }).base64EncodedString()
        func words(_ more: [String]) throws -> [String] {
            let scheme = isEncrypted ? "srtp" : "rtp"
            let crypto = isEncrypted ? ["-srtp_out_suite", "AES_CM_128_HMAC_SHA1_80", "-srtp_out_params", key] : []
            return ["ffmpeg", "-y", "-v", "warning", "-re"] + more + ["-i", try rig.clip(clip)]
                + ["-map", "0:v", "-c", "copy", "-f", "rtp", "-rtpflags", "send_bye"] + crypto
                + [
                    "\(scheme)://127.0.0.1:\(rig.port)", "-map", "0:a", "-c", "copy", "-f", "rtp", "-rtpflags",
                    "send_bye",
                ]
                + crypto + ["\(scheme)://127.0.0.1:\(rig.audioPort)", "-sdp_file", rig.sdp]
        }
        // The description comes first: by a run that sends next to nothing.
        try rig.start(words(["-t", "0.05"])).waitUntilExit()
        let receiver = try listen(rig, tag)
        let sender = try rig.start(words([]))
        let got = try receiver.wait()
        sender.waitUntilExit()
        #expect(got.outcome == .finished, "\(got.report) \(rig.said())")
        let (video, audio) = (Collector.take("\(tag).video"), Collector.take("\(tag).audio"))
        #expect(got.metric("in", "video_lost") == 0 && got.metric("in", "audio_lost") == 0, "\(got.report)")
        #expect(try InputTests.decoded(video, rig) == Array(0..<Rig.size.frames))
        #expect(video[0].format.video?.width == Rig.size.width && video[0].format.video?.height == Rig.size.height)
        #expect(video[0].header.flags.contains(.keyframe) && !video[0].header.flags.contains(.discontinuity))
        #expect(zip(video, video.dropFirst()).allSatisfy { $0.header.dts < $1.header.dts })
        #expect(video.allSatisfy { $0.header.dts <= $0.header.pts })
        #expect(audio.count >= 99 && audio.allSatisfy { $0.header.duration == .milliseconds(20) })
        #expect(Rig.isEven(audio))
        // Its sender reports put the two in step: both begin together in the clip.
        #expect(abs((video[0].header.pts - audio[0].header.pts).milliseconds) < 45)
        #expect(got.metric("in", "video_sender_reports") > 0)
        if isEncrypted { #expect(got.report.contains("encrypted")) }
    }

    private func describe(_ rig: Rig, _ media: [String]) throws {
        let lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0"] + media
        try rig.scratch.write("stream.sdp", lines.joined(separator: "\r\n") + "\r\n")
    }

    @Test(arguments: [Rig.Clip.h264, .vp8], [false, true]) func everyFrameOfGStreamerArrives(
        _ clip: Rig.Clip, isEncrypted: Bool
    )
        throws
    {
        let rig = try Rig()
        let tag = "gst-\(clip)-\(isEncrypted)"
        let key = (0..<30).map { UInt8($0) }
        let crypto = isEncrypted ? ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(Data(key).base64EncodedString())"] : []
        let profile = isEncrypted ? "RTP/SAVP" : "RTP/AVP"
        try describe(
            rig,
            ["m=video \(rig.port) \(profile) 96", "a=rtpmap:96 \(clip == .vp8 ? "VP8" : "H264")/90000"] + crypto
                + ["m=audio \(rig.audioPort) \(profile) 97", "a=rtpmap:97 OPUS/48000/2"] + crypto)
        let receiver = try listen(rig, tag)
        let hex = key.map { String(format: "%02x", $0) }.joined()
        let protect =
            isEncrypted
            ? "srtpenc key=\(hex) rtp-cipher=aes-128-icm rtp-auth=hmac-sha1-80 rtcp-cipher=aes-128-icm rtcp-auth=hmac-sha1-80 !"
            : ""
        let demux = "filesrc location=\(URL(filePath: try rig.clip(clip)).lastPathComponent) ! matroskademux name=d"
        let pay =
            clip == .vp8
            ? "rtpvp8pay pt=96"
            : "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au ! rtph264pay pt=96"
        let sender = try rig.start([
            "sh", "-c",
            "exec gst-launch-1.0 -q \(demux) d.video_0 ! queue ! \(pay) ! \(protect) udpsink host=127.0.0.1 port=\(rig.port) d.audio_0 ! queue ! opusparse ! rtpopuspay pt=97 ! \(protect) udpsink host=127.0.0.1 port=\(rig.audioPort)",
        ])
        sender.waitUntilExit()
        try rig.wait(for: "the last packet") { Collector.count("\(tag).video") >= Rig.size.frames }
        receiver.stop()
        let got = try receiver.wait()
        #expect(got.outcome != .failed, "\(got.report) \(rig.said())")
        let (video, audio) = (Collector.take("\(tag).video"), Collector.take("\(tag).audio"))
        let found = try InputTests.decoded(video, rig)
        #expect(found == Array(0..<Rig.size.frames), "\(found) \(rig.said()) \(got.report)")
        #expect(audio.count >= 99 && got.metric("in", "audio_lost") == 0)
    }

    /// Static types, as telephones announce them; the second law is not the first that the description names.
    @Test(arguments: [MediaFormat.Codec.pcmu, .pcma]) func telephonyOfGStreamerArrives(_ codec: MediaFormat.Codec)
        throws
    {
        let rig = try Rig()
        try describe(
            rig, ["m=audio \(rig.audioPort) RTP/AVP 0 8 18 101", "a=rtpmap:101 telephone-event/8000"])
        let receiver = try listen(rig, "telephone", media: "audio")
        let sender = try rig.start([
            "sh", "-c",
            "exec gst-launch-1.0 -q audiotestsrc num-buffers=50 samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! \(codec == .pcmu ? "mulawenc ! rtppcmupay" : "alawenc ! rtppcmapay") max-ptime=20000000 min-ptime=20000000 ! udpsink host=127.0.0.1 port=\(rig.audioPort)",
        ])
        sender.waitUntilExit()
        try rig.wait(for: "the last packet") { Collector.count("telephone.audio") >= 50 }
        receiver.stop()
        let got = try receiver.wait()
        let audio = Collector.take("telephone.audio")
        #expect(got.outcome != .failed && audio.count == 50, "\(rig.said())")
        #expect(
            audio.allSatisfy {
                $0.bytes.count == 160 && $0.header.duration == .milliseconds(20) && $0.format.codec == codec
            })
    }

    @Test func aReaderThatIsSlowHoldsItWithoutKeepingItBusy() throws {
        let rig = try Rig()
        try describe(rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000"])
        var graph = GraphBuilder()
        graph.node("in", RTPInput.self, ["sdp": .string(rig.sdp)])
        graph.node("slow", Sleeper.self)
        graph.edge("in.video -> slow.in", items: 2)
        graph.node("kept", Collector.self, ["tag": "slow"])
        graph.edge("slow.out -> kept.in", items: 512, milliseconds: 60_000)
        let receiver = Rig.Beside(graph)
        try rig.wait(for: "rtp-input's port") { Rig.isBound(rig.port) }
        try Rig.run(rig.sending(.vp8, ["sdp": ""], media: "video"))
        let got = try receiver.wait()
        #expect(got.outcome == .finished && got.metric("in", "video_lost") == 0)
        #expect(got.metric("in", "video_frames") == Rig.size.frames)
        // Sockets were read meanwhile: arrival is that of the packets, and so is the time between them.
        let kept = Collector.take("slow")
        let stamps = kept.map(\.header.captured)
        #expect(kept.count == Rig.size.frames && (stamps.last! - stamps[0]) > .milliseconds(1_700))
        #expect(zip(stamps, stamps.dropFirst()).allSatisfy { $1 - $0 < .milliseconds(500) })
        let report = try JSONSerialization.jsonObject(with: Data(got.report.utf8)) as? [String: Any]
        let node = (report?["nodes"] as? [String: Any])?["in"] as? [String: Any]
        let wakeups = try #require(node?["wakeups"] as? Int)
        #expect(wakeups < 3_000)
    }

    // MARK: Bad input

    @Test func aWrongKeyIsSaidAndCountedAndTheRightOneStillWorks() throws {
        let rig = try Rig()
        let wrong = Data((1...30).map { UInt8($0) }).base64EncodedString()
        let right = Data((0..<30).map { UInt8($0) }).base64EncodedString()
        try describe(
            rig,
            [
                "m=video \(rig.port) RTP/SAVP 96", "a=rtpmap:96 VP8/90000",
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(right)",
            ])
        let receiver = try listen(rig, "wrong-key", media: "video")
        func send(_ key: String) throws {
            let graph = try rig.sending(
                .vp8, ["encryption": "AES_CM_128_HMAC_SHA1_80", "key": .string(key), "sdp": ""], media: "video")
            try Rig.run(graph)
        }
        try send(wrong)
        #expect(Collector.count("wrong-key.video") == 0)
        try send(right)
        let got = try receiver.wait()
        #expect(got.outcome == .finished)
        #expect(got.metric("in", "video_not_authentic") > 60)
        #expect(got.report.contains("packets that the key in \(rig.sdp) does not fit"))
        #expect(got.metric("in", "video_frames") == Rig.size.frames && !got.report.contains(right))
        _ = Collector.take("wrong-key.video")
    }

    @Test func garbageOnThePortsIsCountedAndHarmless() throws {
        let rig = try Rig()
        try describe(
            rig,
            [
                "m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000", "m=audio \(rig.audioPort) RTP/AVP 97",
                "a=rtpmap:97 opus/48000/2",
            ])
        let receiver = try listen(rig, "garbage")
        let sender = Rig.Beside(try rig.sending(.vp8, ["sdp": ""]))
        var random = Dice(seed: 8)
        let ports = try (0..<4).map {
            try UDPSocket(connectedTo: SocketAddress.find("127.0.0.1", port: rig.port + $0))
        }
        for round in 0..<4_000 {
            var bytes = (0..<Int.random(in: 0...1_500, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // RTP in its first bytes, from a source that is not the stream's, or broken RTCP.
            if round % 3 == 0, bytes.count > 12 { (bytes[0], bytes[1]) = (0x80, round % 2 == 0 ? 96 : 97) }
            if round % 3 == 1, bytes.count > 12 { (bytes[0], bytes[1]) = (0x81, UInt8(200 + round % 7)) }
            for port in ports { _ = bytes.withUnsafeBytes { port.send($0) } }
            if round % 100 == 0 { Thread.sleep(forTimeInterval: 0.03) }
        }
        #expect(try sender.wait().outcome == .finished)
        let got = try receiver.wait()
        #expect(got.outcome == .finished, "\(got.report)")
        #expect(got.metric("in", "video_foreign") > 1_000 && got.metric("in", "video_bad_reports") > 1_000)
        #expect(got.report.contains("that are no RTP of payload type 96: counted as video_foreign"))
        let video = Collector.take("garbage.video")
        #expect(try InputTests.decoded(video, rig) == Array(0..<Rig.size.frames))
        #expect(Collector.take("garbage.audio").count >= 99, "\(got.report)")
    }

    /// Keyframes of VP8 with numbers that fit each other, from a socket of its own.
    private func attack(_ port: Int, source: UInt32, count: Int) throws {
        let stranger = try UDPSocket(connectedTo: SocketAddress(numeric: "127.0.0.1", port: port)!)
        var sender = StreamSender(.vp8, payloadType: 96, ssrc: source, sequence: 7, timestampOffset: 5)
        var room = [UInt8](repeating: 0, count: 1_200)
        for index in 0..<count {
            let frame: [UInt8] = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 16, 0, 16, 0] + [UInt8](repeating: 0, count: 300)
            frame.withUnsafeBytes { bytes in
                sender.begin(bytes, at: .milliseconds(Int64(index) * 33), isKeyframe: true)
                while let size = room.withUnsafeMutableBytes({ sender.next(into: $0) }) {
                    room.withUnsafeBytes { _ = stranger.send(UnsafeRawBufferPointer(rebasing: $0[..<size])) }
                }
            }
            var report: [UInt8] = []
            RTCPPacket.receiverReport(ssrc: source, reports: []).append(to: &report)
            RTCPPacket.bye([source]).append(to: &report)
            _ = report.withUnsafeBytes { stranger.send($0) }
            if index % 10 == 0 { Thread.sleep(forTimeInterval: 0.05) }
        }
    }

    @Test func aStrangerDoesNotTakeTheStreamOver() throws {
        let rig = try Rig()
        try describe(rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000", "a=rtcp-mux"])
        let receiver = try listen(rig, "stranger", media: "video")
        let sender = Rig.Beside(try rig.sending(.vp8, ["sdp": "", "rtcp_mux": true], media: "video"))
        try rig.wait(for: "a picture") { Collector.count("stranger.video") > 2 }
        try attack(rig.port, source: 77, count: 200)
        #expect(try sender.wait().outcome == .finished)
        let got = try receiver.wait()
        #expect(got.outcome == .finished, "\(got.report)")
        #expect(got.metric("in", "video_strangers") >= 190 && got.metric("in", "video_source_changes") == 0)
        #expect(got.report.contains("left out, counted as video_strangers"))
        #expect(try InputTests.decoded(Collector.take("stranger.video"), rig) == Array(0..<Rig.size.frames))
    }

    @Test func theSenderThatTheDescriptionNamesIsWaitedFor() throws {
        let rig = try Rig()
        try describe(
            rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000", "a=rtcp-mux", "a=ssrc:4711 cname:x"])
        let receiver = try listen(rig, "named", media: "video")
        try attack(rig.port, source: 77, count: 50)
        #expect(Collector.count("named.video") == 0)
        try attack(rig.port, source: 4_711, count: 20)
        // The farewell behind each packet ends it.
        let got = try receiver.wait()
        #expect(got.outcome == .finished && got.metric("in", "video_strangers") == 50)
        #expect(got.report.contains("names the source 4711"))
        #expect(!Collector.take("named.video").isEmpty)
        // Another host's address: nobody here is it.
        try describe(
            rig,
            ["a=source-filter: incl IN IP4 * 192.0.2.9"] + ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000"])
        let other = try listen(rig, "filtered", ["timeout_ms": 1_000], media: "video")
        try attack(rig.port, source: 4_711, count: 20)
        let none = try other.wait()
        #expect(none.metric("in", "video_packets") == 0 && none.metric("in", "video_strangers") == 20)
        _ = Collector.take("filtered.video")
    }

    @Test(
        arguments: [Rig.Clip.vp8, .h264],
        ["max_width": 319, "max_height": 179, "max_pixels": 57_599] as KeyValuePairs<String, Int>)
    func aPictureThatClaimsTooMuchIsLeftOut(clip: Rig.Clip, limit: (key: String, value: Int)) throws {
        let rig = try Rig()
        try describe(
            rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 \(clip == .vp8 ? "VP8" : "H264")/90000"])
        let receiver = try listen(rig, "large", [limit.key: .integer(limit.value)], media: "video")
        try Rig.run(rig.sending(clip, ["sdp": ""], media: "video"))
        let got = try receiver.wait()
        #expect(got.outcome == .finished && Collector.take("large.video").isEmpty)
        #expect(got.metric("in", "video_too_large") > 0)
        #expect(
            got.report.contains("video of 320x180 is left out: max_width is ") && got.report.contains(" \(limit.value)")
        )
    }

    @Test func aPortThatIsTakenIsNamed() throws {
        let rig = try Rig()
        try describe(rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000"])
        for taken in [rig.port, rig.port + 1] {
            let holder = try UDPSocket(boundTo: SocketAddress.find("127.0.0.1", port: taken))
            #expect {
                try Rig.run(rig.receiving("taken", media: "video"))
            } throws: {
                "\($0)".contains("video: 127.0.0.1:\(taken) is taken by another program") && "\($0)".contains("Stop it")
            }
            _ = holder
        }
    }

    @Test func aDescriptionThatCannotBeUsedIsRefusedWithTheReason() throws {
        let rig = try Rig()
        func refusal(_ media: [String], bind: String = "") throws -> String {
            try describe(rig, media)
            do {
                try Rig.run(rig.receiving("refused", ["bind": .string(bind)], media: "video"))
                return "it ran"
            } catch { return "\(error)" }
        }
        let video = "m=video \(rig.port) RTP/AVP 96"
        #expect(try refusal([video, "a=rtpmap:96 AV1/90000"]).contains("describes video as AV1"))
        #expect(try refusal([video]).contains("as nothing that is explained"))
        #expect(try refusal([video, "a=rtpmap:96 VP8"]).contains("stream.sdp:7: a=rtpmap"))
        #expect(try refusal([video, "a=rtpmap:96 VP8/8000"]).contains("at 8000 Hz"))
        #expect(
            try refusal([video, "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=2"]).contains(
                "packetization-mode 2"))
        let secure = ["m=video \(rig.port) RTP/SAVP 96", "a=rtpmap:96 VP8/90000"]
        #expect(try refusal(secure).contains("as SRTP without a=crypto"))
        #expect(try refusal(secure + ["a=crypto:1 SOME_SUITE inline:AAEC"]).contains("the unknown suite SOME_SUITE"))
        #expect(
            try refusal([video, "a=rtpmap:96 VP8/90000"], bind: "192.0.2.1").contains("is no address of this machine"))
        #expect(try refusal(["m=audio \(rig.port) RTP/AVP 0"]).contains("describes nothing that is connected"))
        try FileManager.default.removeItem(atPath: rig.sdp)
        #expect { try Rig.run(rig.receiving("refused", media: "video")) } throws: {
            "\($0)".contains("cannot open \(rig.sdp): No such file or directory")
        }
    }

    @Test func typesThatCannotBeReceivedAreNamed() throws {
        let rig = try Rig()
        try describe(rig, ["m=audio \(rig.audioPort) RTP/AVP 9 18"])
        #expect { try Rig.run(rig.receiving("named", media: "audio")) } throws: {
            "\($0)".contains("describes audio as G722, G729")
                && "\($0)".contains("opus, mpeg4-generic (AAC), PCMU or PCMA")
        }
    }

    @Test func silenceEndsItWhereTheGraphSaysSo() throws {
        let rig = try Rig()
        try describe(rig, ["m=video \(rig.port) RTP/AVP 96", "a=rtpmap:96 VP8/90000"])
        let got = try Rig.run(rig.receiving("silent", ["timeout_ms": 200], media: "video"))
        #expect(got.outcome == .finished && got.report.contains("nothing came within 200 ms"))
    }
}

/// Takes nothing for a second and a half, then everything.
private final class Sleeper: Node {
    static let descriptor = NodeDescriptor("test-sleeper", summary: "Begins late")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out")
    private var context: NodeContext!

    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        let begin = context.started + .milliseconds(1_500)
        guard now >= begin else { return context.wake(at: begin) }
        while let packet = input.next() { output.send(packet) }
    }
}
