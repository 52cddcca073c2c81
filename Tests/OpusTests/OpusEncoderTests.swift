import Bitstream
import COpus
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import OpusPlugin

@Suite struct OpusEncoderTests {
    private func encode(_ items: [AudioFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(OpusEncoderNode.self, parameters).run(items).packets
    }

    /// The samples that libopus makes of the packets, pre-skip dropped and cut to their durations.
    private func decode(_ packets: [Packet]) throws -> [Int16] {
        let head = try #require(OpusHead(packets[0].format.configuration))
        let decoder = try Decoder(channels: head.channels)
        var all: [Int16] = []
        for packet in packets {
            let count = try #require(Decoder.sampleCount(of: packet))
            let frame = AudioFrame(
                format: MediaFormat(audio: AudioLayout(.s16, rate: 48_000, channels: head.channels)), sampleCount: count
            )
            #expect(decoder.decode(packet, into: frame))
            let real = min(count, Int(packet.header.duration.rescaled(to: 48_000)))
            all += Array(frame.s16[0..<real * head.channels])
        }
        return Array(all.dropFirst(head.preSkip * head.channels))
    }

    @Test func afterAResetBytesAreThoseOfAFreshEncoder() throws {
        let audio = TestAudio.sine(count: 20)
        let harness = try NodeHarness(OpusEncoderNode.self, announcing: ["in": audio[0].format])
        for frame in audio[..<10] { harness.push(frame) }
        harness.settle()
        #expect(harness.request("reset"))
        for frame in audio[10...] { harness.push(frame) }
        harness.settle()
        let packets = harness.sink().received.map { $0.item as! Packet }
        let fresh = try encode(Array(audio[10...]))
        #expect(packets.count == 20)
        for (one, other) in zip(packets[10...], fresh) { #expect(Array(one.bytes) == Array(other.bytes)) }
        // The timestamps go on.
        for (before, after) in zip(packets, packets.dropFirst()) {
            #expect(after.header.pts - before.header.pts == .milliseconds(20))
        }
    }

    @Test func bytesAreThoseOfABareLoopOverOpusEncode() throws {
        let audio = TestAudio.sine(count: 50)
        let packets = try encode(
            audio,
            [
                "frame_ms": .number(10), "bitrate_kbps": .number(128), "vbr": .boolean(false),
                "complexity": .integer(0), "application": .string("lowdelay"),
            ])
        var code: Int32 = 0
        let bare = try #require(opus_encoder_create(48_000, 2, OPUS_APPLICATION_RESTRICTED_LOWDELAY, &code))
        defer { opus_encoder_destroy(bare) }
        _ = copus_set_bitrate(bare, 128_000)
        _ = copus_set_vbr(bare, 0)
        _ = copus_set_complexity(bare, 0)
        var out = [UInt8](repeating: 0, count: 4_000)
        var number = 0
        for frame in audio {
            for half in 0..<2 {
                let count = opus_encode(bare, frame.s16.baseAddress! + half * 960, 480, &out, 4_000)
                #expect(Array(packets[number].bytes) == Array(out[0..<Int(count)]))
                #expect(count == 160)
                number += 1
            }
        }
        // One more that pushes the delay of 2.5 ms out.
        #expect(packets.count == number + 1)
    }

    @Test(arguments: [2.5, 5, 10, 20, 40, 60]) func timesStepByExactlyTheFrame(length: Double) throws {
        // 1,000 samples a frame match no length of an Opus frame.
        let start = MediaTime(12_345, timescale: 48_000)
        let packets = try encode(TestAudio.sine(frame: 1_000, count: 48, start: start), ["frame_ms": .number(length)])
        let head = try #require(OpusHead(packets[0].format.configuration))
        let samples = Int64(length * 48)
        for (index, packet) in packets.enumerated() {
            #expect(
                packet.header.pts == start + MediaTime(Int64(index) * samples - Int64(head.preSkip), timescale: 48_000))
            if index < packets.count - 1 { #expect(packet.header.duration == MediaTime(samples, timescale: 48_000)) }
            #expect(packet.header.flags == .keyframe)
        }
        let last = try #require(packets.last)
        #expect(last.header.pts + last.header.duration == start + MediaTime(48_000, timescale: 48_000))
        #expect(try decode(packets).count == 48_000 * 2)
    }

    @Test(arguments: [8_000, 12_000, 16_000, 24_000, 48_000], [AudioLayout.SampleFormat.s16, .f32])
    func everyRateComesBack(rate: Int, format: AudioLayout.SampleFormat) throws {
        let packets = try encode(
            TestAudio.sine(format: format, rate: rate, channels: 1, frame: rate / 50, count: 50),
            ["bitrate_kbps": .number(48)])
        #expect(OpusHead(packets[0].format.configuration)?.inputRate == rate)
        let decoded = try decode(packets)
        #expect(decoded.count == 48_000)
        // The same sine, in place: the middle half second correlates with it.
        var (product, mine, theirs) = (0.0, 0.0, 0.0)
        for index in 12_000..<36_000 {
            let reference = sin(2 * .pi * 440 * Double(index) / 48_000)
            product += Double(decoded[index]) * reference
            mine += Double(decoded[index]) * Double(decoded[index])
            theirs += reference * reference
        }
        #expect(product / (mine * theirs).squareRoot() > 0.98)
    }

    @Test func equalInputGivesEqualBytes() throws {
        let (a, b) = (try encode(TestAudio.sine(count: 30)), try encode(TestAudio.sine(count: 30)))
        #expect(a.map { Array($0.bytes) } == b.map { Array($0.bytes) })
    }

    @Test func aNewBitrateChangesTheRate() throws {
        let bench = NodeBench(OpusEncoderNode.self, ["vbr": .boolean(false), "bitrate_kbps": .number(32)])
        let packets = try bench.run(TestAudio.sine(count: 100)) { node, number in
            if number == 50 { node.set("bitrate_kbps", to: 128) }
        }.packets
        #expect(packets[40].count == 80)
        #expect(packets[50].count == 320)
    }

    private func settings(_ parameters: [String: ParameterValue], channels: Int = 2) throws -> (Packet, TOC) {
        let packets = try encode(TestAudio.sine(channels: channels, count: 20), parameters)
        return (packets[5], TOC(packets[5].bytes[0]))
    }

    @Test func profilesSetWhatIsNotGiven() throws {
        let (low, lowTOC) = try settings(["profile": "lowdelay"])
        #expect(low.count == 160)
        #expect(low.header.duration == .milliseconds(10))
        #expect(OpusHead(low.format.configuration) == OpusHead(channels: 2, preSkip: 120, inputRate: 48_000))
        #expect(lowTOC == TOC(isCELT: true, isStereo: true))
        #expect(low.format.bitrate == 128_000)

        let (voice, voiceTOC) = try settings(["profile": "voip"])
        #expect(voice.header.duration == .milliseconds(20))
        #expect(OpusHead(voice.format.configuration)?.channels == 1)
        #expect(voice.format.audio?.channels == 1)
        #expect(!voiceTOC.isStereo)
        #expect(voice.format.bitrate == 32_000)
        #expect(try settings(["profile": "voip"], channels: 1).1.isStereo == false)

        let (plain, plainTOC) = try settings([:])
        #expect(plain.header.duration == .milliseconds(20))
        #expect(plainTOC.isStereo && plain.format.bitrate == 64_000)
    }

    @Test func theProfileLowdelayIsTheSettingsThatItStandsFor() throws {
        let spelled: [String: ParameterValue] = [
            "application": "lowdelay", "frame_ms": 10, "bitrate_kbps": 128, "vbr": false, "complexity": 0,
        ]
        let (a, b) = (
            try encode(TestAudio.sine(count: 30), ["profile": "lowdelay"]),
            try encode(TestAudio.sine(count: 30), spelled)
        )
        #expect(a.map { Array($0.bytes) } == b.map { Array($0.bytes) })
    }

    @Test func everySettingOfAProfileCanBeGiven() throws {
        let (low, toc) = try settings([
            "profile": "lowdelay", "frame_ms": 20, "bitrate_kbps": 64, "channels": 1, "bandwidth": "wide",
        ])
        #expect(low.header.duration == .milliseconds(20))
        #expect(low.count == 160)
        #expect(!toc.isStereo)
        // Configuration 23: CELT, 8 kHz, 20 ms (RFC 6716, table 2).
        #expect(low.bytes[0] >> 3 == 23)
        let (voice, stereo) = try settings(["profile": "voip", "channels": 2, "application": "lowdelay"])
        #expect(stereo == TOC(isCELT: true, isStereo: true))
        #expect(voice.format.audio?.channels == 2)
    }

    /// Of the byte that begins a packet (RFC 6716, section 3.1): configurations from 16 on are CELT alone.
    private struct TOC: Equatable {
        var isCELT: Bool
        var isStereo: Bool
        init(isCELT: Bool, isStereo: Bool) { (self.isCELT, self.isStereo) = (isCELT, isStereo) }
        init(_ byte: UInt8) { self.init(isCELT: byte >> 3 >= 16, isStereo: byte & 4 != 0) }
    }

    /// 1,000 samples a frame, so that parts of packets are carried.
    @Test(arguments: [AudioLayout.SampleFormat.s16, .f32]) func lowdelayGivesMonoToBothSides(
        _ format: AudioLayout.SampleFormat
    ) throws {
        let mono = TestAudio.sine(format: format, channels: 1, frame: 1_000, count: 24)
        let stereo = TestAudio.sine(format: format, channels: 2, frame: 1_000, count: 24)
        let (a, b) = (try encode(mono, ["profile": "lowdelay"]), try encode(stereo, ["profile": "lowdelay"]))
        #expect(a.count == b.count && a.count > 40)
        #expect(a.map { Array($0.bytes) } == b.map { Array($0.bytes) })
        #expect(a.map(\.header.pts) == b.map(\.header.pts))
        #expect(a[0].format.audio?.channels == 2 && TOC(a[0].bytes[0]).isStereo)
        #expect(OpusHead(a[0].format.configuration) == OpusHead(channels: 2, preSkip: 120, inputRate: 48_000))
        // Mono where the graph asks for it, and both sides wherever it does.
        #expect(try encode(mono, ["profile": "lowdelay", "channels": 0])[0].format.audio?.channels == 1)
        #expect(try encode(mono, ["channels": 2])[0].format.audio?.channels == 2)
    }

    @Test func expectedLossMakesRoomForCopies() throws {
        let bench = NodeBench(
            OpusEncoderNode.self,
            ["profile": "voip", "fec": true, "vbr": false, "signal": "voice", "bandwidth": "wide"])
        // Syllables: only what libopus takes for speech is copied.
        let audio = TestAudio.sine(220, channels: 1, count: 120)
        for (number, frame) in audio.enumerated() where number % 10 > 5 {
            for index in 0..<960 { frame.s16[index] /= 200 }
        }
        let packets = try bench.run(audio) { node, number in
            if number == 60 { node.set("loss_percent", to: 25) }
        }.packets
        #expect(try !packets[10..<60].contains(where: recovers))
        #expect(try packets[70...].filter(recovers).count > 10)
    }

    /// Whether a decoder that has seen nothing else gets audio of the packet's copy of the frame before it.
    private func recovers(_ packet: Packet) throws -> Bool {
        let decoder = try Decoder(channels: 1)
        let frame = AudioFrame(
            format: MediaFormat(audio: AudioLayout(.s16, rate: 48_000, channels: 1)), sampleCount: 960)
        guard decoder.decode(packet, into: frame, recovering: true) else { return false }
        return frame.s16.contains { abs(Int($0)) > 300 }
    }

    @Test func aFenceFillsUpWhatIsCarriedAndNothingElseDoes() throws {
        var graph = GraphBuilder()
        graph.node("from", Fencing.self)
        graph.node("opus", OpusEncoderNode.self, ["frame_ms": 20])
        graph.node("to", TestSink.self)
        graph.edge("from.out -> opus.in", items: 50, milliseconds: 5_000)
        graph.edge("opus.out -> to.in", items: 50, milliseconds: 5_000)
        let harness = try GraphHarness(graph)
        let source = try #require(harness.node("from") as? Fencing)
        // 1,500 samples: one Opus frame of 960, and 540 that wait for more.
        source.waiting = TestAudio.sine(frame: 500, count: 3)
        harness.request("send", of: "from")
        harness.settle()
        #expect(harness.sink("to").received.count == 1)
        harness.request("fence", of: "from")
        harness.settle()
        let first = harness.sink("to").takeAll()
        try #require(first.count == 2)
        let head = MediaTime(312, timescale: 48_000)
        #expect(first[1].header.pts == .milliseconds(20) - head)
        #expect(first[1].header.pts + first[1].header.duration == MediaTime(1_500, timescale: 48_000))
        // A fence behind whole frames adds nothing, and what follows is a stretch of its own.
        source.waiting = TestAudio.sine(frame: 960, count: 2, start: .seconds(1))
        harness.request("send", of: "from")
        harness.settle()
        harness.request("fence", of: "from")
        harness.settle()
        let second = harness.sink("to").takeAll()
        #expect(second.map(\.header.pts) == [.seconds(1) - head, .seconds(1) + .milliseconds(20) - head])
        #expect(second.map { $0.header.flags.contains(.discontinuity) } == [true, false])
    }

    /// Sends what it is given, and a fence when it is asked for one.
    private final class Fencing: Node {
        static let descriptor = NodeDescriptor("fencing", summary: "Sends audio and fences")
        let output = Output<AudioFrame>("out")
        let send = RequestInput("send", help: "what waits")
        let fence = RequestInput("fence", help: "a fence")
        var waiting: [AudioFrame] = []
        func process(now: Instant) {
            if send.take() {
                for frame in waiting { output.send(frame) }
                waiting = []
            }
            if fence.take() { output.placeFence() }
        }
    }

    @Test func aHoleStartsTheCountAnew() throws {
        let before = TestAudio.sine(frame: 1_000, count: 3)
        let after = TestAudio.sine(frame: 1_000, count: 3, start: .milliseconds(500))
        let packets = try encode(before + after)
        let flagged = packets.filter { $0.header.flags.contains(.discontinuity) }
        #expect(flagged.count == 1)
        #expect(flagged.first?.header.pts == .milliseconds(500) - MediaTime(312, timescale: 48_000))
        for (packet, next) in zip(packets, packets.dropFirst()) { #expect(packet.header.pts < next.header.pts) }
    }

    @Test func timesRoundedToMillisecondsAreNoHole() throws {
        let audio = TestAudio.sine(frame: 1_024, count: 100)
        for frame in audio { frame.header.pts = .milliseconds(Int64(frame.header.pts.milliseconds.rounded())) }
        let packets = try encode(audio)
        #expect(!packets.contains { $0.header.flags.contains(.discontinuity) })
        for (packet, next) in zip(packets, packets.dropFirst()) {
            #expect(next.header.pts - packet.header.pts == .milliseconds(20))
        }
    }

    @Test func packetsCarryTheEpochOfTheirSamples() throws {
        let audio = TestAudio.sine(frame: 1_000, count: 20)
        for frame in audio[10...] { frame.header.epoch = 1 }
        let packets = try encode(audio)
        let epochs = packets.map(\.header.epoch)
        #expect(epochs == epochs.sorted())
        // 10,000 samples are 10 whole packets and a part, which is filled up rather than mixed with the next epoch.
        #expect(epochs.filter { $0 == 0 }.count == 11)
    }

    @Test func anotherRateInMidStreamIsFollowed() throws {
        let packets = try encode(
            TestAudio.sine(count: 10)
                + TestAudio.sine(
                    format: .f32, rate: 16_000, channels: 1, frame: 320, count: 10, start: .milliseconds(200)))
        #expect(packets.first?.format.audio?.channels == 2)
        #expect(packets.last?.format.audio?.channels == 1)
        #expect(packets.last.map { $0.header.pts + $0.header.duration } == .milliseconds(400))
    }

    @Test func aLengthThatOpusDoesNotHaveIsRefused() throws {
        #expect {
            try encode(TestAudio.sine(count: 1), ["frame_ms": .number(15)])
        } throws: { "\($0)".contains("frame_ms is 15") && "\($0)".contains("Use 2.5, 5, 10, 20, 40 or 60") }
    }

    @Test func silenceAndNotANumberAreEncoded() throws {
        let audio = TestAudio.sine(format: .f32, count: 10)
        for frame in audio { for index in 0..<frame.f32.count { frame.f32[index] = index % 2 == 0 ? .nan : .infinity } }
        #expect(try encode(audio).count == 11)
    }
}
