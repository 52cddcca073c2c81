import RTP
import Sluice
import TestSupport
import Testing

@Suite struct FeedbackTests {
    private func parsed(_ bytes: [UInt8]) -> [RTCPPacket]? { bytes.withUnsafeBytes { RTCPPacket.parse($0) } }

    /// The feedback of rtpbin of GStreamer 1.22 on packets 20 ms apart, from 65,530 on, of which 7, 8, 20 and 33 to 35
    /// were not sent and 41 came 180 ms later.
    private static let captured = [
        "8fcd000b5768d95f00001234fffa0014000016002007c255d5548b6060606050510110515e50515f5051515151000000",
        "8fcd000a5768d95f00001234000f001300001d01200cc095a1515151565b5151515051510162515e60000000",
        "8fcd000b5768d95f000012340022001400002302d955d555d554ec032a51515151515060505b51515151516058515100",
    ]

    @Test func whatGStreamerTellsIsRead() throws {
        var all: [(number: Int, arrival: Int64?)] = []
        var before: Int64 = 0
        for (index, hex) in Self.captured.enumerated() {
            let packets = try #require(parsed(bytes(ofHex: hex)))
            guard case .transport(let feedback) = packets[0] else {
                Issue.record("\(packets)")
                return
            }
            #expect(feedback.media == 0x1234 && packets.count == 1)
            #expect(Int(feedback.number) == index)
            for (offset, arrival) in feedback.arrivals.enumerated() {
                let number = Int(feedback.base &+ UInt16(offset) &- 65_530)
                let ticks = Int64(feedback.reference) * 256 + Int64(arrival)
                all.append((number, arrival == TransportFeedback.missing ? nil : ticks))
            }
        }
        #expect(all.map(\.number) == Array(0..<20) + Array(21..<60))
        #expect(all.filter { $0.arrival == nil }.map(\.number) == [7, 8, 33, 34, 35])
        for (number, arrival) in all {
            guard let arrival else { continue }
            // In quarters of a millisecond, on a machine that others use too.
            if number > 0 { #expect((20...1_400).contains(arrival - before), "\(number): \(arrival - before)") }
            before = arrival
        }
    }

    @Test func whatIsWrittenIsReadAlike() throws {
        var dice = Dice(seed: 11)
        for round in 0..<400 {
            let count = Int.random(in: 1...(round % 4 == 0 ? 3_000 : 60), using: &dice)
            var time: Int32 = Int32.random(in: 0..<256, using: &dice)
            var arrivals = (0..<count).map { _ -> Int32 in
                guard Int.random(in: 0..<(1 + round % 5), using: &dice) == 0 else { return TransportFeedback.missing }
                time += Int32.random(in: round % 3 == 0 ? -300...300 : 0...255, using: &dice)
                return time
            }
            arrivals[count - 1] = time
            let feedback = TransportFeedback(
                sender: 1, media: 2, base: UInt16.random(in: 0 ... .max, using: &dice),
                reference: Int32.random(in: -0x80_0000...0x7f_ffff, using: &dice), number: UInt8(round & 255),
                arrivals: arrivals)
            var bytes: [UInt8] = []
            RTCPPacket.transport(feedback).append(to: &bytes)
            #expect(bytes.count % 4 == 0)
            #expect(parsed(bytes) == [.transport(feedback)])
        }
    }

    @Test func aRunThatClaimsMuchTakesLittle() throws {
        var bytes: [UInt8] = [0x8f, 205, 0, 5] + [UInt8](repeating: 0, count: 8) + [0, 0, 0xff, 0xff, 0, 0, 0, 0]
        bytes += [0x1f, 0xff, 0, 0]
        #expect(parsed(bytes) == [.other(type: 205)])
        // A run of nothing does not go on for ever.
        bytes.replaceSubrange(14..<16, with: [0, 9])
        bytes.replaceSubrange(20..<22, with: [0, 0])
        #expect(parsed(bytes) == [.other(type: 205)])
        var dice = Dice(seed: 3)
        for _ in 0..<20_000 {
            var random = (0..<4 * Int.random(in: 5...12, using: &dice)).map { _ in
                UInt8.random(in: 0...255, using: &dice)
            }
            random.replaceSubrange(0..<4, with: [0x8f, 205, 0, UInt8(random.count / 4 - 1)])
            if case .transport(let feedback)? = parsed(random)?.first { #expect(feedback.arrivals.count <= 8_192) }
        }
    }

    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    @Test func theSenderLearnsWhatCameAndHowMuchLater() throws {
        var history = TransportHistory()
        let recorder = ArrivalRecorder()
        var results: [TransportHistory.Result] = []
        // 10 ms apart; the way takes 30 ms, from the hundredth on 1 ms more each; every tenth is lost; the clocks
        // differ.
        let begin = 9_000_000.0
        for index in 0..<3_000 {
            let sequence = UInt16(truncatingIfNeeded: 65_000 + index)
            history.note(sequence, bytes: 100 + index, at: at(Double(index) * 10))
            let way = 30 + Double(max(0, index - 100))
            if index % 10 != 9 { recorder.note(sequence, at: at(begin + Double(index) * 10 + way)) }
            guard index % 10 == 5 else { continue }
            for feedback in recorder.take(sender: 1, media: 2) {
                var bytes: [UInt8] = []
                RTCPPacket.transport(feedback).append(to: &bytes)
                let read = try #require(parsed(bytes)?.first)
                if case .transport(let feedback) = read { results += history.take(feedback) }
            }
        }
        #expect(results.map { $0.sequence - 65_000 } == (0..<2_996).map { Int64($0) })
        #expect(results.enumerated().allSatisfy { ($0.element.arrived == nil) == ($0.offset % 10 == 9) })
        let first = try #require(results.first?.arrived)
        for (index, result) in results.enumerated() {
            guard let arrived = result.arrived else { continue }
            let way = (arrived - first) - (result.sent - at(0))
            #expect(abs(way.nanoseconds - Int64(max(0, index - 100)) * 1_000_000) <= 500_000)
            #expect(result.bytes == 100 + index)
        }
    }

    @Test func aPauseBeginsAPacketOfItsOwn() {
        let recorder = ArrivalRecorder()
        for (sequence, time) in [(1, 0.0), (2, 10), (4, 20_000), (5, 20_010)] {
            recorder.note(UInt16(sequence), at: at(time))
        }
        let made = recorder.take(sender: 1, media: 2)
        #expect(made.map(\.base) == [1, 3] && made.map(\.number) == [0, 1])
        #expect(made.map(\.arrivals.count) == [2, 3] && made[1].arrivals[0] == TransportFeedback.missing)
        #expect(recorder.isEmpty && recorder.take(sender: 1, media: 2).isEmpty)
        // Late and doubled ones are no news, a jump is a new count, and memory has a bound.
        for sequence in [4, 5, 6, 6, 30_000, 30_001] { recorder.note(UInt16(sequence), at: at(20_020)) }
        #expect(recorder.take(sender: 1, media: 2).map(\.base) == [30_000])
    }

    // MARK: Lost packets

    @Test func lostPacketsAreListedAsTheRFCSays() {
        let lost: [UInt16] = [65_534, 65_535, 0, 14, 15, 100]
        var bytes: [UInt8] = []
        RTCPPacket.lost(sender: 1, media: 2, lost).append(to: &bytes)
        // RFC 4585, section 6.2.1: a number, and a bit for each of the 16 behind it.
        #expect(bytes == [0x81, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x80, 0x03, 0, 15, 0, 0, 0, 100, 0, 0])
        #expect(parsed(bytes) == [.lost(sender: 1, media: 2, lost)])
    }

    @Test func whatIsMissingIsAskedForUntilItComesOrIsGivenUp() {
        var missing = MissingPackets(delay: .milliseconds(200))
        for sequence in [65_533, 65_534, 1, 2] { missing.note(UInt16(sequence), now: at(0)) }
        var asked: [(Double, [UInt16])] = []
        for now in stride(from: 0.0, through: 400, by: 1) {
            if now == 70 { missing.note(65_535, now: at(now)) }
            let numbers = missing.take(now: at(now))
            if !numbers.isEmpty { asked.append((now, numbers)) }
        }
        #expect(asked.map(\.0) == [10, 60, 110, 160])
        #expect(asked.map(\.1) == [[65_535, 0], [65_535, 0], [0], [0]])
        #expect(missing.due == nil)
        // Reordering needs no help, a jump none that could be given.
        missing.note(4, now: at(500))
        missing.note(3, now: at(505))
        missing.note(10_000, now: at(505))
        #expect(missing.due == nil)
    }
}
