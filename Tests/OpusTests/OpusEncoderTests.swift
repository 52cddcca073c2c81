import COpus
import Foundation
import Sluice
import TestSupport
import Testing

@testable import OpusPlugin

@Suite struct OpusEncoderTests {
    private func encode(_ items: [AudioFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(OpusEncoderNode.self, parameters).run(items).packets
    }

    /// What libopus makes of the packets, pre-skip dropped and cut to their durations.
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

    @Test func bytesAreThoseOfABareLoopOverOpusEncode() throws {
        let sound = Sound.sine(count: 50)
        let packets = try encode(
            sound,
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
        for frame in sound {
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
        let packets = try encode(Sound.sine(frame: 1_000, count: 48, start: start), ["frame_ms": .number(length)])
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

    @Test(arguments: [8_000, 12_000, 16_000, 24_000, 48_000], [SampleFormat.s16, .f32])
    func everyRateComesBack(rate: Int, format: SampleFormat) throws {
        let packets = try encode(
            Sound.sine(format: format, rate: rate, channels: 1, frame: rate / 50, count: 50),
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
        let (a, b) = (try encode(Sound.sine(count: 30)), try encode(Sound.sine(count: 30)))
        #expect(a.map { Array($0.bytes) } == b.map { Array($0.bytes) })
    }

    @Test func aNewBitrateChangesTheRate() throws {
        let bench = NodeBench(OpusEncoderNode.self, ["vbr": .boolean(false), "bitrate_kbps": .number(32)])
        let packets = try bench.run(Sound.sine(count: 100)) { node, number in
            if number == 50 { node.set("bitrate_kbps", to: 128) }
        }.packets
        #expect(packets[40].count == 80)
        #expect(packets[50].count == 320)
    }

    @Test func aHoleStartsTheCountAnew() throws {
        let before = Sound.sine(frame: 1_000, count: 3)
        let after = Sound.sine(frame: 1_000, count: 3, start: .milliseconds(500))
        let packets = try encode(before + after)
        let flagged = packets.filter { $0.header.flags.contains(.discontinuity) }
        #expect(flagged.count == 1)
        #expect(flagged.first?.header.pts == .milliseconds(500) - MediaTime(312, timescale: 48_000))
        for (packet, next) in zip(packets, packets.dropFirst()) { #expect(packet.header.pts < next.header.pts) }
    }

    @Test func timesRoundedToMillisecondsAreNoHole() throws {
        let sound = Sound.sine(frame: 1_024, count: 100)
        for frame in sound { frame.header.pts = .milliseconds(Int64(frame.header.pts.milliseconds.rounded())) }
        let packets = try encode(sound)
        #expect(!packets.contains { $0.header.flags.contains(.discontinuity) })
        for (packet, next) in zip(packets, packets.dropFirst()) {
            #expect(next.header.pts - packet.header.pts == .milliseconds(20))
        }
    }

    @Test func packetsCarryTheEpochOfTheirSamples() throws {
        let sound = Sound.sine(frame: 1_000, count: 20)
        for frame in sound[10...] { frame.header.epoch = 1 }
        let packets = try encode(sound)
        let epochs = packets.map(\.header.epoch)
        #expect(epochs == epochs.sorted())
        // 10,000 samples are 10 whole packets and a part, which is filled up rather than mixed with the next epoch.
        #expect(epochs.filter { $0 == 0 }.count == 11)
    }

    @Test func anotherRateInMidStreamIsFollowed() throws {
        let packets = try encode(
            Sound.sine(count: 10)
                + Sound.sine(format: .f32, rate: 16_000, channels: 1, frame: 320, count: 10, start: .milliseconds(200)))
        #expect(packets.first?.format.audio?.channels == 2)
        #expect(packets.last?.format.audio?.channels == 1)
        #expect(packets.last.map { $0.header.pts + $0.header.duration } == .milliseconds(400))
    }

    @Test func aLengthThatOpusDoesNotHaveIsRefused() throws {
        #expect {
            try encode(Sound.sine(count: 1), ["frame_ms": .number(15)])
        } throws: { "\($0)".contains("frame_ms is 15") && "\($0)".contains("Use 2.5, 5, 10, 20, 40 or 60") }
    }

    @Test func silenceAndNotANumberAreEncoded() throws {
        let sound = Sound.sine(format: .f32, count: 10)
        for frame in sound { for index in 0..<frame.f32.count { frame.f32[index] = index % 2 == 0 ? .nan : .infinity } }
        #expect(try encode(sound).count == 11)
    }
}
