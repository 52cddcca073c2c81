import ICE
import Net
import Sluice
import Testing

/// Two full agents, which both begin as the controlling one.
@Suite struct FullPeersTests {
    private func pair(
        _ seeds: (UInt64, UInt64) = (1, 2), farKnows: Bool = true, nearKnows: Bool = true, within seconds: Double = 10
    ) -> Wire {
        var settings = ICEFullAgent.Settings()
        settings.connectTimeout = .seconds(seconds)
        let near = ICEFullAgent(
            locals: [Wire.client], settings: settings, hmac: SHA1.hmac, random: Wire.random(seeds.0))
        var far = ICEFullAgent(
            locals: [Wire.server], settings: settings, hmac: SHA1.hmac, random: Wire.random(seeds.1))
        let start = Instant(nanoseconds: 0)
        far.setRemote(near.local, isLite: false, now: start)
        let wire = Wire(near, .full(far), at: [Wire.server])
        wire.near.setRemote(far.local, isLite: false, now: start)
        if farKnows { far.add(ICECandidate(Wire.client), now: start) }
        far.endOfCandidates(now: start)
        wire.far = .full(far)
        if nearKnows { wire.near.add(ICECandidate(Wire.server), now: start) }
        wire.near.endOfCandidates(now: start)
        return wire
    }

    private func agrees(_ wire: Wire) {
        #expect(wire.near.selected?.remote == ICERoute(Wire.server))
        #expect(wire.full?.selected?.remote == ICERoute(Wire.client))
        #expect(wire.near.isControlling != wire.full?.isControlling)
        #expect(wire.near.failure == nil && wire.full?.failure == nil)
    }

    @Test(arguments: [(1, 2), (2, 1), (3, 4), (11, 5), (6, 17)] as [(UInt64, UInt64)])
    func aConflictOfRolesIsSettledAndBothTakeOnePath(_ one: UInt64, _ other: UInt64) {
        let wire = pair((one, other))
        wire.run(until: 2)
        agrees(wire)
        wire.run(until: 100)
        agrees(wire)
    }

    @Test func aPeerThatHidesItsAddressIsFoundByItsChecks() {
        for (farKnows, nearKnows) in [(true, false), (false, true)] {
            let wire = pair(farKnows: farKnows, nearKnows: nearKnows)
            wire.run(until: 3)
            agrees(wire)
        }
    }

    @Test func twoWhoHideBothDoNotFindEachOther() {
        let wire = pair(farKnows: false, nearKnows: false)
        wire.run(until: 20)
        #expect(wire.near.failure == .noCandidate(hidden: 0, unusable: 0))
    }

    @Test(arguments: 0..<20) func lossAloneDoesNotKeepThemApart(_ seed: UInt64) {
        let wire = pair((seed + 1, seed + 100), within: 60)
        var state = seed &+ 7
        wire.loses = { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33 % 10 < 3
        }
        wire.run(until: 59) { $0.near.selected != nil && $0.full?.selected != nil }
        agrees(wire)
    }

    @Test func requestsWithAnotherPasswordAreNotAnswered() {
        let wire = pair()
        let sent = wire.sent.count
        var stranger = Peer(remote: wire.near.local)
        stranger.local = wire.full!.local
        for bytes in [stranger.check(password: "wrong"), stranger.check(fragment: "none")] {
            bytes.withUnsafeBytes {
                guard let read = STUNMessage($0) else { return }
                wire.near.receive(read, from: Peer.address("198.51.100.1"), local: 0, now: wire.now)
            }
        }
        #expect(wire.sent.count == sent)
        var answers = 0
        while let action = wire.near.next() {
            if case .send(_, let path) = action, path.remote == Peer.address("198.51.100.1") { answers += 1 }
        }
        #expect(answers == 0)
    }
}
