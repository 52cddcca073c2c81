import RTP
import Sluice
import TestSupport
import Testing

/// Packets tell more than their media: silence, levels, times, delays.
@Suite struct SilenceAndLevelTests {
    private final class Bench {
        let receiver: StreamReceiver
        var frames: [(timestamp: Int64, before: Int, isSilence: Bool)] = []

        init(_ change: (inout StreamReceiver.Settings) -> Void = { _ in }) {
            var settings = StreamReceiver.Settings(format: .opus, payloadType: 111, delay: .milliseconds(60))
            settings.sources.isTrusting = true
            change(&settings)
            receiver = StreamReceiver(settings)
        }

        func receive(_ datagram: [UInt8], at now: Int) {
            let time = Instant(nanoseconds: Int64(now) * 1_000_000)
            datagram.withUnsafeBytes {
                receiver.receive($0, now: time, restarted: {}) {
                    frames.append(($0.timestamp, $0.silenceBefore, $0.isSilence))
                }
            }
            receiver.release(now: time) { frames.append(($0.timestamp, $0.silenceBefore, $0.isSilence)) }
        }
    }

    @Test func silenceThatIsNotSentIsNoLoss() {
        var sender = StreamSender(.opus, payloadType: 111, ssrc: 5, sequence: 65_534, timestampOffset: 0)
        let bench = Bench()
        // Speech, a packet without sound, 400 ms of nothing, another without sound, 400 ms, speech.
        for (time, size) in [(0, 60), (20, 60), (40, 0), (440, 0), (840, 60), (860, 60)] {
            for packet in sender.packets(
                of: [0xf8] + [UInt8](repeating: 1, count: size), at: .milliseconds(Int64(time)))
            {
                bench.receive(packet, at: time)
            }
        }
        #expect(bench.frames.map(\.before) == [0, 0, 0, 380 * 48, 380 * 48, 0])
        #expect(bench.frames.map(\.isSilence) == [false, false, true, true, false, false])
        #expect(bench.receiver.counts.lost == 0)
    }

    @Test func aHoleOfLostPacketsIsNoSilence() {
        var sender = StreamSender(.opus, payloadType: 111, ssrc: 5, sequence: 65_534, timestampOffset: 0)
        let bench = Bench()
        for index in 0..<10 {
            let packet = sender.packets(of: [0xf8, 1, 2, 3], at: .milliseconds(Int64(index) * 20))[0]
            if index != 4 && index != 5 { bench.receive(packet, at: index * 20) }
        }
        #expect(bench.frames.count == 8 && bench.frames.allSatisfy { $0.before == 0 })
        #expect(bench.receiver.counts.lost == 2)
    }

    @Test func theSendersLevelIsToldInDecibelsOfOverload() {
        let bench = Bench { $0.audioLevel = 1 }
        let layout = ExtensionLayout([(1, 1)])
        let values: [UInt64] = [0, 0x80 | 30, 127]
        for (index, told) in values.enumerated() {
            var packet = [UInt8](repeating: 0xf8, count: 40)
            packet.withUnsafeMutableBytes { room in
                RTPHeader(payloadType: 111, sequence: UInt16(index), timestamp: UInt32(index) * 960, ssrc: 5)
                    .write(to: room)
                layout.write(to: room)
                layout.put(told, 1, in: room)
            }
            bench.receive(packet, at: index * 20)
            let level = bench.receiver.level
            #expect(level?.dBov == [0, -30, -127][index] && level?.isSpeech == (index == 1))
            #expect(level?.arrival == Instant(nanoseconds: Int64(index) * 20_000_000))
        }
    }

    @Test func packetsTellWhenTheyLeftAndTheDelayThatTheyWish() throws {
        let extensions = SenderExtensions(
            sendTime: 2, playoutDelay: .init(number: 5, min: 100, max: 205), mediaID: (number: 4, text: "0"))
        var sender = StreamSender(
            .vp8, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0, extensions: extensions)
        let frame = MadeFrames.vp8(3_000, isKeyframe: true, seed: 1)
        frame.withUnsafeBytes { sender.begin($0, at: .zero, isKeyframe: true) }
        var room = [UInt8](repeating: 0, count: 1_200)
        // 64.25 s: 6.18 fixed point wraps each 64 s.
        let now = Instant(nanoseconds: 64_250_000_000)
        var sizes: [Int] = []
        while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: now) }) {
            var found: [UInt8: [UInt8]] = [:]
            room.prefix(size).withUnsafeBytes { RTPHeader.forEachExtension(of: $0) { found[$0] = Array($1) } }
            #expect(found == [2: [1, 0, 0], 5: [0x00, 0xa0, 0x14], 4: Array("0".utf8)])
            sizes.append(size)
        }
        #expect(sizes.count == 3 && sizes[0] == sizes[1] && sizes[2] <= sizes[1])
        let none = SenderExtensions.PlayoutDelay(number: 5, min: 0, max: 0)
        #expect(none.min == 0 && none.max == 0)
        let odd = SenderExtensions.PlayoutDelay(number: 5, min: 99_999, max: -5)
        #expect(odd.min == 40_950 && odd.max == 40_950)
        // Before the clock's zero it wraps too.
        #expect(ExtensionValue.absoluteSendTime(at: Instant(nanoseconds: -250_000_000)) == 0xff_0000)
        #expect(ExtensionValue.absoluteSendTime(at: .distantFuture) <= 0xff_ffff)
    }
}
