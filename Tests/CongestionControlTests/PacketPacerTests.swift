import CongestionControl
import Sluice
import Testing

@Suite struct PacketPacerTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    /// All that leaves until `end` in ms, with its time in ms.
    private func leave(_ pacer: inout PacketPacer<String>, from: Double = 0, until end: Double) -> [(Double, String)] {
        var (time, all) = (from, [(Double, String)]())
        while time <= end {
            while let turn = pacer.next(now: at(time)) {
                switch turn {
                case .packet(let name, let isProbe): all.append((time, isProbe ? "probe " + name : name))
                case .padding(let bytes): all.append((time, pacer.leave(bytes: bytes, at: at(time)) ? "padding" : "?"))
                }
            }
            guard let due = pacer.due else { break }
            time = max(time + 0.001, Double(due.nanoseconds) / 1e6)
        }
        return all
    }

    @Test func packetsOfFortyMillisecondsLeaveTogetherAndTheNextWhenTheyArePaidFor() {
        var pacer = PacketPacer<String>(estimate: 1_000_000, patience: .seconds(10), now: at(0))
        pacer.follow(estimate: 1_000_000, isInformed: true)
        #expect(pacer.bitsPerSecond == 1_100_000)
        for index in 0..<20 { pacer.add("\(index)", bytes: 1_100, .picture, at: at(0)) }
        // 1,100 bytes take 8 ms.
        let left = leave(&pacer, until: 1_000)
        #expect(left.count == 20)
        for (index, packet) in left.enumerated() { #expect(abs(packet.0 - Double(index / 5 * 40)) < 0.1) }
    }

    @Test func beforeFeedbackItIsTwoAndAHalfTimesTheEstimate() {
        var pacer = PacketPacer<String>(estimate: 400_000, now: at(0))
        #expect(pacer.bitsPerSecond == 1_000_000)
        pacer.follow(estimate: 400_000, isInformed: true)
        #expect(pacer.bitsPerSecond == 440_000)
    }

    @Test func soundLeavesAtOnceThoughAPictureWaits() {
        var pacer = PacketPacer<String>(estimate: 100_000, patience: .seconds(60), now: at(0))
        pacer.follow(estimate: 100_000, isInformed: true)
        for _ in 0..<50 { pacer.add("picture", bytes: 1_200, .picture, at: at(0)) }
        _ = leave(&pacer, until: 10)
        pacer.add("again", bytes: 1_200, .repair, at: at(15))
        pacer.add("sound", bytes: 160, .sound, at: at(15))
        #expect(pacer.due == Instant(nanoseconds: .min))
        let left = leave(&pacer, from: 15, until: 300)
        #expect(left.first?.0 == 15 && left.first?.1 == "sound")
        #expect(left.dropFirst().first?.1 == "again" && left.dropFirst(2).first?.1 == "picture")
    }

    @Test func nothingWaitsLongerThanItsPatience() {
        var pacer = PacketPacer<String>(estimate: 100_000, patience: .milliseconds(250), now: at(0))
        pacer.follow(estimate: 100_000, isInformed: true)
        // 2.2 s at the paced rate.
        for _ in 0..<25 { pacer.add("picture", bytes: 1_200, .picture, at: at(0)) }
        #expect(pacer.waiting <= .milliseconds(251))
        let left = leave(&pacer, until: 5_000)
        #expect(left.count == 25 && (left.last?.0 ?? 0) <= 250)
        #expect(pacer.bitsPerSecond == 110_000)
    }

    @Test func aProbeLeavesPacketByPacketWithPaddingWhereMediaLack() {
        var pacer = PacketPacer<String>(estimate: 500_000, now: at(0))
        pacer.add("picture", bytes: 1_200, .picture, at: at(0))
        pacer.begin(Probe(number: 1, bitsPerSecond: 3_200_000, bytes: 6_000, packets: 5), at: at(0))
        let left = leave(&pacer, until: 100)
        #expect(left.map(\.1) == ["probe picture", "padding", "padding", "padding", "padding"])
        for (index, packet) in left.enumerated() { #expect(abs(packet.0 - Double(index) * 3) < 0.1) }
        #expect(pacer.due == nil)
    }

    @Test func aProbeForWhichThereIsNoPaddingIsOver() {
        var pacer = PacketPacer<String>(estimate: 500_000, now: at(0))
        pacer.begin(Probe(number: 1, bitsPerSecond: 3_200_000, bytes: 6_000, packets: 5), at: at(0))
        let first = pacer.next(now: at(0))
        guard case .padding = first else {
            Issue.record("no padding is wanted: \(String(describing: first))")
            return
        }
        #expect(pacer.isProbing)
        let second = pacer.next(now: at(0))
        #expect(second == nil && !pacer.isProbing && pacer.due == nil)
    }

    @Test func ratesOfNothingAndOfEverythingDoNotBreakIt() {
        var pacer = PacketPacer<String>(estimate: 0, patience: .zero, now: at(0))
        pacer.add("picture", bytes: -5, .picture, at: at(0))
        pacer.add("picture", bytes: 1_200, .picture, at: at(0))
        #expect(leave(&pacer, until: 1_000).count == 2)
        pacer.follow(estimate: .max, isInformed: false)
        for _ in 0..<100 { pacer.add("picture", bytes: 1_200, .picture, at: at(2_000)) }
        #expect(leave(&pacer, from: 2_000, until: 2_001).count == 100)
    }
}
