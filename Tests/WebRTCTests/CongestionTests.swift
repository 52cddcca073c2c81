import RTP
import Sluice
import SluiceTesting
import Testing

@testable import WebRTCPlugin

/// The node that sends, its peer and a link in virtual time.
@Suite("What a peer's link carries") struct CongestionTests {
    private static let wide: [String: ParameterValue] = ["min_kbps": 100]

    @Test func aLinkThatGetsNarrowIsFollowedWithinTwoSecondsAndUsedAgainWithinFifteen() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.kbps = 3_000
        rig.run(20_000)
        #expect(rig.rates.last?.kbps ?? 0 >= 0.7 * 0.65 * 3_000 || rig.rates.last?.kbps == 1_800, "\(rig.rates)")
        rig.kbps = 700
        rig.run(2_000)
        let lost = rig.lost
        rig.run(13_000)
        #expect(rig.sentRate(from: 22_000, to: 35_000) < 700 && rig.lost - lost < 5, "\(rig.rates)")
        // It keeps using what is there.
        #expect(rig.sentRate(from: 22_000, to: 35_000) > 250)
        rig.kbps = 3_000
        rig.run(15_000)
        #expect(rig.counter("estimate_kbps") >= 2_100, "\(rig.said)")
        #expect(rig.said.contains { $0.contains("delay rises") }, "\(rig.said)")
        #expect(rig.counter("estimate_falls_by_delay") > 0 && rig.counter("probes_proved") > 0)
    }

    @Test func whereMuchIsCarriedNoPictureWaits() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.run(10_000)
        let late = rig.sent.filter { $0.header.payloadType == 96 && $0.at > 1_000 }
        // Pictures are made at whole milliseconds.
        #expect(late.count > 500 && late.allSatisfy { $0.at == $0.at.rounded() })
        #expect(rig.rates.last?.kbps == 1_800 && rig.lost == 0)
        // More is not wished: no probe, and no timer.
        #expect(rig.sent.allSatisfy { $0.header.ssrc != 6 || $0.at < 2_000 })
    }

    @Test func streamsOfOneConnectionShareOneCount() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.run(3_000)
        let numbers = rig.sent.compactMap(\.number)
        #expect(numbers.count == rig.sent.count && Set(rig.sent.map(\.header.ssrc)).isSuperset(of: [5, 7]))
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
    }

    @Test func soundAloneIsNeitherNumberedNorProbed() throws {
        let rig = try CongestionRig(.init(hasVideo: false))
        rig.run(5_000)
        #expect(rig.sent.count >= 250 && rig.sent.allSatisfy { $0.number == nil && $0.header.ssrc == 7 })
        #expect(rig.counter("probes") == 0)
    }

    @Test func soundLeavesAtOnceThoughAPictureWaits() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.kbps = 500
        rig.keyframeFactor = 12
        rig.run(10_000)
        rig.tell(.pictureLoss(sender: 1, media: 5))
        rig.run(1_000)
        let sound = rig.sent.filter { $0.header.ssrc == 7 && $0.at > 1_000 }
        #expect(sound.count >= 495 && sound.allSatisfy { $0.at.truncatingRemainder(dividingBy: 20) == 0 })
        // The keyframe itself was spread.
        let keyframe = rig.sent.filter { $0.header.ssrc == 5 && $0.at > 10_000 && $0.at < 10_400 }
        #expect(Set(keyframe.map { Int($0.at / 40) }).count > 2, "\(keyframe.map(\.at))")
    }

    @Test func withoutTransportCCThePeersEstimateCountsAndNothingWaits() throws {
        let rig = try CongestionRig(.init(countsArrivals: false), Self.wide)
        rig.run(1_000)
        rig.tell(.estimate(ReceiverEstimate(sender: 1, bitsPerSecond: 600_000, sources: [5])))
        rig.run(1_000)
        #expect(rig.rates.last?.kbps == 390 && rig.sent.allSatisfy { $0.number == nil })
        #expect(rig.said.contains { $0.contains("1.8 → 0.6 Mb/s, the receiver's estimate") }, "\(rig.said)")
        #expect(rig.counter("probes") == 0)
    }

    @Test func withoutRepairThereIsNothingToProbeWith() throws {
        let rig = try CongestionRig(.init(repairs: false), Self.wide)
        rig.run(10_000)
        #expect(rig.counter("probes") == 0 && rig.sent.allSatisfy { [5, 7].contains($0.header.ssrc) })
        #expect(rig.rates.last?.kbps ?? 0 > 1_170)
    }

    @Test func aPeerThatAgreedAndNeverTellsGetsWhatItsReportsAllow() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.tellsArrivals = false
        for second in 1...10 {
            rig.run(1_000)
            let highest = UInt32(rig.sent.last { $0.header.ssrc == 5 }?.header.sequence ?? 0)
            rig.tell(
                .receiverReport(
                    ssrc: 1,
                    reports: [
                        .init(
                            ssrc: 5, fractionLost: 0, lost: 0, highest: highest, jitter: UInt32(second), lastReport: 0,
                            delay: 0)
                    ]))
        }
        rig.run(100)
        #expect(rig.counter("estimate_kbps") >= 1_800 && rig.rates.last?.kbps == 1_170, "\(rig.said)")
    }

    /// As where the network is another from now on: what was sent meanwhile is missed, and asked for all the time.
    @Test func aKeyframeIsNotHeldUpByOneWhoAsksForEverything() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.run(5_000)
        rig.isBlocked = true
        let first = try #require(rig.sent.last { $0.header.ssrc == 5 }).header.sequence
        rig.run(3_000)
        rig.isBlocked = false
        rig.tell(.pictureLoss(sender: 1, media: 5))
        let begun = rig.now
        for _ in 0..<40 {
            let last = try #require(rig.sent.last { $0.header.ssrc == 5 }).header.sequence
            let missing = (0..<(last &- first)).map { first &+ $0 &+ 1 }.filter { !rig.came.contains($0) }
            rig.tell(.lost(sender: 1, media: 5, Array(missing.suffix(400))))
            rig.run(20)
        }
        // 20 ms there and a frame to the keyframe, which is spread.
        let pictures = rig.sent.filter { $0.header.ssrc == 5 && $0.at > begun }
        let next = Dictionary(grouping: pictures) { $0.header.timestamp }.values.max { $0.count < $1.count } ?? []
        #expect(next.count > 10 && next[next.count - 1].at - begun < 500, "\(next.map(\.at)) \(begun)")
    }

    // MARK: Feedback that lies

    private func feedback(_ base: UInt16, _ arrivals: [Int32], reference: Int32 = 1) -> RTCPPacket {
        .transport(
            TransportFeedback(
                sender: 1, media: 5, base: base, reference: reference, number: 0, arrivals: arrivals))
    }

    /// The same run, once with lies and once without.
    private func compare(_ lie: (CongestionRig, Int) -> Void) throws -> (lied: CongestionRig, honest: CongestionRig) {
        let (lied, honest) = (try CongestionRig(.init(), Self.wide), try CongestionRig(.init(), Self.wide))
        for rig in [lied, honest] { rig.kbps = 2_000 }
        for turn in 0..<400 {
            lie(lied, turn)
            lied.run(20)
            honest.run(20)
        }
        return (lied, honest)
    }

    @Test func whatWasNeverSentIsPassedOver() throws {
        let (lied, honest) = try compare { rig, turn in
            let ahead = (rig.sent.last?.number ?? 0) &+ 3_000 &+ UInt16(turn * 29)
            rig.tell(feedback(ahead, [Int32](repeating: turn % 2 == 0 ? TransportFeedback.missing : 0, count: 200)))
        }
        #expect(lied.counter("estimate_kbps") == honest.counter("estimate_kbps"))
        #expect(lied.sent.count == honest.sent.count)
    }

    @Test func whatRunsBackwardsCountsOnce() throws {
        let (lied, honest) = try compare { rig, turn in
            // Packets of long ago, as missing and from another time.
            guard rig.sent.count > 600, let old = rig.sent[rig.sent.count - 500].number else { return }
            rig.tell(feedback(old, [Int32](repeating: TransportFeedback.missing, count: 50) + [5]))
            rig.tell(feedback(old, [Int32](repeating: 7, count: 50), reference: 4_000_000 - Int32(turn)))
        }
        let (one, other) = (lied.counter("estimate_kbps"), honest.counter("estimate_kbps"))
        #expect(abs(one - other) * 4 < other && lied.counter("estimate_falls_by_loss") == 0, "\(one), \(other)")
    }

    @Test func whatComesAMinuteLateChangesNothing() throws {
        let rig = try CongestionRig(.init(), Self.wide)
        rig.run(5_000)
        rig.tellsArrivals = false
        let number = try #require(rig.sent.last?.number)
        rig.run(60_000)
        let before = rig.counter("estimate_kbps")
        // Nothing was heard for a minute: the rate is the least.
        #expect(before == 50 && rig.counter("estimate_falls_by_silence") > 3)
        rig.tell(feedback(number, [Int32](repeating: 0, count: 40)))
        rig.run(1_100)
        #expect(rig.counter("estimate_kbps") == before)
    }

    @Test func aThousandTimesASecondRaisesNothingFasterAndFillsNoLog() throws {
        let (lied, honest) = try compare { rig, _ in
            // The truth, and all of it again and again.
            rig.interval = 1
            rig.repeats = true
        }
        #expect(lied.counter("estimate_kbps") <= honest.counter("estimate_kbps") * 3 / 2)
        #expect(lied.said.count <= 15, "\(lied.said)")
    }

    @Test func estimatesOfNothingAndOfEverythingAreHeldWithinBounds() throws {
        for countsArrivals in [true, false] {
            let rig = try CongestionRig(.init(countsArrivals: countsArrivals), Self.wide)
            rig.run(2_000)
            rig.tell(.estimate(ReceiverEstimate(sender: 1, bitsPerSecond: 0, sources: [])))
            rig.run(2_000)
            #expect(rig.counter("estimate_kbps") == 50 && rig.rates.last?.kbps == 100)
            rig.tell(.estimate(ReceiverEstimate(sender: 1, bitsPerSecond: .max, sources: [])))
            rig.run(3_000)
            #expect((500...100_000).contains(rig.counter("estimate_kbps")), "\(rig.counter("estimate_kbps"))")
            #expect(rig.rates.last?.kbps ?? 0 <= 1_800)
        }
    }
}
