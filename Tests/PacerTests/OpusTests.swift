import COpus
import PacerPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct OpusTests {
    /// Packets as libopus makes them.
    private final class Encoder {
        let handle: OpaquePointer
        let samples: Int
        init(milliseconds: Int = 20, channels: Int32 = 1) {
            var code: Int32 = 0
            handle = opus_encoder_create(48_000, channels, OPUS_APPLICATION_AUDIO, &code)!
            samples = milliseconds * 48
        }
        deinit { opus_encoder_destroy(handle) }
        func packet(_ number: Int, format: MediaFormat) -> Packet {
            let channels = format.audio!.channels
            let pcm = (0..<samples * channels).map { tone(number * samples + $0 / channels) }
            var bytes = [UInt8](repeating: 0, count: 4_000)
            let count = Int(opus_encode(handle, pcm, Int32(samples), &bytes, 4_000))
            let packet = Packet(format: format, count: count)
            packet.mutableBytes.copyBytes(from: bytes[..<count])
            packet.header.pts = MediaTime(Int64(number * samples), timescale: 48_000)
            packet.header.dts = packet.header.pts
            packet.header.duration = MediaTime(Int64(samples), timescale: 48_000)
            return packet
        }
    }

    private static let mono = MediaFormat(codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 1))

    private func feed(_ rig: Rig, _ encoder: Encoder, _ numbers: Range<Int>, from: Double, every: Double) {
        for (index, number) in numbers.enumerated() {
            rig.harness.advance(to: Rig.at(from + Double(index) * every))
            rig.harness.push(encoder.packet(number, format: OpusTests.mono))
            rig.harness.settle()
        }
    }

    private func rig(_ drift: String = "skip") throws -> Rig {
        try Rig(["drift": .string(drift)], format: OpusTests.mono)
    }

    /// The samples that libopus makes of the packets, all of one decoder.
    private func decoded(_ tape: [Rig.Got], samples: Int = 960) -> [[Int16]] {
        var code: Int32 = 0
        let decoder = opus_decoder_create(48_000, 1, &code)!
        defer { opus_decoder_destroy(decoder) }
        return tape.map { got in
            let bytes = (got.item as! Packet).bytes.bindMemory(to: UInt8.self)
            var pcm = [Int16](repeating: 0, count: 5_760)
            let count = opus_decode(decoder, bytes.baseAddress!, Int32(bytes.count), &pcm, 5_760, 0)
            return Array(pcm.prefix(max(0, Int(count))))
        }
    }

    @Test func packetsKeepGridAndSteps() throws {
        for milliseconds in [10, 20, 40, 60] {
            let rig = try rig()
            feed(rig, Encoder(milliseconds: milliseconds), 0..<50, from: 3, every: Double(milliseconds))
            rig.run(until: Double(50 * milliseconds))
            #expect(Rig.isExact(rig.tape, milliseconds: Double(milliseconds)))
            #expect(rig.tape.count > 40)
            #expect(rig.metric("silence_frames") + rig.metric("concealed_samples") == 0)
        }
    }

    @Test func aHoleIsFilledWithAPacketFromWhichTheDecoderConcealsIt() throws {
        let rig = try rig()
        let encoder = Encoder()
        feed(rig, encoder, 0..<20, from: 0, every: 20)
        feed(rig, encoder, 21..<40, from: 420, every: 20)
        rig.run(until: 850)
        #expect(Rig.isExact(rig.tape))
        let sizes = rig.tape.map { ($0.item as! Packet).count }
        #expect(sizes[20] == 1)
        #expect(sizes.filter { $0 == 1 }.count == 1)
        #expect(rig.metric("concealed_samples") == 960)
        let pcm = decoded(rig.tape)
        #expect(pcm.allSatisfy { $0.count == 960 })
        // It sounds on.
        #expect(pcm[20].map { abs(Int($0)) }.max()! > 3_000)
    }

    @Test func emptyPacketsLastAsLongAsTheOthers() throws {
        for milliseconds in [40, 60] {
            let rig = try rig()
            let encoder = Encoder(milliseconds: milliseconds)
            feed(rig, encoder, 0..<10, from: 0, every: Double(milliseconds))
            feed(rig, encoder, 11..<20, from: Double(11 * milliseconds), every: Double(milliseconds))
            rig.run(until: Double(19 * milliseconds))
            #expect(decoded(rig.tape).allSatisfy { $0.count == milliseconds * 48 })
            #expect(rig.metric("concealed_samples") == milliseconds * 48)
        }
    }

    @Test func aSourceThatStopsBecomesSilence() throws {
        for milliseconds in [10, 20, 40, 60] {
            let rig = try rig()
            feed(rig, Encoder(milliseconds: milliseconds), 0..<20, from: 0, every: Double(milliseconds))
            rig.run(until: Double(20 * milliseconds) + 1_500)
            #expect(Rig.isExact(rig.tape, milliseconds: Double(milliseconds)))
            let pcm = decoded(rig.tape)
            #expect(pcm.allSatisfy { $0.count == milliseconds * 48 })
            #expect(pcm.suffix(10).allSatisfy { $0.allSatisfy { abs(Int($0)) <= 1 } })
            #expect(rig.metric("silence_frames") > 15)
            #expect(rig.words == ["first frame", "its input ran dry; silence until media come"])
        }
    }

    @Test func skippingMeetsAClockThatIsOff() throws {
        // 0.5 % fast: a packet too many every 4 s.
        let fast = try rig()
        feed(fast, Encoder(), 0..<3_000, from: 0, every: 19.9)
        #expect(Rig.isExact(fast.tape))
        #expect(fast.metric("dropped") == 0)
        #expect((8...18).contains(3_000 - fast.tape.count - fast.metric("depth_ms") / 20))
        let slow = try rig()
        feed(slow, Encoder(), 0..<3_000, from: 0, every: 20.1)
        #expect(Rig.isExact(slow.tape))
        #expect(slow.metric("silence_frames") == 0)
        #expect((8...18).contains(slow.metric("concealed_samples") / 960))
    }

    @Test func anotherPacketLengthInMidStreamIsFollowed() throws {
        let rig = try rig()
        feed(rig, Encoder(), 0..<20, from: 0, every: 20)
        let ten = Encoder(milliseconds: 10)
        feed(rig, ten, 40..<80, from: 400, every: 10)
        rig.run(until: 850)
        let tape = rig.tape
        #expect(Rig.isExact(Array(tape[..<20])))
        #expect(Rig.isExact(Array(tape[20...]), milliseconds: 10))
        #expect(tape[20].at - tape[19].at == .milliseconds(20) || tape[20].at - tape[19].at == .milliseconds(10))
        #expect(rig.words.contains("packets last 10.0 ms from now on; the grid goes on"))
    }

    @Test func whatIsNoOpusIsLeftOutAndSaidOnce() throws {
        let rig = try rig()
        let encoder = Encoder()
        for number in 0..<20 {
            feed(rig, encoder, number..<number + 1, from: Double(number) * 20, every: 20)
            let bad = Packet(format: OpusTests.mono, count: 1)
            bad.mutableBytes[0] = 3
            rig.harness.push(bad)
        }
        rig.run(until: 400)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.metric("bad_packets") > 10)
        #expect(rig.words.filter { $0.contains("is not Opus") }.count == 1)
    }
}
