import RTP
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

@Suite struct ReceiverTests {
    private func opus(ssrc: UInt32 = 5, sequence: UInt16 = 100, offset: UInt32 = 0) -> StreamSender {
        StreamSender(.opus, payloadType: 96, ssrc: ssrc, sequence: sequence, timestampOffset: offset)
    }

    private func packets(_ sender: inout StreamSender, _ range: Range<Int>) -> [[UInt8]] {
        range.flatMap { index in
            sender.packets(of: [0xf8, UInt8(truncatingIfNeeded: index)], at: .milliseconds(Int64(index) * 20))
        }
    }

    @Test func sequenceAndTimestampWrapWithoutAMark() {
        var sender = opus(sequence: 65_000, offset: 0xffff_0000)
        let bench = ReceiverBench(.opus)
        for (index, packet) in packets(&sender, 0..<70_000).enumerated() {
            bench.receive(packet, at: Double(index) * 20)
        }
        #expect(bench.frames.count == 70_000 && bench.receiver.counts.lost == 0 && bench.restarts == 0)
        #expect(zip(bench.frames, bench.frames.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == 960 })
        #expect(bench.receiver.statistics.highest == 65_000 + 69_999)
    }

    @Test func aSourceIsBelievedAtItsSecondPacketAndLosesNone() {
        var sender = opus()
        let bench = ReceiverBench(.opus)
        let all = packets(&sender, 0..<5)
        bench.receive(all[0], at: 0)
        #expect(bench.frames.isEmpty && bench.receiver.source == nil)
        bench.receive(all[1], at: 20)
        #expect(bench.frames.map { $0.bytes[1] } == [0, 1])
        // The two in the wrong order.
        let other = ReceiverBench(.opus)
        for index in [1, 0, 2] { other.receive(all[index], at: 0) }
        #expect(other.frames.map { $0.bytes[1] } == [0, 1, 2])
        // Announced, or authentic: at once.
        for bench in [ReceiverBench(.opus, announced: [5]), ReceiverBench(.opus, isAuthenticated: true)] {
            bench.receive(all[0], at: 0)
            #expect(bench.frames.count == 1)
        }
    }

    @Test func aStrangerDoesNotTakeTheStreamOver() {
        var (sender, stranger) = (opus(), opus(ssrc: 6, sequence: 9_000))
        let bench = ReceiverBench(.opus)
        let foreign = packets(&stranger, 0..<10)
        for (index, packet) in packets(&sender, 0..<100).enumerated() {
            bench.receive(packet, at: Double(index) * 20)
            if index % 10 == 5 { bench.receive(foreign[index / 10], at: Double(index) * 20) }
        }
        #expect(bench.frames.count == 100 && bench.restarts == 0 && bench.receiver.source == 5)
    }

    private func place(_ last: UInt8, port: UInt16 = 5_000) -> PacketOrigin {
        PacketOrigin(host: .init([192, 0, 2, last]), port: port)
    }

    /// Each is the first packet of another source; the sender's come between them.
    @Test(arguments: [false, true]) func aFloodOfNumbersFromOneHostKeepsNobodyOut(fromManyPorts: Bool) {
        var sender = opus()
        let bench = ReceiverBench(.opus)
        var number: UInt32 = 1_000
        for (index, packet) in packets(&sender, 0..<100).enumerated() {
            for port in 0..<20 {
                number += 1
                var stranger = opus(ssrc: number, sequence: UInt16(truncatingIfNeeded: number &* 7_919))
                let origin = place(9, port: fromManyPorts ? 6_000 + UInt16(port) : 6_000)
                bench.receive(packets(&stranger, 0..<1)[0], from: origin, at: Double(index) * 20)
            }
            bench.receive(packet, from: place(1), at: Double(index) * 20)
        }
        #expect(bench.frames.count == 100 && bench.receiver.source == 5 && bench.receiver.origin == place(1))
    }

    @Test func packetsFromElsewhereDoNotTakeAStreamOverWhateverTheySay() {
        var (sender, stranger) = (opus(), opus(ssrc: 6, sequence: 9_000))
        let bench = ReceiverBench(.opus)
        let foreign = packets(&stranger, 0..<200)
        // The same source, and numbers that would fit, from another port and another host.
        var (same, again) = (opus(), opus())
        let (copies, others) = (packets(&same, 0..<200), packets(&again, 0..<200))
        for (index, packet) in packets(&sender, 0..<100).enumerated() {
            let time = Double(index) * 20
            bench.receive(packet, from: place(1), at: time)
            guard index > 0 else { continue }
            for more in 0..<2 {
                bench.receive(foreign[2 * index + more], from: place(2), at: time)
                bench.receive(copies[index + more], from: place(1, port: 5_001), at: time)
                bench.receive(others[index + more], from: place(2), at: time)
            }
        }
        // Packets that may belong to a sender that is started again are kept until the true one's next packet.
        bench.receive(packets(&sender, 100..<101)[0], from: place(1), at: 2_000)
        #expect(bench.frames.count == 101 && bench.restarts == 0)
        #expect(bench.receiver.source == 5 && bench.receiver.origin == place(1))
        #expect(bench.receiver.counts.strangers == 99 * 6 && bench.receiver.counts.duplicates == 0)
    }

    @Test func aStreamThatIsSilentOrHasLeftMayBeTakenOver() {
        var (sender, second, third) = (opus(), opus(ssrc: 6, sequence: 9_000), opus(ssrc: 7, sequence: 30_000))
        let bench = ReceiverBench(.opus)
        for packet in packets(&sender, 0..<10) { bench.receive(packet, from: place(1), at: 0) }
        let next = packets(&second, 0..<10)
        for packet in next[..<5] { bench.receive(packet, from: place(2), at: 1_999) }
        #expect(bench.receiver.source == 5 && bench.frames.count == 10)
        for packet in next[5...] { bench.receive(packet, from: place(2), at: 2_000) }
        #expect(bench.receiver.source == 6 && bench.frames.count == 15 && bench.restarts == 1)
        bench.receiver.releaseSource()
        for packet in packets(&third, 0..<10) { bench.receive(packet, from: place(3), at: 2_001) }
        #expect(bench.receiver.source == 7 && bench.receiver.origin == place(3) && bench.frames.count == 25)
    }

    @Test func whatTheDescriptionNamesIsAllThatIsBelieved() {
        var (stranger, sender) = (opus(ssrc: 6), opus())
        let (foreign, own) = (packets(&stranger, 0..<10), packets(&sender, 0..<10))
        let named = ReceiverBench(.opus, announced: [5])
        for packet in foreign { named.receive(packet, from: place(1), at: 0) }
        #expect(named.frames.isEmpty && named.receiver.source == nil && named.receiver.counts.strangers == 10)
        for packet in own { named.receive(packet, from: place(1), at: 0) }
        #expect(named.frames.count == 10)
        let filtered = ReceiverBench(.opus, hosts: [place(1).host])
        for packet in foreign { filtered.receive(packet, from: place(2), at: 0) }
        #expect(filtered.frames.isEmpty && !filtered.receiver.mayReport(place(2)))
        for packet in own { filtered.receive(packet, from: place(1, port: 9), at: 0) }
        #expect(filtered.frames.count == 10)
        // Reports come from the same host, often from another port.
        #expect(filtered.receiver.mayReport(place(1, port: 10)) && !filtered.receiver.mayReport(place(2)))
        // A key proves more than an address.
        let secure = ReceiverBench(.opus, isAuthenticated: true)
        for (index, packet) in own.enumerated() { secure.receive(packet, from: place(UInt8(index)), at: 0) }
        #expect(secure.frames.count == 10 && secure.restarts == 0)
    }

    @Test func hostsOfBothFamiliesAreTold() {
        let six = (0..<16).map { UInt8($0) }
        #expect(
            PacketOrigin.Host(six) == PacketOrigin.Host(six)
                && PacketOrigin.Host(six) != PacketOrigin.Host([1, 2, 3, 4]))
        // IPv6 sockets say this of hosts of IPv4.
        #expect(
            PacketOrigin.Host([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]) == PacketOrigin.Host([1, 2, 3, 4]))
    }

    @Test func aFrameThatGrowsWithoutEndIsDropped() {
        let bench = ReceiverBench(.vp8, isAuthenticated: true, largestFrame: 100_000)
        var sender = StreamSender(.vp8, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0)
        for (index, size) in [(0, 90_000), (1, 110_000), (2, 50_000)] {
            let frame = MadeFrames.vp8(size, isKeyframe: true, seed: index)
            for packet in sender.packets(of: frame, at: .milliseconds(Int64(index) * 33), isKeyframe: true) {
                bench.receive(packet, at: Double(index) * 33)
            }
        }
        #expect(bench.frames.map(\.bytes.count) == [90_000, 50_000])
        #expect(bench.receiver.depacketizer.damagedFrames == 1)
    }

    @Test func anotherSourceTakesOverWhenTheFirstIsSilent() {
        var (sender, second) = (opus(), opus(ssrc: 6, sequence: 9_000, offset: 77_777))
        let bench = ReceiverBench(.opus)
        for packet in packets(&sender, 0..<10) { bench.receive(packet, at: 0) }
        for packet in packets(&second, 0..<10) { bench.receive(packet, at: 1_000) }
        #expect(bench.frames.count == 20 && bench.restarts == 1 && bench.receiver.counts.sourceChanges == 1)
        #expect(bench.frames[10].timestamp == 77_777 && bench.receiver.counts.lost == 0)
    }

    @Test func theSameSourceMayBeginAnew() {
        var (sender, again) = (opus(), opus(sequence: 40_000, offset: 5_000_000))
        let bench = ReceiverBench(.opus)
        for packet in packets(&sender, 0..<10) { bench.receive(packet, at: 0) }
        for packet in packets(&again, 0..<10) { bench.receive(packet, at: 1_000) }
        // The first packet of the new numbers looks astray (RFC 3550, appendix A.1), and is kept for the second.
        #expect(bench.frames.count == 20 && bench.restarts == 1)
        #expect(bench.receiver.counts.lost == 0 && bench.receiver.counts.foreign == 0)
    }

    @Test func otherPayloadTypesAndGarbageAreForeign() {
        var sender = opus()
        let bench = ReceiverBench(.opus)
        let all = packets(&sender, 0..<10)
        for (index, packet) in all.enumerated() {
            bench.receive(packet, at: Double(index) * 20)
            var other = packet
            other[1] = other[1] & 0x80 | 13
            bench.receive(other, at: Double(index) * 20)
            bench.receive(Array("GET / HTTP/1.0\r\n\r\n".utf8), at: Double(index) * 20)
            bench.receive([], at: Double(index) * 20)
        }
        // Those of its own source count among its numbers.
        #expect(bench.frames.count == 10 && bench.receiver.counts.lost == 0)
        let counts = bench.receiver.counts
        #expect(counts.foreign == 21 && counts.otherTypes == 9 && counts.duplicates == 9)
    }

    @Test(arguments: PayloadFormat.allCases, 0..<6) func garbageNeverCrashes(_ format: PayloadFormat, seed: Int) {
        var random = Dice(seed: UInt64(seed) &* 977 &+ 13)
        let bench = ReceiverBench(
            format, release: seed % 2 == 0 ? .early : .timed, announced: seed % 3 == 0 ? [1] : [])
        var clock = 0.0
        for _ in 0..<8_000 {
            var bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Often enough a header that is believed.
            if bytes.count >= 12, Bool.random(using: &random) {
                bytes[0] = 0x80 | bytes[0] & (Bool.random(using: &random) ? 0x3f : 0)
                bytes[1] = bytes[1] & 0x80 | 96
                bytes[2] = UInt8.random(in: 0...1, using: &random)
                (bytes[8], bytes[9], bytes[10], bytes[11]) = (0, 0, 0, UInt8.random(in: 1...2, using: &random))
            }
            clock += Double.random(in: 0...10, using: &random)
            bench.receive(bytes, at: clock)
            if Int.random(in: 0..<8, using: &random) == 0 { bench.release(at: clock) }
            bytes.withUnsafeBytes { _ = RTCPPacket.parse($0) }
        }
        bench.drain()
        #expect(bench.receiver.deadline == nil)
        _ = bench.receiver.report(now: Instant(nanoseconds: Int64(clock * 1e6)))
    }

    @Test(arguments: PayloadFormat.allCases, 0..<4) func realPacketsWithFlippedBytesNeverCrash(
        _ format: PayloadFormat, seed: Int
    ) {
        var random = Dice(seed: UInt64(seed) &+ 99)
        let bench = ReceiverBench(format, isAuthenticated: true)
        var sender = StreamSender(format, payloadType: 96, ssrc: 5, sequence: 65_000, timestampOffset: 0)
        var frames = 0
        for index in 0..<600 {
            let frame = MadeFrames.frame(format, index, size: Int.random(in: 2...3_000, using: &random))
            frames += 1
            for var packet in sender.packets(
                of: frame.bytes, at: .milliseconds(Int64(index) * 20), isKeyframe: frame.isKeyframe)
            {
                switch Int.random(in: 0..<20, using: &random) {
                case 0: packet[Int.random(in: 12..<packet.count, using: &random)] = .random(in: 0...255, using: &random)
                case 1: packet.removeLast(Int.random(in: 0...packet.count - 12, using: &random))
                case 2: packet[Int.random(in: 0..<12, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 3: continue
                default: break
                }
                bench.receive(packet, at: Double(index) * 20)
            }
        }
        bench.drain()
        // Something went through, and the damage was noticed.
        #expect(!bench.frames.isEmpty && bench.frames.count <= frames)
        #expect(bench.receiver.counts.lost > 0)
    }
}
