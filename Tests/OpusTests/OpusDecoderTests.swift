import Foundation
import Sluice
import TestSupport
import Testing

@testable import OpusPlugin

@Suite struct OpusDecoderTests {
    private func encode(_ audio: [AudioFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(OpusEncoderNode.self, parameters).run(audio).packets
    }
    private func decode(_ packets: [Packet]) throws -> NodeBench<OpusDecoderNode>.Result {
        try NodeBench(OpusDecoderNode.self).run(packets)
    }

    /// Every frame begins where the one before ends.
    private func expectGapless(_ frames: [AudioFrame]) {
        for (frame, next) in zip(frames, frames.dropFirst()) {
            #expect(frame.header.pts + frame.sampleDuration == next.header.pts)
        }
    }

    @Test(arguments: [480, 960, 1_000, 4_001]) func whatWentInComesOutAtItsTime(frame: Int) throws {
        let start = MediaTime.milliseconds(7)
        let audio = TestAudio.sine(frame: frame, count: 24, start: start)
        let frames = try decode(encode(audio, ["bitrate_kbps": .number(128)])).audio
        #expect(frames.first?.header.pts == start)
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == frame * 24)
        expectGapless(frames)
        // Sample for sample the sine that went in, apart from the codec's loss.
        let (before, after) = (audio.flatMap { Array($0.s16) }, frames.flatMap { Array($0.s16) })
        let error = zip(before, after).dropFirst(4_000).map { pow(Double($0) - Double($1), 2) }.reduce(0, +)
        let power = before.dropFirst(4_000).map { pow(Double($0), 2) }.reduce(0, +)
        #expect(10 * log10(power / error) > 15)
    }

    @Test(arguments: [1, 2, 4]) func missingPacketsAreConcealedToTheSample(lost: Int) throws {
        var packets = try encode(TestAudio.sine(count: 50))
        packets.removeSubrange(20..<20 + lost)
        let result = try decode(packets)
        expectGapless(result.audio)
        #expect(result.audio.reduce(0) { $0 + $1.sampleCount } == 48_000)
        #expect(result.metric("concealed_samples") == lost * 960)
        // The sine goes on through the hole.
        let all = result.audio.flatMap { Array($0.s16) }
        let hole = all[(20 * 960 - 312) * 2..<(21 * 960 - 312) * 2]
        #expect(hole.map { abs(Int($0)) }.max() ?? 0 > 3_000)
    }

    @Test func aLongHoleStartsTheCountAnew() throws {
        var packets = try encode(TestAudio.sine(count: 50))
        packets.removeSubrange(20..<30)
        let result = try decode(packets)
        #expect(result.metric("concealed_samples") == 0)
        let flagged = result.audio.filter { $0.header.flags.contains(.discontinuity) }
        #expect(flagged.count == 1)
        // The pre-skip is dropped again, so the audio resumes where the packet's own samples begin.
        #expect(flagged.first?.header.pts == .milliseconds(600))
    }

    @Test func aLossIsRecoveredFromTheNextPacket() throws {
        let audio = TestAudio.sine(220, rate: 16_000, channels: 1, frame: 320, count: 50)
        let settings: [String: ParameterValue] = [
            "application": .string("voip"), "fec": .boolean(true), "loss_percent": .integer(30),
            "bitrate_kbps": .number(24),
        ]
        var packets = try encode(audio, settings)
        let whole = try decode(packets).audio.flatMap { Array($0.s16) }
        packets.remove(at: 25)
        let healed = try decode(packets).audio.flatMap { Array($0.s16) }
        #expect(whole.count == healed.count)
    }

    @Test func bytesThatAreNoOpusAreConcealed() throws {
        let packets = try encode(TestAudio.sine(count: 20))
        let broken = Packet(format: packets[0].format, count: 3)
        // Code 3 with a frame count of 0 (RFC 6716, section 3.2.5).
        for (index, byte) in [UInt8(0xff), 0, 0].enumerated() { broken.mutableBytes[index] = byte }
        broken.header = packets[8].header
        let empty = Packet(format: packets[0].format, count: 0)
        empty.header.pts = packets[9].header.pts
        let result = try decode(packets[0..<8] + [broken, empty] + packets[10...])
        expectGapless(result.audio)
        #expect(result.audio.reduce(0) { $0 + $1.sampleCount } == 20 * 960)
        #expect(result.metric("bad_packets") == 2)
        #expect(result.events.filter { $0.contains("not Opus") }.count == 1)
    }

    @Test func randomBytesNeverCrash() throws {
        var random = Dice(seed: 1)
        let format = try #require(encode(TestAudio.sine(count: 2)).first?.format)
        let packets = (0..<500).map { index in
            let packet = Packet(format: format, count: Int.random(in: 0...200, using: &random))
            for byte in 0..<packet.count { packet.mutableBytes[byte] = .random(in: 0...255, using: &random) }
            packet.header.pts = .milliseconds(Int64(index) * 20)
            return packet
        }
        #expect(try decode(packets).outcome == .finished)
    }

    @Test func theEpochGoesThrough() throws {
        let packets = try encode(TestAudio.sine(count: 20))
        for packet in packets[10...] { packet.header.epoch = 3 }
        let frames = try decode(packets).audio
        #expect(frames.map(\.header.epoch).filter { $0 == 3 }.count == packets.count - 10)
        expectGapless(frames)
    }
}
