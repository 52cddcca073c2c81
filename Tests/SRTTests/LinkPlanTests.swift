import Sluice
import Testing

@testable import SRTPlugin

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

@Suite("A link's plan") struct LinkPlanTests {
    private let fixed = LatencyRule(kind: .fixed(milliseconds: 120))
    private let byRoundTrips = LatencyRule(kind: .roundTrips(3, least: 20, most: 1_000))

    @Test func aFixedLatencyAsksForNoRoundTrip() {
        var plan = LinkPlan(fixed, canProbe: true, at: at(0))
        #expect(plan.step(at(0)) == .open(LatencyRule.Choice(milliseconds: 120, words: "latency 120 ms")))
        #expect(plan.step(at(1)) == .nothing)
        #expect(plan.opened(at: at(30)) == LinkPlan.Outage(length: .milliseconds(30), number: 0, attempts: 1))
        #expect(plan.isUp)
    }

    @Test func theFirstConnectionUsesAProbeAndLaterOnesTheLastMeasurement() {
        var plan = LinkPlan(byRoundTrips, canProbe: true, at: at(0))
        #expect(plan.step(at(0)) == .probe)
        #expect(plan.step(at(10)) == .nothing)
        plan.probed(40, at: at(50))
        guard case .open(let first) = plan.step(at(50)) else { return #expect(Bool(false)) }
        #expect(first.milliseconds == 120)
        #expect(first.words == "latency 120 ms (3 x RTT 40 ms, measured by a probe)")
        _ = plan.opened(at: at(60))
        // A round trip that grows changes nothing while the connection stands.
        #expect(plan.step(at(10_000)) == .nothing)
        plan.lost(at: at(20_000), roundTrip: 200.04)
        guard case .open(let second) = plan.step(at(20_000)) else { return #expect(Bool(false)) }
        #expect(second.milliseconds == 601)
        #expect(second.words == "latency 601 ms (3 x RTT 200 ms, measured by the last connection)")
    }

    @Test func aGivenRoundTripIsTaken() {
        var rule = byRoundTrips
        rule.givenRoundTrip = 5
        var plan = LinkPlan(rule, canProbe: true, at: at(0))
        guard case .open(let choice) = plan.step(at(0)) else { return #expect(Bool(false)) }
        #expect(choice.words == "latency 20 ms (3 x RTT 5 ms, as given, at least 20)")
        rule.givenRoundTrip = 60_000
        #expect(rule.choice(60_000, .given).milliseconds == 1_000)
        #expect(
            LatencyRule(kind: .roundTrips(100, least: 20, most: 60_000)).choice(.infinity, .given).milliseconds
                == 60_000)
    }

    @Test func whereNobodyAnswersAProbeThePeerIsCalledAllTheSameAndAskedAgain() {
        var plan = LinkPlan(byRoundTrips, canProbe: true, at: at(0))
        #expect(plan.step(at(0)) == .probe)
        plan.probed(nil, at: at(1_000))
        guard case .open(let choice) = plan.step(at(1_000)) else { return #expect(Bool(false)) }
        #expect(choice == LatencyRule.Choice(milliseconds: 120, words: "latency 120 ms (no round trip is known yet)"))
        plan.failed(at: at(4_000))
        #expect(plan.step(at(4_000)) == .wait(until: at(4_500)))
        #expect(plan.step(at(4_500)) == .probe)
    }

    @Test func aListenerNeverProbes() {
        var plan = LinkPlan(byRoundTrips, canProbe: false, at: at(0))
        guard case .open = plan.step(at(0)) else { return #expect(Bool(false)) }
    }

    /// Tries for ever, with pauses that are an eighth of the outage, from 50 ms to 5 s.
    @Test func pausesGrowWithTheOutageAndNeverEnd() {
        var plan = LinkPlan(fixed, canProbe: true, at: at(0))
        _ = plan.step(at(0))
        _ = plan.opened(at: at(0))
        plan.lost(at: at(10_000), roundTrip: nil)
        var now = at(10_000)
        var pauses: [Int64] = []
        for _ in 0..<300 {
            guard case .open = plan.step(now) else { return #expect(Bool(false), "no attempt at \(now)") }
            // An attempt that is refused at once.
            plan.failed(at: now)
            guard case .wait(let until) = plan.step(now) else { return #expect(Bool(false)) }
            pauses.append((until - now).nanoseconds / 1_000_000)
            now = until
        }
        #expect(pauses.prefix(9).allSatisfy { $0 == 50 } && pauses.last == 5_000)
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
        // While an outage is under four seconds nobody is left alone for more than half a second.
        #expect(pauses.filter { $0 <= 500 }.reduce(0, +) >= 4_000)
        let outage = plan.opened(at: now)
        #expect(outage.number == 1 && outage.length == now - at(10_000))
        #expect(plan.longestOutage == outage.length && plan.totalOutage == outage.length && plan.interruptions == 1)
    }

    @Test func anOutageThatTheRunEndsInCounts() {
        var plan = LinkPlan(fixed, canProbe: true, at: at(0))
        _ = plan.step(at(0))
        #expect(plan.end(at: at(500)) == nil)
        _ = plan.opened(at: at(1_000))
        plan.lost(at: at(2_000), roundTrip: nil)
        #expect(plan.end(at: at(5_000))?.length == .milliseconds(3_000))
        #expect(plan.totalOutage == .milliseconds(3_000))
    }

    @Test func tenthsNeverTrap() {
        #expect(tenths(12.34) == "12.3" && tenths(7) == "7" && tenths(-0.25) == "-0.3")
        #expect(tenths(.nan) == "?" && tenths(1e300) == "?")
    }
}

@Suite("A round trip is probed") struct RoundTripProbeTests {
    /// The answer of a listener to an induction: the caller's socket id stands in the header.
    private func answer(_ question: [UInt8]) -> [UInt8] {
        var bytes = question
        bytes.replaceSubrange(12..<16, with: question[40..<44])
        bytes.replaceSubrange(44..<48, with: [1, 2, 3, 4])
        return bytes
    }

    @Test func theShortestOfFiveAnswersCounts() {
        var probe = RoundTripProbe(at: at(0))
        var now: Int64 = 0
        var onTheWay: [(bytes: [UInt8], at: Int64)] = []
        let delays: [Int64] = [30, 22, 41, 25, 60]
        while now < 2_000 {
            for packet in onTheWay where packet.at == now { probe.received(packet.bytes, at: at(now)) }
            switch probe.step(at(now)) {
            case .send(let bytes):
                #expect(bytes.count == 64)
                onTheWay.append((answer(bytes), now + delays[onTheWay.count]))
                continue
            case .wait(let until): #expect(until > at(now))
            case .done(let time):
                #expect(time == .milliseconds(22))
                #expect(now <= 150)
                return
            }
            now += 1
        }
        Issue.record("it never ended")
    }

    @Test func withoutAnAnswerItEndsAfterASecond() {
        var probe = RoundTripProbe(at: at(0))
        var now = at(0)
        while true {
            switch probe.step(now) {
            case .send: break
            case .wait(let until): now = until
            case .done(let time):
                #expect(time == nil && now == at(80) + .milliseconds(1_000))
                return
            }
        }
    }

    @Test func whatIsNoAnswerIsIgnored() {
        var probe = RoundTripProbe(at: at(0))
        guard case .send(let question) = probe.step(at(0)) else { return #expect(Bool(false)) }
        probe.received([], at: at(1))
        probe.received(Array(repeating: 0xff, count: 64), at: at(1))
        probe.received(Array(repeating: 0x80, count: 2_000), at: at(1))
        var stranger = answer(question)
        stranger[15] &+= 40
        probe.received(stranger, at: at(1))
        #expect(probe.best == nil)
        probe.received(answer(question), at: at(9))
        #expect(probe.best == .milliseconds(9))
    }
}
