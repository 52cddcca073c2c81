import FilesPlugin
import Foundation
import G711Plugin
import Net
import OpusPlugin
import RTP
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing
import VideoDecoderPlugin

@testable import RTPPlugin

/// From rtp-output to rtp-input, through a path that loses, doubles, delays and reorders.
@Suite("A path between rtp-output and rtp-input", .serialized, .realPeers) struct PathTests {
    /// Takes datagrams at one port and passes them on to another as `plan` says, by the number of the datagram: not at
    /// all, once, or several times, each so many datagrams later.
    final class Path: @unchecked Sendable {
        private let inlet: UDPSocket
        private let outlet: UDPSocket
        private let isOver = Mutex(false)
        private let done = DispatchSemaphore(value: 0)
        private let lost = Mutex(0)

        init(from port: Int, to target: Int, plan: @escaping @Sendable (Int) -> [Int]) throws {
            inlet = try UDPSocket(boundTo: SocketAddress.find("127.0.0.1", port: port))
            outlet = try UDPSocket(connectedTo: SocketAddress.find("127.0.0.1", port: target))
            Thread.detachNewThread { [self] in
                var number = 0
                var sender: SocketAddress?
                var waiting: [(due: Int, bytes: [UInt8])] = []
                let batch = DatagramBatch(capacity: 1, room: 2_048)
                while !isOver.withLock({ $0 }) {
                    var ready = [inlet, outlet].map {
                        pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
                    }
                    let found = poll(&ready, 2, 50)
                    // Back to the sender, whole.
                    if found > 0, ready[1].revents != 0, batch.receive(on: outlet) == 0, batch.count > 0 {
                        let (room, count) = batch.datagram(0)
                        if let sender {
                            _ = inlet.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: sender)
                        }
                        continue
                    }
                    guard found > 0, batch.receive(on: inlet) == 0, batch.count > 0 else {
                        // Nothing follows just now: what waits goes on.
                        for late in waiting { _ = late.bytes.withUnsafeBytes { outlet.send($0) } }
                        waiting = []
                        continue
                    }
                    let (room, count) = batch.datagram(0)
                    sender = batch.sender(0)
                    let copies = plan(number)
                    if copies.isEmpty { lost.withLock { $0 += 1 } }
                    waiting += copies.map { (number + $0, Array(room.prefix(count))) }
                    for due in waiting where due.due <= number { _ = due.bytes.withUnsafeBytes { outlet.send($0) } }
                    waiting.removeAll { $0.due <= number }
                    number += 1
                }
                done.signal()
            }
        }

        func stop() -> Int {
            isOver.withLock { $0 = true }
            done.wait()
            return lost.withLock { $0 }
        }
    }

    /// Sends a clip to ports of its own, from which paths lead to the input's.
    private func run(
        _ rig: Rig, _ tag: String, clip: Rig.Clip = .vp8, input: [String: ParameterValue] = [:],
        output: [String: ParameterValue] = [:], described: [String] = [],
        video: @escaping @Sendable (Int) -> [Int] = { _ in [0] },
        audio: @escaping @Sendable (Int) -> [Int] = { _ in [0] }
    ) throws -> (got: Rig.Ran, sent: Rig.Ran, lost: (video: Int, audio: Int)) {
        // The description names the output's ports; the input listens at others.
        let far = Ports.four()
        let sendingSDP = rig.path("sending.sdp")
        let sender = try rig.sending(
            clip,
            [
                "sdp": .string(sendingSDP), "video_port": .integer(far), "audio_port": .integer(far + 2),
                "rtcp_mux": true,
            ].merging(output) { $1 })
        let key = output["key"].map { ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\($0)"] } ?? []
        let profile = key.isEmpty ? "RTP/AVP" : "RTP/SAVP"
        let lines =
            [
                "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0",
                "m=video \(rig.port) \(profile) 96",
            ]
            + ["a=rtpmap:96 \(clip == .vp8 ? "VP8" : "H264")/90000", "a=rtcp-mux"] + described + key
            + ["m=audio \(rig.audioPort) \(profile) 97", "a=rtpmap:97 opus/48000/2", "a=rtcp-mux"] + key
        try rig.scratch.write("stream.sdp", lines.joined(separator: "\r\n"))
        let paths = (
            try Path(from: far, to: rig.port, plan: video), try Path(from: far + 2, to: rig.audioPort, plan: audio)
        )
        let receiver = Rig.Beside(rig.receiving(tag, ["timeout_ms": 1_500].merging(input) { $1 }))
        try rig.wait(for: "rtp-input's ports") { Rig.isBound(rig.port) && Rig.isBound(rig.audioPort) }
        let sent = try Rig.run(sender)
        let got = try receiver.wait()
        return (got, sent, (paths.0.stop(), paths.1.stop()))
    }

    @Test(arguments: [Rig.Clip.h264, .vp8], ["early", "timed"]) func reorderedAndDoubledPacketsLoseNothing(
        _ clip: Rig.Clip, release: String
    ) throws {
        let rig = try Rig()
        let shuffle: @Sendable (Int) -> [Int] = { number in
            switch number % 7 {
            case 2: [2]
            case 4: [0, 1]
            default: [0]
            }
        }
        let (got, _, _) = try run(
            rig, "shuffled", clip: clip, input: ["jitter_ms": 300, "release": .string(release)], output: ["mtu": 500],
            video: shuffle, audio: shuffle
        )
        #expect(got.outcome == .finished)
        let (video, audio) = (Collector.take("shuffled.video"), Collector.take("shuffled.audio"))
        #expect(
            video.count == Rig.size.frames && got.metric("in", "video_lost") == 0 && got.metric("in", "video_late") == 0
        )
        #expect(audio.count >= 99 && got.metric("in", "audio_lost") == 0)
        #expect(got.metric("in", "video_duplicates") > 5 && got.metric("in", "video_reordered") > 5)
        #expect(Rig.isEven(audio))
    }

    @Test(arguments: [Rig.Clip.h264, .vp8], [false, true]) func afterALossNoDamagedPictureIsHandedOut(
        _ clip: Rig.Clip, isEncrypted: Bool
    )
        throws
    {
        let rig = try Rig()
        let key = Data((0..<30).map { UInt8($0) }).base64EncodedString()
        let (got, _, lost) = try run(
            rig, "lossy", clip: clip, input: ["jitter_ms": 20],
            output: isEncrypted
                ? ["mtu": 400, "encryption": "AES_CM_128_HMAC_SHA1_80", "key": .string(key)] : ["mtu": 400],
            video: { $0 % 97 == 50 ? [] : [0] })
        #expect(got.outcome == .finished && lost.video > 0)
        let video = Collector.take("lossy.video")
        #expect(!video.isEmpty && video.count < Rig.size.frames)
        #expect(got.metric("in", "video_lost") > 0 && got.metric("in", "video_lost") <= lost.video)
        // The stream after a loss begins with a keyframe, and decodes without a word.
        let packets = video.compactMap { $0.item as? Packet }
        let stream = clip == .vp8 ? FFmpeg.ivf(packets) : packets.flatMap { Array($0.bytes) }
        let raw = try FFmpeg.decode(stream, kind: clip == .vp8 ? "ivf" : "h264")
        let found = numbers(raw, width: Rig.size.width, height: Rig.size.height)
        #expect(found.count == video.count && !found.contains(nil))
        for (packet, pair) in zip(video.dropFirst(), zip(found, found.dropFirst()))
        where pair.1 != pair.0.map({ $0 + 1 }) {
            #expect(packet.header.flags.isSuperset(of: [.keyframe, .discontinuity]))
        }
        _ = Collector.take("lossy.audio")
    }

    @Test(arguments: ["lost", "arrivals"], [false, true]) func whatThePathLosesIsSentAgain(
        _ feedback: String, isEncrypted: Bool
    ) throws {
        let rig = try Rig()
        let key = Data((0..<30).map { UInt8($0) }).base64EncodedString()
        let (got, sent, lost) = try run(
            rig, "again", input: ["jitter_ms": 400],
            output: ["mtu": 500, "feedback": .string(feedback), "report_interval_ms": 100, "capture_time": true]
                .merging(isEncrypted ? ["encryption": "AES_CM_128_HMAC_SHA1_80", "key": .string(key)] : [:]) { $1 },
            described: [
                "a=rtcp-fb:* nack",
                "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
                "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
            ] + (feedback == "arrivals" ? ["a=rtcp-fb:96 transport-cc"] : []),
            // Not the first ones: a sender is asked at the address that its first report comes from. Nor the last ones:
            // nothing follows them that would tell of a loss.
            video: { (11..<100).contains($0) && $0 % 10 == 5 ? [] : [0] })
        #expect(got.outcome == .finished && lost.video > 3)
        #expect(got.metric("in", "video_lost") == 0, "\(got.report)")
        #expect(Collector.take("again.video").count == Rig.size.frames)
        _ = Collector.take("again.audio")
        #expect(got.metric("in", "video_asked_again") > 3 && sent.metric("out", "video_sent_again") > 3)
        // The two read the wall clock one after the other.
        #expect((-100_000..<5_000_000).contains(got.metric("in", "video_capture_age_us")))
        if feedback == "arrivals" {
            #expect(sent.metric("out", "video_told_arrived") > 50)
            #expect((0..<2_000_000).contains(sent.metric("out", "video_queued_us")))
        } else {
            #expect(sent.metric("out", "video_told_arrived") == 0)
        }
    }

    @Test func theDecoderConcealsAudioThatIsMissing() throws {
        let rig = try Rig()
        let (got, _, lost) = try run(rig, "holes", input: ["jitter_ms": 20], audio: { $0 % 20 == 13 ? [] : [0] })
        #expect(got.outcome == .finished && lost.audio > 2)
        let audio = Collector.take("holes.audio")
        _ = Collector.take("holes.video")
        #expect(!audio.contains { $0.header.flags.contains(.discontinuity) })
        let holes = zip(audio, audio.dropFirst()).map { ($1.header.pts - $0.header.pts).milliseconds - 20 }.filter {
            $0 > 10
        }
        #expect(!holes.isEmpty && holes.allSatisfy { abs($0 - 20) <= 1.01 }, "\(holes)")
        #expect(got.metric("in", "audio_lost") >= holes.count)
        let result = try NodeBench(OpusDecoderNode.self).run(audio.map(\.item))
        // The clip counts milliseconds.
        #expect(abs(result.metric("concealed_samples") - holes.count * 960) <= holes.count * 48)
        #expect(
            zip(result.audio, result.audio.dropFirst()).allSatisfy {
                $0.header.pts + $0.sampleDuration == $1.header.pts
            })
        // The tone goes on through the holes.
        let samples = result.audio.flatMap { Array($0.s16) }
        let loud = stride(from: 9_600, to: samples.count - 9_600, by: 960).map { start in
            samples[start..<start + 960].map { abs(Int($0)) }.max()!
        }
        #expect(loud.min()! > loud.max()! / 8)
    }

    @Test func lipsAndAudioAreInStepThoughTheirPathsDiffer() throws {
        let rig = try Rig()
        // Video is held back by four frames; its first sender report as well.
        let (got, _, _) = try run(rig, "sync", output: ["report_interval_ms": 200], video: { _ in [8] })
        #expect(got.outcome == .finished)
        let (video, audio) = (Collector.take("sync.video"), Collector.take("sync.audio"))
        let last = try #require(video.last)
        let lastFrame = try #require(audio.last)
        // The clip's last picture is shown at 1,967 ms, its last packet of audio heard at 1,980 (less Opus' pre-skip).
        #expect(abs((last.header.pts - lastFrame.header.pts).milliseconds - (1_966.7 - 1_973.5)) < 40)
        // They arrived further apart than that.
        #expect((video[0].header.captured - audio[0].header.captured).milliseconds > 60)
    }

    private static let hasIPv6 = (try? UDPSocket(boundTo: SocketAddress.find("::1", port: 0))) != nil

    @Test(.enabled(if: hasIPv6)) func addressesOfIPv6AreDescribedAndReached() throws {
        let rig = try Rig()
        let sender = Rig.Beside(
            try rig.sending(.h264, ["host": "::1", "encryption": "AEAD_AES_256_GCM", "rtcp_mux": true]))
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let got = try Rig.run(rig.receiving("ipv6"))
        #expect(try sender.wait().outcome == .finished && got.outcome == .finished)
        #expect(try String(contentsOfFile: rig.sdp, encoding: .utf8).contains("c=IN IP6 ::1\r\n"))
        #expect(got.report.contains("video: H264 from [::1]:") && got.metric("in", "video_not_authentic") == 0)
        #expect(Collector.take("ipv6.video").count >= 30 && Collector.take("ipv6.audio").count >= 50)
    }

    @Test func theReceiverReportsAndAsksForKeyframes() throws {
        let rig = try Rig()
        try rig.scratch.write("none", "")
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(try rig.clip(.vp8)), "decode": false, "pace": "live"])
        graph.node("asked", KeyframeCounter.self)
        graph.node(
            "out", RTPOutput.self,
            ["video_port": .integer(rig.port), "sdp": .string(rig.sdp), "report_interval_ms": 100])
        graph.edge("source.video -> asked.in")
        graph.edge("asked.out -> out.video")
        graph.control("out.keyframe -> asked.keyframe", .request)
        let sender = Rig.Beside(graph)
        try rig.wait(for: "a picture") { KeyframeCounter.pictures.withLock { $0 } > 2 }
        // It begins in the middle, so it lacks a keyframe.
        let receiver = Rig.Beside(rig.receiving("asking", ["report_interval_ms": 100], media: "video"))
        let sent = try sender.wait()
        let got = try receiver.wait()
        #expect(!Collector.take("asking.video").isEmpty)
        #expect(got.outcome == .finished && sent.outcome == .finished)
        #expect(got.metric("in", "video_sender_reports") >= 5)
        #expect(sent.metric("out", "video_bad_reports") == 0)
        #expect((0..<500_000).contains(sent.metric("out", "video_rtt_us")))
        #expect(got.metric("in", "video_keyframes_asked") > 0)
        #expect(KeyframeCounter.requests.withLock { $0 } > 0)
    }
}

extension PathTests {
    @Test func howeverOftenAKeyframeIsAskedForFewAreMade() throws {
        let rig = try Rig()
        KeyframeCounter.requests.withLock { $0 = 0 }
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(try rig.clip(.vp8)), "decode": false, "pace": "live"])
        graph.node("asked", KeyframeCounter.self)
        graph.node("out", RTPOutput.self, ["video_port": .integer(rig.port), "report_interval_ms": 100])
        graph.edge("source.video -> asked.in")
        graph.edge("asked.out -> out.video")
        graph.control("out.keyframe -> asked.keyframe", .request)
        let control = try UDPSocket(boundTo: SocketAddress(numeric: "127.0.0.1", port: rig.port + 1)!)
        let sender = Rig.Beside(graph)
        let batch = DatagramBatch(capacity: 1, room: 2_048)
        var asked = 0
        // A picture loss indication for each report, a hundred for each ten milliseconds.
        var peer: (address: SocketAddress, ssrc: UInt32)?
        for _ in 0..<250 {
            var ready = pollfd(fd: control.descriptor, events: Int16(POLLIN), revents: 0)
            if poll(&ready, 1, 10) > 0, batch.receive(on: control) == 0, batch.count == 1 {
                let (room, count) = batch.datagram(0)
                let packets = RTCPPacket.parse(UnsafeRawBufferPointer(rebasing: room[..<count])) ?? []
                if case .bye? = packets.last { break }
                if case .senderReport(let report)? = packets.first { peer = (batch.sender(0), report.ssrc) }
            }
            guard let peer else { continue }
            var bytes: [UInt8] = []
            RTCPPacket.receiverReport(ssrc: 1, reports: []).append(to: &bytes)
            RTCPPacket.pictureLoss(sender: 1, media: peer.ssrc).append(to: &bytes)
            for _ in 0..<10 {
                if bytes.withUnsafeBytes({ control.send($0, to: peer.address) }) == 0 { asked += 1 }
            }
        }
        #expect(try sender.wait().outcome == .finished)
        // The clip lasts two seconds.
        #expect(asked > 500)
        #expect((1...6).contains(KeyframeCounter.requests.withLock { $0 }))
    }
}

/// Hands packets on and counts requests.
final class KeyframeCounter: Node {
    static let descriptor = NodeDescriptor("test-keyframes", summary: "Counts requests for keyframes")
    let input = Input<Packet>("in")
    let output = Output<Packet>("out", follows: "in")
    let keyframe = RequestInput("keyframe", help: "counted")
    static let requests = Mutex(0)
    static let pictures = Mutex(0)
    func process(now: Instant) {
        if keyframe.take() { KeyframeCounter.requests.withLock { $0 += 1 } }
        while let packet = input.next() {
            KeyframeCounter.pictures.withLock { $0 += 1 }
            output.send(packet)
        }
    }
}
