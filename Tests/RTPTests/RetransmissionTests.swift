import RTP
import SRTP
import Sluice
import TestSupport
import Testing

/// Packets that are missed go out again in a stream of their own, and come back as what they were (RFC 4588).
@Suite struct RetransmissionTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    private func sender(_ format: PayloadFormat = .vp8, keep: Int64 = 1_000, isRepaired: Bool = true) -> StreamSender {
        StreamSender(
            format, payloadType: 96, ssrc: 5, sequence: 65_530, timestampOffset: 1_000,
            extensions: SenderExtensions(
                transportSequence: 1, sendTime: 2, captureTime: 3, mediaID: (number: 4, text: "v")),
            keeping: SentPackets(keep: .milliseconds(keep)),
            retransmission: isRepaired ? Retransmission(ssrc: 6, payloadType: 97, sequence: 100) : nil)
    }

    private func receiver(_ format: PayloadFormat = .vp8, source: UInt32? = 6) -> ReceiverBench {
        var settings = StreamReceiver.Settings(format: format, payloadType: 96, delay: .milliseconds(200))
        settings.sources.isTrusting = true
        settings.retransmissions = [97: 96]
        settings.retransmissionSource = source
        settings.asksAgain = true
        return ReceiverBench(settings)
    }

    private func packets(_ sender: inout StreamSender, _ bytes: [UInt8], _ isKeyframe: Bool, at now: Double)
        -> [[UInt8]]
    {
        bytes.withUnsafeBytes {
            sender.begin(
                $0, at: .milliseconds(Int64(now)), isKeyframe: isKeyframe, captured: NTPTime(bits: UInt64(now) << 32))
        }
        var all: [[UInt8]] = []
        var room = [UInt8](repeating: 0, count: 1_200)
        while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: at(now)) }) {
            all.append(Array(room.prefix(size)))
        }
        return all
    }

    private func again(_ sender: inout StreamSender, _ sequence: UInt16, at now: Double) -> [UInt8]? {
        var room = [UInt8](repeating: 0xee, count: 1_200)
        return room.withUnsafeMutableBytes { sender.again(sequence, into: $0, now: at(now)) }.map {
            Array(room.prefix($0))
        }
    }

    private func extensions(_ packet: [UInt8]) -> [UInt8: [UInt8]] {
        var found: [UInt8: [UInt8]] = [:]
        packet.withUnsafeBytes { RTPHeader.forEachExtension(of: $0) { found[$0] = Array($1) } }
        return found
    }

    @Test func aProbeIsALargePacketOfTheNewestOnesInTheStreamThatRepairs() {
        var sender = sender()
        var room = [UInt8](repeating: 0, count: 1_200)
        func probe(_ sender: inout StreamSender) -> [UInt8]? {
            room.withUnsafeMutableBytes { sender.probe(into: $0, now: at(50)) }.map { Array(room.prefix($0)) }
        }
        #expect(probe(&sender) == nil)
        let sent = packets(&sender, MadeFrames.vp8(4_000, isKeyframe: true, seed: 1), true, at: 0)
        let number = sender.transportSequence
        let probes = (0..<6).compactMap { _ in probe(&sender) }
        #expect(probes.count == 6 && sender.transportSequence == number &+ 6 && sender.repairs.sent == 0)
        let sources = probes.map { $0.withUnsafeBytes { RTPHeader.parse($0)?.header.ssrc } }
        #expect(sources.allSatisfy { $0 == 6 } && probes.allSatisfy { $0.count > 900 })
        #expect(Set(probes.compactMap { extensions($0)[1] }).count == 6)
        // Each in turn, and of no harm to one who has them all.
        #expect(Set(probes.map { $0.suffix(900) }).count == sent.count { $0.count > 900 })
        var alone = self.sender(isRepaired: false)
        _ = packets(&alone, MadeFrames.vp8(4_000, isKeyframe: true, seed: 1), true, at: 0)
        #expect(probe(&alone) == nil)
    }

    @Test func aStreamThatIsNotNumberedHasNoNumberAndCountsNone() {
        var sender = sender()
        sender.isNumbered = false
        let sent = packets(&sender, MadeFrames.vp8(3_000, isKeyframe: true, seed: 1), true, at: 40)
        let repeated = again(&sender, 65_530, at: 60)
        #expect(sent.count > 2 && sender.transportSequence == 0)
        for packet in sent + [repeated ?? []] {
            #expect(extensions(packet)[1] == nil && extensions(packet)[4] == Array("v".utf8))
        }
        #expect(extensions(sent[0])[3] != nil && extensions(sent[1])[3] == nil)
        sender.isNumbered = true
        let numbered = packets(&sender, MadeFrames.vp8(3_000, isKeyframe: true, seed: 2), true, at: 80)
        #expect(numbered.compactMap { extensions($0)[1] } == (0..<numbered.count).map { [0, UInt8($0)] })
    }

    @Test func theStreamThatRepairsReportsAsASourceOfItsOwn() {
        var sender = sender()
        let sent = packets(&sender, MadeFrames.vp8(2_000, isKeyframe: true, seed: 1), true, at: 0)
        let ntp = NTPTime(bits: 7 << 32)
        #expect(sent.count == 2 && sender.repairReport(ntp: ntp, at: .zero) == nil)
        _ = again(&sender, 65_530, at: 30)
        let report = sender.repairReport(ntp: ntp, at: .milliseconds(100))
        #expect(
            report?.ssrc == 6 && report?.packets == 1 && report?.timestamp == sender.timestamp(at: .milliseconds(100)))
        // The number in front of the payload counts.
        #expect(report.map { Int($0.octets) } == sender.repairs.bytes + 2)
    }

    @Test func whatGoesOutAgainHasItsOwnNumbersAndTheOldOneInFront() throws {
        var sender = sender()
        let first = packets(&sender, MadeFrames.vp8(5_000, isKeyframe: true, seed: 1), true, at: 0)
        #expect(first.count == 5 && first.allSatisfy { $0.count <= 1_198 } && sender.transportSequence == 5)
        for (index, packet) in first.enumerated() {
            let sequence = 65_530 &+ UInt16(index)
            let made = try #require(again(&sender, sequence, at: 30))
            let (old, new) = try (
                #require(packet.withUnsafeBytes { RTPHeader.parse($0) }),
                #require(made.withUnsafeBytes { RTPHeader.parse($0) })
            )
            #expect(
                new.header
                    == RTPHeader(
                        isMarked: old.header.isMarked, payloadType: 97, sequence: 100 + UInt16(index),
                        timestamp: old.header.timestamp, ssrc: 6))
            #expect(Array(made[new.payload].prefix(2)) == [UInt8(sequence >> 8), UInt8(sequence & 255)])
            #expect(made[new.payload].dropFirst(2).elementsEqual(packet[old.payload]))
            // It has a number of the transport's, and the time when it left; the rest is as it was.
            let (before, now) = (extensions(packet), extensions(made))
            #expect(now[1] == [0, UInt8(5 + index)] && now[2] != before[2])
            #expect(now[3] == before[3] && now[4] == Array("v".utf8))
        }
        #expect(sender.transportSequence == 10 && sender.retransmission?.packets == 5)
        #expect(sender.packets == 5 && sender.sequence == 65_535)
    }

    @Test(arguments: [PayloadFormat.vp8, .h264]) func everySinglePacketThatIsLostIsMadeGoodInItsPlace(
        _ format: PayloadFormat
    ) throws {
        for lost in 0..<30 {
            var sender = sender(format)
            let bench = receiver(format)
            var sent: [[UInt8]] = []
            var count = 0
            for index in 0..<12 {
                let frame = MadeFrames.frame(format, index, size: 2_500)
                sent.append(frame.bytes)
                for packet in packets(&sender, frame.bytes, frame.isKeyframe, at: Double(index) * 33) {
                    // The first packet of all is nobody's loss.
                    if count != lost + 1 { bench.receive(packet, at: Double(index) * 33) }
                    count += 1
                }
                let now = Double(index) * 33 + 30
                for sequence in bench.receiver.missing?.take(now: at(now)) ?? [] {
                    bench.receive(try #require(again(&sender, sequence, at: now)), at: now)
                }
            }
            bench.drain()
            #expect(bench.frames.map(\.bytes).elementsEqual(sent), "packet \(lost) of \(count)")
            #expect(bench.receiver.counts.repaired == 1 && bench.receiver.counts.lost == 0)
            // Reports tell the loss all the same.
            #expect(bench.receiver.statistics.lost == 1)
            #expect(bench.receiver.missing?.due == nil)
        }
    }

    @Test func whatHadComeWhatIsOldAndWhatIsForeignChangesNothing() {
        var sender = sender()
        let bench = receiver()
        for index in 0..<10 {
            for packet in packets(
                &sender, MadeFrames.vp8(1_500, isKeyframe: index == 0, seed: index), index == 0, at: Double(index) * 33)
            {
                bench.receive(packet, at: Double(index) * 33)
            }
        }
        let (frames, counts) = (bench.frames.count, bench.receiver.counts)
        for sequence in 0..<20 {
            if let packet = again(&sender, 65_530 &+ UInt16(sequence), at: 340) {
                bench.receive(packet, at: 340)
                var foreign = packet
                foreign[11] = 7
                bench.receive(foreign, at: 340)
            }
        }
        // Probes have no number, and some are all padding.
        bench.receive([0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6], at: 350)
        bench.receive([0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 9], at: 350)
        bench.receive([0xa0, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 3], at: 350)
        // Far ahead of everything.
        bench.receive([0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0x10, 0, 1, 2], at: 350)
        var after = bench.receiver.counts
        #expect(after.foreign == 20)
        after.foreign = 0
        #expect(bench.frames.count == frames && after == counts)
    }

    @Test func aSourceThatTheDescriptionDoesNotNameRepairsToo() {
        var sender = sender()
        let bench = receiver(source: nil)
        let all = packets(&sender, MadeFrames.vp8(3_500, isKeyframe: true, seed: 1), true, at: 0)
        for (index, packet) in all.enumerated() where index != 2 { bench.receive(packet, at: 0) }
        let repair = again(&sender, 65_532, at: 20)
        bench.receive(repair ?? [], at: 20)
        bench.drain()
        #expect(bench.frames.count == 1 && bench.receiver.counts.repaired == 1)
    }

    @Test func aPacketGoesOutOnceARoundTripAndNotWhenItIsASecondOld() {
        var sender = sender()
        _ = packets(&sender, MadeFrames.vp8(500, isKeyframe: true, seed: 1), true, at: 0)
        sender.follow(roundTrip: .milliseconds(100))
        let taken = (0..<1_200).filter { again(&sender, 65_530, at: Double($0)) != nil }
        #expect(taken == Array(stride(from: 0, through: 1_000, by: 100)))
        #expect(sender.repairs.asked == 1_200 && sender.repairs.sent == 11)
        #expect(sender.repairs.gone == 199 && sender.repairs.tooSoon == 990)
    }

    @Test(arguments: [false, true]) func askingForEverythingForEverDoublesTheBitsAtMost(_ isRepaired: Bool) {
        var sender = sender(isRepaired: isRepaired)
        var (stream, repairs) = (0, 0)
        for index in 0..<200 {
            let now = Double(index) * 20
            for packet in packets(&sender, MadeFrames.vp8(6_000, isKeyframe: true, seed: index), true, at: now) {
                stream += packet.count
            }
            // All that is kept, time and again.
            let newest = sender.sequence
            for back in 1...120 { repairs += again(&sender, newest &- UInt16(back), at: now)?.count ?? 0 }
        }
        let bound = stream + 40_000 + Int(sender.retransmission?.packets ?? 0) * 2
        #expect(repairs > stream / 2 && repairs <= bound, "\(repairs) of \(stream)")
        #expect(sender.repairs.overBudget > 0)
        let told = sender.repairs
        #expect(told.asked == 24_000 && told.sent + told.gone + told.tooSoon + told.overBudget == told.asked)
        // A receiver that was modest for a while gets what it misses at once.
        for index in 200..<300 {
            _ = packets(&sender, MadeFrames.vp8(6_000, isKeyframe: true, seed: index), true, at: Double(index) * 20)
        }
        let newest = sender.sequence
        #expect((1...100).allSatisfy { again(&sender, newest &- UInt16($0), at: 6_000) != nil })
    }

    @Test func oneMessageThatAsksForMuchCostsLittle() {
        var sender = sender()
        let sent = packets(&sender, MadeFrames.vp8(5_000, isKeyframe: true, seed: 1), true, at: 0)
        // All numbers there are, time and again.
        for _ in 0..<100 { sender.ask(for: (0...UInt16.max).map { $0 &+ 65_530 }) }
        var room = [UInt8](repeating: 0, count: 1_200)
        var count = 0
        while room.withUnsafeMutableBytes({ sender.nextAgain(into: $0, now: at(30)) }) != nil { count += 1 }
        #expect(count == sent.count && !sender.isAsked)
        #expect(sender.repairs.asked == 256 && sender.repairs.unheard == 100 * 65_536 - 256)
        #expect(sender.repairs.gone == 251)
    }

    @Test func underOneKeyNoNumberOfTheRepairsStandsTwice() throws {
        let key = (0..<CryptoSuite.aesGCM128.keyLength).map { UInt8($0) }
        // A context that takes no number twice.
        let out = try SRTPContext(.aesGCM128, key: key, .sending)
        let back = try SRTPContext(.aesGCM128, key: key, .receiving)
        var sender = sender()
        let plain = packets(&sender, MadeFrames.vp8(5_000, isKeyframe: true, seed: 1), true, at: 0)
        func protect(_ packet: [UInt8]) -> [UInt8]? {
            var room = packet + [UInt8](repeating: 0, count: SRTPContext.trailer)
            return room.withUnsafeMutableBytes { out.protect($0, count: packet.count) }.map { Array(room.prefix($0)) }
        }
        for packet in plain { #expect(protect(packet) != nil) }
        for round in 0..<3 {
            for index in 0..<plain.count {
                let packet = try #require(again(&sender, 65_530 &+ UInt16(index), at: 100 + Double(round) * 100))
                var secret = try #require(protect(packet))
                let count = secret.count
                #expect(secret.withUnsafeMutableBytes { back.unprotect($0, count: count) } == .packet(packet.count))
                #expect(secret.prefix(packet.count).elementsEqual(packet))
            }
        }
    }
}
