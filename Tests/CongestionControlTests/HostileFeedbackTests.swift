import CongestionControl
import RTP
import Sluice
import Testing

@Suite struct HostileFeedbackTests {
    /// A sender of 100 packets a second at 1 Mb/s, and a receiver that tells of each 50 ms later.
    private struct Line {
        var controller = CongestionController(now: Instant(nanoseconds: 0))
        var sequence: UInt16 = 65_000
        var time = 0

        var now: Instant { Line.at(time) }

        static func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

        /// A packet that is sent and told of, alone in a feedback.
        mutating func exchange(feedbacks: Int = 1) {
            let first = sequence
            if let probe = controller.run(now: now) {
                for _ in 0..<max(probe.packets, probe.bytes / 1_200) { send(isProbe: true) }
            }
            send()
            time += 10
            let told = feedback(first, at: time, count: Int(sequence &- first))
            for _ in 0..<feedbacks { controller.take(told, at: now) }
        }

        mutating func send(isProbe: Bool = false) {
            controller.noteSent(sequence, bytes: 1_200, at: now, isProbe: isProbe)
            sequence &+= 1
        }

        /// Packets from `sequence` on came at `time` in ms.
        func feedback(_ sequence: UInt16, at time: Int, count: Int = 1) -> TransportFeedback {
            TransportFeedback(
                sender: 1, media: 2, base: sequence, reference: Int32(time / 64), number: 0,
                arrivals: [Int32](repeating: Int32(time % 64 * 4), count: count))
        }
    }

    @Test func feedbackOfWhatWasNeverSentIsPassedOver() {
        var line = Line()
        for _ in 0..<200 { line.exchange() }
        let (before, loss) = (line.controller.bitsPerSecond, line.controller.lossShare)
        for index in 0..<1_000 {
            let base = line.sequence &+ UInt16(index * 29 % 30_000)
            line.controller.take(
                TransportFeedback(
                    sender: 1, media: 2, base: base, reference: Int32(index), number: UInt8(index & 255),
                    arrivals: [Int32](repeating: index % 2 == 0 ? .min : 0, count: 500)), at: line.now)
        }
        #expect(line.controller.bitsPerSecond == before && line.controller.lossShare == loss)
        // Before anything was sent at all.
        var fresh = CongestionController(now: Line.at(0))
        fresh.take(line.feedback(7, at: 5), at: Line.at(10))
        #expect(fresh.bitsPerSecond == 300_000 && !fresh.isInformed && fresh.due == nil)
    }

    @Test func feedbackThatRunsBackwardsCountsOnceAndEndsNothing() {
        var (line, plain) = (Line(), Line())
        for _ in 0..<300 {
            line.exchange()
            plain.exchange()
            // All that was told before is told again, from the newest to the oldest, and as missing.
            for back in 1..<UInt16(20) {
                line.controller.take(line.feedback(line.sequence &- back, at: line.time - 10 * Int(back)), at: line.now)
                var missing = line.feedback(line.sequence &- back, at: 0)
                missing.arrivals = [TransportFeedback.missing]
                line.controller.take(missing, at: line.now)
            }
        }
        #expect(line.controller.bitsPerSecond == plain.controller.bitsPerSecond)
        #expect(line.controller.lossShare == 0)
        // The receiver's clock runs backwards: nothing is learnt of delay, and nothing breaks.
        var reversed = Line()
        for index in 0..<1_000 {
            reversed.send()
            reversed.time += 10
            reversed.controller.take(
                reversed.feedback(reversed.sequence &- 1, at: 1_000_000 - 640 * index), at: reversed.now)
        }
        #expect((50_000...1_500_000).contains(reversed.controller.bitsPerSecond))
    }

    @Test func feedbackThatComesAMinuteLateChangesNothing() {
        var line = Line()
        for _ in 0..<200 { line.exchange() }
        for _ in 0..<50 { line.send() }
        let late = Line.at(line.time + 60_000)
        let before = line.controller.bitsPerSecond
        line.controller.take(
            TransportFeedback(
                sender: 1, media: 2, base: line.sequence &- 50, reference: 1, number: 0,
                arrivals: [Int32](repeating: TransportFeedback.missing, count: 49) + [0]), at: late)
        #expect(line.controller.bitsPerSecond == before && line.controller.lossShare == 0)
    }

    @Test func feedbackAThousandTimesASecondRaisesNoFaster() {
        var (often, seldom) = (Line(), Line())
        for _ in 0..<1_000 {
            often.exchange(feedbacks: 10)
            seldom.exchange()
        }
        #expect(often.controller.bitsPerSecond == seldom.controller.bitsPerSecond)
        #expect(often.controller.takeDecisions().count <= 64)
    }

    @Test func ratesThatReceiversClaimAreHeldWithinBounds() {
        var settings = CongestionController.Settings()
        settings.hasArrivals = false
        var controller = CongestionController(settings, now: Line.at(0))
        controller.take(ReceiverEstimate(sender: 1, bitsPerSecond: 0, sources: []), at: Line.at(10))
        #expect(controller.bitsPerSecond == settings.least)
        controller.take(ReceiverEstimate(sender: 1, bitsPerSecond: .max, sources: []), at: Line.at(20))
        #expect(controller.bitsPerSecond == settings.most)
        controller.take(ReceiverEstimate(sender: 1, bitsPerSecond: 900_000, sources: []), at: Line.at(30))
        #expect(controller.bitsPerSecond == 900_000)
        #expect(
            controller.takeDecisions().map(\.sentence) == [
                "0.3 → 0.05 Mb/s, the receiver's estimate", "0.05 → 100 Mb/s, the receiver's estimate",
                "100 → 0.9 Mb/s, the receiver's estimate",
            ])
        // 2⁶³ as it stands on the wire.
        let bytes: [UInt8] = [0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4d, 0x42, 0, 0xba, 0, 0]
        let packets = bytes.withUnsafeBytes { RTCPPacket.parse($0) }
        guard case .estimate(let estimate) = packets?.first else {
            Issue.record("no estimate in \(packets ?? [])")
            return
        }
        #expect(estimate.bitsPerSecond == .max)
        controller.take(estimate, at: Line.at(40))
        #expect(controller.bitsPerSecond == settings.most)
        // With transport-cc they are the most that it wants.
        var told = CongestionController(now: Line.at(0))
        told.take(estimate, at: Line.at(10))
        #expect(told.bitsPerSecond == 300_000)
        told.take(ReceiverEstimate(sender: 1, bitsPerSecond: 0, sources: []), at: Line.at(20))
        #expect(told.bitsPerSecond == settings.least)
        told.take(estimate, at: Line.at(30))
        #expect(told.bitsPerSecond == 300_000)
    }

    @Test func oneThatAgreedAndReportsWithoutEverTellingArrivalsIsTakenAtItsReports() {
        var line = Line()
        let report = RTCPPacket.ReportBlock(
            ssrc: 1, fractionLost: 0, lost: 0, highest: 100, jitter: 0, lastReport: 0, delay: 0)
        for second in 0..<5 {
            line.send()
            _ = line.controller.run(now: line.now)
            line.controller.take(report, at: line.now)
            #expect((line.controller.bitsPerSecond == 300_000) == [0, 1, 3, 4].contains(second), "\(second)")
            line.time += 1_000
        }
        #expect(line.controller.takeDecisions().contains { $0.cause == .untold })
        // One that tells is taken at that.
        var other = Line()
        for _ in 0..<500 { other.exchange() }
        let before = other.controller.bitsPerSecond
        other.controller.take(report, at: other.now)
        #expect(other.controller.bitsPerSecond == before)
    }
}
