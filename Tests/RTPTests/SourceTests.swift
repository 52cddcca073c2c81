import RTP
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

/// Every packet of a source counts, whatever its payload type, and nothing is lost when its numbers begin anew.
@Suite struct SourceTests {
    private func datagram(_ type: UInt8, _ sequence: Int, _ timestamp: Int, _ payload: [UInt8], marked: Bool = false)
        -> [UInt8]
    {
        var bytes = [UInt8](repeating: 0, count: RTPHeader.size)
        let header = RTPHeader(
            isMarked: marked, payloadType: type, sequence: UInt16(truncatingIfNeeded: sequence),
            timestamp: UInt32(truncatingIfNeeded: timestamp), ssrc: 7)
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return bytes + payload
    }

    private func sound(_ index: Int) -> [UInt8] { [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 160) }

    private func telephone(_ release: JitterBuffer.Release = .early) -> ReceiverBench {
        var settings = StreamReceiver.Settings(
            format: .pcmu, payloadType: 0, delay: .milliseconds(50), release: release)
        settings.others = [0: .pcmu, 8: .pcma, 97: .opus]
        settings.keys = [101]
        return ReceiverBench(settings)
    }

    @Test(arguments: [JitterBuffer.Release.early, .timed]) func keysLoseNoSound(_ release: JitterBuffer.Release) {
        let bench = telephone(release)
        var sequence = 65_400
        func send(_ type: UInt8, _ timestamp: Int, _ payload: [UInt8], at: Double) {
            bench.receive(datagram(type, sequence, timestamp, payload), at: at)
            sequence += 1
        }
        for index in 0..<300 {
            let at = Double(index) * 20
            // Five packets of each key, all with the time at which it was pressed; and a type that nobody told of.
            if (20..<25).contains(index % 50) { send(101, (index / 50 * 50 + 20) * 160, [5, 10, 0, 160], at: at) }
            if index % 100 == 60 { send(77, 12_345, [1, 2, 3], at: at) }
            send(0, index * 160, sound(index), at: at)
            bench.release(at: at + 1)
        }
        bench.drain()
        #expect(bench.frames.map(\.bytes) == (0..<300).map(sound))
        #expect(zip(bench.frames, bench.frames.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == 160 })
        let counts = bench.receiver.counts
        #expect(counts.lost == 0 && counts.foreign == 0 && counts.packets == 300 + 30 + 3)
        #expect(counts.otherTypes == 33 && counts.keys == 6 && bench.restarts == 0)
        #expect(bench.receiver.statistics.lost == 0 && bench.receiver.statistics.jitter < .milliseconds(1))
    }

    @Test func aSourceIsNotBelievedForPacketsWithoutMedia() {
        let bench = telephone()
        for index in 0..<10 { bench.receive(datagram(101, index, 0, [1, 0, 0, 0]), at: Double(index) * 20) }
        #expect(bench.receiver.source == nil && bench.receiver.counts.foreign == 10)
    }

    @Test func aSenderMayChangeItsCodec() {
        let bench = telephone()
        for index in 0..<100 {
            let type: UInt8 = index < 30 ? 0 : index < 60 ? 8 : 97
            // Opus counts at 48 kHz.
            let timestamp = type == 97 ? 5_000 + index * 960 : index * 160
            bench.receive(
                datagram(type, index, timestamp, type == 97 ? [0xf8, 1, 2] : sound(index)), at: Double(index) * 20)
        }
        #expect(bench.frames.count == 100 && bench.receiver.counts.lost == 0)
        #expect(
            bench.formats.map(\.codec).elementsEqual((0..<100).map { $0 < 30 ? .pcmu : $0 < 60 ? .pcma : .opus }))
        #expect(bench.receiver.timestampRate == 48_000 && bench.restarts == 1)
    }

    // MARK: New numbers

    /// Pictures of three packets; the first of each count is a keyframe, and no other is.
    private func picture(_ sender: inout StreamSender, _ index: Int, isKeyframe: Bool, group: Int) -> [[UInt8]] {
        sender.packets(
            of: MadeFrames.vp8(2_500, isKeyframe: isKeyframe, seed: index),
            at: .milliseconds(Int64(index - group) * 40),
            isKeyframe: isKeyframe)
    }

    @Test(
        arguments: [
            // Far away; close behind the old numbers; close before them; the same ones again.
            (40_000, 7_000_000), (1_100, 7_000_000), (1_500, 4_000_000_000), (1_000, 90_000),
        ])
    func nothingIsLostWhenNumbersBeginAnew(sequence: Int, timestamp: Int) {
        var first = StreamSender(.vp8, payloadType: 96, ssrc: 7, sequence: 1_000, timestampOffset: 90_000)
        var second = StreamSender(
            .vp8, payloadType: 96, ssrc: 7, sequence: UInt16(sequence), timestampOffset: UInt32(timestamp))
        let bench = ReceiverBench(.vp8, delay: .milliseconds(50))
        for index in 0..<50 {
            for packet in picture(&first, index, isKeyframe: index == 0, group: 0) {
                bench.receive(packet, at: Double(index) * 40)
            }
        }
        for index in 50..<100 {
            for packet in picture(&second, index, isKeyframe: index == 50, group: 50) {
                bench.receive(packet, at: Double(index) * 40)
            }
        }
        bench.drain()
        #expect(bench.frames.count == 100 && bench.receiver.counts.lost == 0 && bench.restarts == 1)
        #expect(bench.receiver.depacketizer.framesBeforeKeyframe == 0 && bench.receiver.counts.foreign == 0)
    }

    @Test(arguments: [7, 8] as [UInt32]) func aSenderThatIsStartedAgainLosesNothing(source: UInt32) {
        func place(_ port: UInt16) -> PacketOrigin { PacketOrigin(host: .init([192, 0, 2, 1]), port: port) }
        var first = StreamSender(.vp8, payloadType: 96, ssrc: 7, sequence: 1_000, timestampOffset: 90_000)
        var second = StreamSender(.vp8, payloadType: 96, ssrc: source, sequence: 40_000, timestampOffset: 7_000_000)
        let bench = ReceiverBench(.vp8, delay: .milliseconds(50))
        for index in 0..<50 {
            for packet in picture(&first, index, isKeyframe: index == 0, group: 0) {
                bench.receive(packet, from: place(5_000), at: Double(index) * 40)
            }
        }
        // Another socket: the same host, at once.
        for index in 50..<150 {
            for packet in picture(&second, index, isKeyframe: index == 50, group: 50) {
                bench.receive(packet, from: place(5_002), at: Double(index) * 40)
            }
        }
        bench.drain()
        #expect(bench.frames.count == 150 && bench.receiver.counts.lost == 0 && bench.restarts == 1)
        #expect(bench.receiver.counts.strangers == 0 && bench.receiver.origin == place(5_002))
    }

    /// So a time without packets is not over while another sender waits for the end of the one before.
    @Test func aSenderThatWaitsForItsTurnIsHeard() {
        func place(_ host: UInt8, _ port: UInt16) -> PacketOrigin {
            PacketOrigin(host: .init([192, 0, 2, host]), port: port)
        }
        let bench = ReceiverBench(.pcmu, type: 0)
        func send(_ range: Range<Int>, from origin: PacketOrigin, source: UInt32) {
            var sender = StreamSender(
                .pcmu, payloadType: 0, ssrc: source, sequence: UInt16(range.lowerBound), timestampOffset: 5)
            for index in range {
                for packet in sender.packets(of: sound(index), at: .milliseconds(Int64(index) * 20), isKeyframe: true) {
                    bench.receive(packet, from: origin, at: Double(index) * 20)
                }
            }
        }
        send(0..<10, from: place(1, 5_000), source: 7)
        send(10..<20, from: place(2, 5_000), source: 8)
        #expect(bench.receiver.followerHeard == nil && bench.receiver.counts.strangers == 10)
        send(20..<100, from: place(1, 5_002), source: 9)
        #expect(bench.receiver.followerHeard == Instant(nanoseconds: 1_980_000_000) && bench.frames.count == 10)
        send(100..<130, from: place(1, 5_002), source: 9)
        #expect(bench.frames.count == 120 && bench.receiver.origin == place(1, 5_002))
    }

    @Test func whatIsKeptOfStrangersIsBounded() {
        func place(_ port: UInt16) -> PacketOrigin { PacketOrigin(host: .init([192, 0, 2, 1]), port: port) }
        let bench = ReceiverBench(.pcmu, type: 0)
        for index in 0..<3 {
            bench.receive(datagram(0, index, index * 160, sound(index)), from: place(5_000), at: Double(index) * 20)
        }
        // Far more than is kept, while the true one is silent, then it again.
        for index in 0..<10_000 {
            bench.receive(
                datagram(0, 20_000 + index, index * 160, [UInt8](repeating: 1, count: 1_400)), from: place(5_002),
                at: 100)
        }
        bench.receive(datagram(0, 3, 3 * 160, sound(3)), from: place(5_000), at: 120)
        #expect(bench.frames.count == 4 && bench.receiver.counts.strangers == 10_000)
    }

    @Test func whatWaitsGoesOnBeforeTheNewNumbers() {
        let bench = ReceiverBench(.pcmu, type: 0, delay: .milliseconds(500))
        for index in [0, 1, 2, 4, 5] {
            bench.receive(datagram(0, index, index * 160, sound(index)), at: Double(index) * 20)
        }
        // The second of the new ones comes first.
        for index in [41_000, 40_999, 41_001] {
            bench.receive(datagram(0, index, index * 160, sound(index)), at: 130)
        }
        #expect(
            bench.frames.map { $0.bytes[0] }
                == [0, 1, 2, 4, 5, 40_999, 41_000, 41_001].map { UInt8(truncatingIfNeeded: $0) })
        #expect(bench.restarts == 1)
    }

    @Test func aPacketThatIsAstrayIsNobodysBeginning() {
        let bench = ReceiverBench(.pcmu, type: 0)
        for index in 0..<100 {
            bench.receive(datagram(0, index, index * 160, sound(index)), at: Double(index) * 20)
            if index % 10 == 5 {
                bench.receive(datagram(0, 30_000 + index * 100, index, [1]), at: Double(index) * 20)
            }
        }
        #expect(bench.frames.count == 100 && bench.restarts == 0 && bench.receiver.counts.foreign == 10)
    }
}
