import ICE
import Net
import Sluice
import Testing

/// Against a server with ICE-lite.
@Suite struct FullAgentTests {
    private func checks(_ wire: Wire, tcp: Bool = false) -> [Wire.Message] {
        wire.sent.filter { $0.isFromNear && $0.isTCP == tcp }
    }

    @Test func itConnectsInTwoRoundTrips() throws {
        let wire = Wire.lite()
        wire.run(until: 1) { !$0.selections.isEmpty }
        #expect(wire.selections == [0.08])
        #expect(wire.near.selected?.remote == ICERoute(Wire.server) && wire.lite?.selected == ICERoute(Wire.client))
        #expect(wire.near.mappedAddress == Wire.client && wire.near.roundTrip == .milliseconds(40))
        #expect(wire.near.mayReceive(from: ICERoute(Wire.server)))
        #expect(!wire.near.mayReceive(from: ICERoute(Wire.server, connection: 1)))
        #expect(checks(wire).count == 2)
    }

    @Test func itTellsItsHostCandidatesAndNotTheSocketForAll() {
        let hosts = ["192.0.2.10", "2001:db8::1", "0.0.0.0"].map { Peer.address($0, 4_000).address }
        let agent = ICEFullAgent(locals: hosts, hmac: SHA1.hmac, random: Peer.random)
        #expect(agent.candidates.map(\.host) == ["192.0.2.10", "192.0.2.10", "2001:db8::1", "2001:db8::1"])
        #expect(agent.candidates.map(\.transport) == [.udp, .active, .udp, .active])
        #expect(agent.candidates.map(\.port) == [4_000, 9, 4_000, 9])
        #expect(agent.candidates[0].priority == 2_130_706_431 && agent.candidates[2].priority == 2_130_706_175)
    }

    @Test func whereUDPIsClosedItTakesTCP() {
        let wire = Wire.lite(tcp: true)
        wire.loses = { !$0.isTCP }
        wire.run(until: 5) { $0.lite?.selected != nil && !$0.selections.isEmpty }
        #expect(wire.near.selected?.remote == ICERoute(Wire.server, connection: 1))
        #expect(wire.lite?.selected == ICERoute(Wire.client, connection: 1))
        // Opened after 50 ms in 40, checked at 100, answered 40 later; then a second for UDP, and the nomination.
        #expect(wire.selections == [1.18])
    }

    @Test func oneLostDatagramDoesNotPutMediaOnTCP() {
        let wire = Wire.lite(tcp: true)
        wire.loses = { $0.time == 0 && !$0.isTCP }
        wire.run(until: 5) { !$0.selections.isEmpty }
        #expect(wire.near.selected?.remote == ICERoute(Wire.server))
        let closed = wire.nearActions.contains { $0.action == .close(1) }
        #expect(closed)
    }

    @Test func checksAreSentAgainAtTwiceTheWaitEachTime() {
        let wire = Wire.lite()
        wire.loses = { _ in true }
        wire.run(until: 20)
        #expect(checks(wire).map(\.time) == [0, 0.5, 1.5, 3.5, 7.5])
        #expect(Set(checks(wire).map(\.bytes)).count == 1)
        #expect(wire.nearFailure == .noAnswer([ICERoute(Wire.server)], checks: 5, within: .seconds(10)))
        #expect(wire.near.wake == .distantFuture)
        #expect(
            wire.nearFailure?.text(told: []) == "no answer to 5 checks to 203.0.113.5:8189 by UDP within 10 s: "
                + "let UDP and TCP to port 8189 through on both sides")
    }

    @Test func anotherPasswordIsToldAtTheEnd() {
        let wire = Wire.lite(password: String(repeating: "w", count: 24))
        wire.run(until: 20)
        #expect(wire.nearFailure == .refused(ICERoute(Wire.server), code: 401))
        #expect(wire.lite?.failure == .wrongPassword(ICERoute(Wire.client), checks: 5, within: .seconds(10)))
    }

    @Test func namesAreNotTriedAndWithNothingElseItFailsAtOnce() throws {
        var agent = ICEFullAgent(locals: [Wire.client], hmac: SHA1.hmac, random: Wire.random(1))
        let start = Instant(nanoseconds: 0)
        agent.setRemote(ICECredentials(random: Wire.random(2)), isLite: true, now: start)
        for host in ["a.local", "b.local", "turn.example"] {
            let line = "candidate:1 1 udp 1 \(host) 9 typ host"
            agent.add(try #require(ICECandidate(line: line)), now: start)
        }
        // Of the other family, of another component, and on this machine.
        agent.add(ICECandidate(Peer.address("2001:db8::1").address), now: start)
        agent.add(ICECandidate(Wire.server, component: 2), now: start)
        agent.add(ICECandidate(Peer.address("127.0.0.1").address), now: start)
        agent.add(ICECandidate(Wire.server, transport: .active), now: start)
        #expect(agent.failure == nil)
        agent.endOfCandidates(now: start)
        #expect(agent.failure == .noCandidate(hidden: 2, unusable: 5) && agent.next() == .failed(agent.failure!))
        #expect(
            agent.failure?.text(told: [])
                == "the peer told no address that can be tried: of 7, 2 hide behind names that "
                + "end with .local; let it advertise one that is reached from here")
    }

    @Test func newChecksAreFiftyMillisecondsApartHoweverManyCandidatesCome() {
        let wire = Wire.lite()
        wire.loses = { _ in true }
        for index in 1...1_000 {
            wire.near.add(ICECandidate(Peer.address("198.51.100.7", index).address), now: wire.now)
        }
        wire.run(until: 20)
        let first = Dictionary(grouping: checks(wire), by: \.bytes).values.compactMap { $0.map(\.time).min() }.sorted()
        // The limit of RFC 8445, section 6.1.2.5.
        #expect(first.count == 100)
        #expect(zip(first, first.dropFirst()).allSatisfy { $1 - $0 > 0.0499 })
    }

    @Test func aBetterPairIsAwaitedForAMoment() {
        let wire = Wire.lite()
        var worse = ICECandidate(Wire.server)
        worse.priority = 5
        // The first answers nobody, and is the better one.
        let near = ICEFullAgent(locals: [Wire.client], hmac: SHA1.hmac, random: Wire.random(1))
        let again = Wire(near, wire.far, at: [Wire.server])
        again.near.setRemote(wire.lite!.local, isLite: true, now: again.now)
        again.near.add(ICECandidate(Peer.address("203.0.113.6", 8_189).address), now: again.now)
        again.near.add(worse, now: again.now)
        again.run(until: 5) { !$0.selections.isEmpty }
        // Checked at 50 ms, answered at 90, awaited for 200, nominated.
        #expect(again.selections == [0.33])
    }

    // MARK: Consent

    @Test func consentIsAskedForEveryFourToSixSecondsAndLostAfterThirty() {
        let wire = Wire.lite()
        wire.run(until: 120)
        let times = checks(wire).dropFirst().map(\.time)
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { (3.9...6.001).contains($0) } && Set(gaps).count > 10)
        // Each is sent once, with a transaction of its own (RFC 7675, section 5.1).
        let asked = checks(wire).map(\.bytes)
        #expect(Set(asked).count == asked.count)
        #expect(wire.nearFailure == nil && wire.lite?.failure == nil && wire.near.selected != nil)
        wire.loses = { _ in true }
        wire.run(until: 200)
        #expect(wire.nearFailure == .unanswered(ICERoute(Wire.server), after: .seconds(30)))
        #expect(wire.lite?.failure == .consentLost(ICERoute(Wire.client), after: .seconds(30)))
        #expect(wire.near.selected == nil && !wire.near.mayReceive(from: ICERoute(Wire.server)))
        let failed = wire.nearActions.last
        #expect(failed?.action == .failed(wire.nearFailure!))
        #expect((144...150.1).contains(failed?.time ?? 0))
    }

    /// An answer to a question before the last one is an answer (RFC 7675, section 5.1).
    @Test func answersThatComeLateGiveConsentToo() {
        let wire = Wire.lite()
        wire.run(until: 1)
        wire.delay = .seconds(8)
        wire.run(until: 300)
        #expect(wire.nearFailure == nil && wire.near.selected != nil && wire.near.roundTrip == .seconds(16))
    }

    @Test func anAnswerWithoutTheRightHashGivesNoConsentAndSelectsNothing() {
        let wire = Wire.lite()
        wire.run(until: 1)
        wire.loses = { !$0.isFromNear }
        var seen = wire.sent.count
        for second in 2...60 {
            wire.run(until: Double(second))
            for message in wire.sent[seen...] where message.isFromNear {
                message.bytes.withUnsafeBytes { bytes in
                    guard let check = STUNMessage(bytes) else { return }
                    let forged = STUNWriter(.success, transaction: check.transaction)
                        .finish(password: "guessed", by: SHA1.hmac)
                    forged.withUnsafeBytes {
                        guard let read = STUNMessage($0) else { return }
                        wire.near.receive(read, from: ICERoute(Wire.server), local: 0, now: wire.now)
                    }
                }
            }
            seen = wire.sent.count
        }
        #expect(wire.nearFailure == .unanswered(ICERoute(Wire.server), after: .seconds(30)))
    }

    @Test func anAnswerFromElsewhereFailsItsPair() {
        let wire = Wire.lite()
        wire.loses = { !$0.isFromNear }
        wire.run(until: 0.1)
        let answer = wire.sent.first { !$0.isFromNear }?.bytes ?? []
        answer.withUnsafeBytes { bytes in
            guard let read = STUNMessage(bytes) else { return }
            wire.near.receive(read, from: Peer.address("203.0.113.6", 8_189), local: 0, now: wire.now)
        }
        #expect(!wire.near.mayReceive(from: Peer.address("203.0.113.6", 8_189)))
        #expect(!wire.near.mayReceive(from: ICERoute(Wire.server)) && wire.nearFailure != nil)
    }

    // MARK: TCP

    @Test func aConnectionThatIsRefusedLeavesNothingToWaitFor() {
        var settings = ICEFullAgent.Settings()
        settings.connectTimeout = .seconds(60)
        let wire = Wire.lite(tcp: true, settings: settings)
        wire.loses = { _ in true }
        wire.acceptsTCP = false
        wire.run(until: 100)
        // 0.5 + 1 + 2 + … + 16 s, and 8 more for the last (RFC 8489, section 6.2.1).
        #expect(wire.nearActions.last?.time == 39.5 && checks(wire).count == 7)
    }

    @Test func aConnectionThatThePeerClosesEndsTheSession() {
        let wire = Wire.lite(tcp: true)
        wire.loses = { !$0.isTCP }
        wire.run(until: 5)
        wire.near.closed(1, now: wire.now)
        #expect(wire.nearFailure == .connectionClosed(ICERoute(Wire.server, connection: 1)))
        #expect(wire.near.selected == nil)
    }

    // MARK: Restart

    private func restart(_ wire: Wire) -> ICECredentials {
        wire.near.restart(now: wire.now)
        let fresh = ICECredentials(random: Wire.random(9))
        if case .lite(var agent) = wire.far {
            agent.restart(local: fresh, remoteFragment: wire.near.local.fragment, now: wire.now)
            wire.far = .lite(agent)
        }
        return fresh
    }

    @Test func aRestartSelectsAnewAndMediaGoOnMeanwhile() {
        let wire = Wire.lite()
        wire.run(until: 10)
        let before = wire.near.local
        let fresh = restart(wire)
        #expect(wire.near.local != before && wire.near.selected != nil)
        // The answer takes 20 s; consent is still asked for under the old password.
        wire.run(until: 30)
        #expect(wire.near.selected != nil && wire.nearFailure == nil && wire.lite?.selected != nil)
        wire.answer(fresh)
        wire.run(until: 31)
        #expect(wire.selections.count == 2 && wire.lite?.local == fresh && wire.lite?.failure == nil)
        wire.run(until: 200)
        #expect(wire.nearFailure == nil && wire.lite?.failure == nil && wire.lite?.selected != nil)
    }

    @Test func aRestartThatComesToNothingLeavesTheOldPath() {
        let wire = Wire.lite()
        wire.run(until: 10)
        _ = restart(wire)
        wire.answer(ICECredentials(random: Wire.random(77)))
        wire.run(until: 21)
        #expect(wire.nearActions.contains { $0.action == .restartFailed(.refused(ICERoute(Wire.server), code: 401)) })
        wire.run(until: 100)
        #expect(wire.near.selected != nil && wire.nearFailure == nil && wire.selections.count == 1)
    }

    @Test func aRestartAfterTheEndConnectsAgain() {
        let wire = Wire.lite()
        wire.run(until: 10)
        wire.loses = { _ in true }
        wire.run(until: 60)
        #expect(wire.nearFailure != nil)
        wire.loses = { _ in false }
        wire.answer(restart(wire))
        wire.run(until: 61)
        #expect(wire.near.selected != nil && wire.nearFailure == nil && wire.lite?.selected != nil)
    }
}
