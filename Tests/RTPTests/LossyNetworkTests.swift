import RTP
import Sluice
import TestSupport
import Testing

/// A sender and a receiver over a network that loses, in steps of a millisecond.
@Suite struct LossyNetworkTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    private func parsed(_ bytes: [UInt8]) -> [RTCPPacket] { bytes.withUnsafeBytes { RTCPPacket.parse($0) } ?? [] }

    private func written(_ packet: RTCPPacket) -> [UInt8] {
        var bytes: [UInt8] = []
        packet.append(to: &bytes)
        return bytes
    }

    @Test(arguments: [UInt64(1), 2, 3]) func fivePercentOfThePacketsAreLostAndUnderHalfAPercentOfTheSound(
        _ seed: UInt64
    ) {
        var sender = StreamSender(
            .opus, payloadType: 111, ssrc: 5, sequence: 100, timestampOffset: 0,
            keeping: SentPackets(keep: .milliseconds(1_000)), redundantType: 63)
        var settings = StreamReceiver.Settings(format: .opus, payloadType: 111, delay: .milliseconds(60))
        settings.sources.isTrusting = true
        settings.redundantType = 63
        let bench = ReceiverBench(settings)
        var there = LossyLink(delay: 50, loss: 0.05, seed: seed)
        var back = LossyLink(delay: 50, loss: 0.05, seed: seed + 100)
        var repair = SoundRepair(takesRedundancy: true)
        var (sent, plain) = (0, 0)
        for now in 0..<120_000 {
            let time = Double(now)
            for bytes in back.take(at: time) {
                for case .receiverReport(_, let blocks) in parsed(bytes) {
                    for block in blocks { repair.note(block, at: at(time)) }
                }
            }
            sender.isRedundant = repair.isRedundant
            if now % 20 == 0 {
                let frame = [0xf8] + [UInt8](repeating: UInt8(truncatingIfNeeded: sent), count: 80)
                sent += 1
                for packet in sender.packets(of: frame, at: .milliseconds(Int64(now))) {
                    plain += 12 + frame.count
                    there.send(packet, at: time)
                }
            }
            for packet in there.take(at: time) { bench.receive(packet, at: time) }
            bench.release(at: time)
            if now % 1_000 == 999, let block = bench.receiver.report(now: at(time)) {
                back.send(written(.receiverReport(ssrc: 6, reports: [block])), at: time)
            }
        }
        let missing = Double(bench.receiver.counts.lost) / Double(sent)
        let percent = Double(there.lost) / Double(sent) * 100
        #expect(percent > 4 && missing < 0.005, "\(percent) % lost, \(missing * 100) % missing")
        #expect(there.bytes < 2 * plain && repair.isRedundant && repair.expectedLossPercent == 0)
        #expect(bench.frames.count + bench.receiver.counts.lost >= sent - 4)
        #expect(bench.receiver.counts.filled > 200)
    }

    @Test(arguments: [UInt64(1), 2, 3]) func threePercentOfThePacketsAreLostAndNearlyAllAreMadeGoodWithin80Ms(
        _ seed: UInt64
    ) {
        var sender = StreamSender(
            .vp8, payloadType: 96, ssrc: 5, sequence: 65_000, timestampOffset: 0,
            keeping: SentPackets(keep: .milliseconds(1_000)),
            retransmission: Retransmission(ssrc: 6, payloadType: 97, sequence: 1))
        var settings = StreamReceiver.Settings(format: .vp8, payloadType: 96, delay: .milliseconds(80))
        settings.sources.isTrusting = true
        settings.retransmissions = [97: 96]
        settings.asksAgain = true
        let bench = ReceiverBench(settings)
        bench.receiver.missing?.follow(roundTrip: .milliseconds(20))
        sender.follow(roundTrip: .milliseconds(20))
        var there = LossyLink(delay: 10, jitter: 5, loss: 0.03, seed: seed)
        var back = LossyLink(delay: 10, loss: 0.03, seed: seed + 100)
        var room = [UInt8](repeating: 0, count: 1_200)
        for now in 0..<60_000 {
            let time = Double(now)
            for bytes in back.take(at: time) {
                for case .lost(_, 5, let numbers) in parsed(bytes) {
                    for number in numbers {
                        let size = room.withUnsafeMutableBytes { sender.again(number, into: $0, now: at(time)) }
                        if let size { there.send(Array(room.prefix(size)), at: time) }
                    }
                }
            }
            if now % 33 == 0 {
                let frame = MadeFrames.vp8(9_000, isKeyframe: now % 990 == 0, seed: now)
                let bytes = frame.withUnsafeBytes { bytes in
                    sender.begin(bytes, at: .milliseconds(Int64(now)), isKeyframe: now % 990 == 0)
                    var all: [[UInt8]] = []
                    while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: at(time)) }) {
                        all.append(Array(room.prefix(size)))
                    }
                    return all
                }
                for packet in bytes { there.send(packet, at: time) }
            }
            for packet in there.take(at: time) { bench.receive(packet, at: time) }
            bench.release(at: time)
            if let numbers = bench.receiver.missing?.take(now: at(time)), !numbers.isEmpty {
                back.send(written(.lost(sender: 6, media: 5, numbers)), at: time)
            }
        }
        let (counts, sent) = (bench.receiver.counts, Double(sender.packets))
        #expect(sent > 14_000 && Double(there.lost) / sent > 0.025)
        #expect(Double(counts.lost) / sent < 0.001, "\(counts)")
        #expect(counts.repaired > 300 && sender.repairs.overBudget == 0)
        // Hardly any packet goes out again in vain.
        #expect(Double(sender.repairs.sent) < Double(there.lost) * 1.3)
    }
}
