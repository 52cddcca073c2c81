import ICE
import Net
import Sluice
import Testing

@Suite struct LiteAgentTests {
    private let credentials = ICECredentials(random: Peer.random)
    private let a = Peer.address("192.0.2.1")
    private let b = Peer.address("192.0.2.2")
    private var peer: Peer { Peer(remote: credentials) }

    private func agent(_ remote: String? = "remo", settings: ICELiteAgent.Settings = .init()) -> ICELiteAgent {
        ICELiteAgent(
            local: credentials, remoteFragment: remote, settings: settings, hmac: SHA1.hmac,
            now: Instant(nanoseconds: 0))
    }

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0) + .seconds(seconds) }

    private func accepted(new: Bool = false, selected: Bool = false, restart: Bool = false) -> ICECheck {
        var accepted = ICECheck.Accepted()
        (accepted.isNew, accepted.isSelected, accepted.isRestart) = (new, selected, restart)
        return .accepted(accepted)
    }

    @Test func aCheckProvesItsAddressAndANominatingOneSelectsIt() {
        var agent = agent()
        #expect(!agent.mayReceive(from: a) && agent.selected == nil)
        let (first, answer) = agent.take(peer.check(), from: a)
        #expect(first == accepted(new: true))
        #expect(answer == .init(kind: .success, code: nil, mapped: "192.0.2.1:5000", isAuthentic: true))
        #expect(agent.mayReceive(from: a) && !agent.mayReceive(from: b) && agent.selected == nil)
        #expect(agent.take(peer.check(nominating: true), from: a).0 == accepted(selected: true))
        #expect(agent.selected == a)
        #expect(agent.take(peer.check(nominating: true), from: a).0 == accepted())
        #expect(agent.progress.checks == 3 && agent.progress.proved == 1 && agent.progress.firstCheck == at(1))
    }

    @Test func theMappedFormOfAnAddressIsTheSameAddress() {
        var agent = agent()
        #expect(agent.take(peer.check(), from: Peer.address("::ffff:192.0.2.1")).1?.mapped == "192.0.2.1:5000")
        #expect(agent.mayReceive(from: a) && !agent.mayReceive(from: Peer.address("192.0.2.1", 5_001)))
    }

    @Test func theSameAddressOverTCPIsAnotherWay() {
        var agent = agent()
        let tcp = ICERoute(a.address, connection: 7)
        #expect(agent.take(peer.check(), from: tcp).0 == accepted(new: true))
        #expect(agent.mayReceive(from: tcp) && !agent.mayReceive(from: a))
        #expect(!agent.mayReceive(from: ICERoute(a.address, connection: 8)))
    }

    @Test func aCheckThatIsNotRightIsRefusedAndProvesNothing() {
        var agent = agent()
        func refused(_ bytes: [UInt8], _ refusal: ICECheck.Refusal, _ code: Int, trusted: Bool = false) {
            let (result, answer) = agent.take(bytes, from: a)
            #expect(result == .refused(refusal))
            #expect(answer == .init(kind: .failure, code: code, mapped: nil, isAuthentic: trusted))
        }
        refused(peer.check(password: "wrong"), .wrongPassword, 401)
        refused(peer.check(fragment: "none"), .wrongFragment, 401)
        var stranger = peer
        stranger.local = ICECredentials(fragment: "othr", password: String(repeating: "x", count: 22))!
        refused(stranger.check(), .wrongFragment, 401)
        var confused = peer
        confused.role = .controlled(tieBreaker: .max)
        refused(confused.check(), .roleConflict, 487, trusted: true)
        refused(STUNWriter(.request, transaction: .init(high: 1, low: 1)).finish(), .malformed, 400)
        var nameless = STUNWriter(.request, transaction: .init(high: 1, low: 1))
        nameless.add(username: "nocolon")
        refused(nameless.finish(password: credentials.password, by: SHA1.hmac), .malformed, 400)
        #expect(!agent.mayReceive(from: a) && agent.progress.checks == 0)
        #expect(agent.progress.wrongPasswords == 1 && agent.progress.wrongFragments == 2)
        #expect(agent.progress.roleConflicts == 1 && agent.progress.wrongPasswordRoute == a)
    }

    @Test func whatMustBeUnderstoodAndIsNotIsToldBack() {
        var agent = agent()
        var writer = STUNWriter(.request, transaction: .init(high: 1, low: 1))
        writer.add(username: "\(credentials.fragment):remo")
        // An attribute 0x7001 stands in the place of another one.
        writer.add(priority: 1)
        var bytes = writer.finish(password: credentials.password, by: SHA1.hmac)
        let place = 20 + 4 + (credentials.fragment.utf8.count + 5 + 3) & ~3
        #expect(bytes[place] == 0 && bytes[place + 1] == 0x24)
        (bytes[place], bytes[place + 1]) = (0x70, 0x01)
        bytes = Sealed.again(bytes, password: credentials.password)
        let (result, answer) = agent.take(bytes, from: a)
        #expect(result == .refused(.unknownAttribute) && answer?.code == 420 && answer?.isAuthentic == true)
        #expect(!agent.mayReceive(from: a))
    }

    @Test func onlyRequestsThatAreIntactAreAnswered() {
        var agent = agent()
        for kind in [STUN.Kind.indication, .success, .failure] {
            var writer = STUNWriter(kind, transaction: .init(high: 1, low: 1))
            writer.add(username: "\(credentials.fragment):remo")
            let (result, answer) = agent.take(
                writer.finish(password: credentials.password, by: SHA1.hmac), from: a)
            #expect(result == .ignored && answer == nil)
        }
        var damaged = peer.check()
        damaged[damaged.count - 1] ^= 1
        #expect(agent.take(damaged, from: a).0 == .ignored)
    }

    @Test func anyRemoteFragmentWillDoWhileThePeersIsNotKnown() {
        var agent = agent(nil)
        #expect(agent.wake == .distantFuture)
        #expect(agent.take(peer.check(nominating: true), from: a).0 == accepted(new: true, selected: true))
        agent.setRemote(fragment: "else", now: at(2))
        #expect(agent.take(peer.check(), from: b).0 == .refused(.wrongFragment))
        agent.setRemote(fragment: "remo", now: at(2))
        #expect(agent.take(peer.check(), from: b).0 == accepted(new: true))
    }

    /// A browser that moves from one way to another nominates the new one alone from then on.
    @Test func aLowerPriorityCountsOnlyOnceTheSelectedOneIsNotNominatedAnyMore() {
        var agent = agent()
        var tcp = peer
        tcp.priority = 500
        #expect(agent.take(peer.check(nominating: true), from: a, at: 1).0 == accepted(new: true, selected: true))
        #expect(agent.take(tcp.check(nominating: true), from: b, at: 1.2).0 == accepted(new: true))
        #expect(agent.selected == a)
        #expect(agent.take(tcp.check(nominating: true), from: b, at: 1.9).0 == accepted())
        #expect(agent.take(tcp.check(nominating: true), from: b, at: 2).0 == accepted(selected: true))
        #expect(agent.take(peer.check(nominating: true), from: a, at: 2.1).0 == accepted(selected: true))
        #expect(agent.selected == a)
    }

    /// Once the connection stands, the peer moves on purpose: from UDP to TCP, say.
    @Test func anAddressOfLowerPriorityThatWasNotChosenBeforeCountsAtOnceLateron() {
        var agent = agent()
        var other = peer
        other.priority = 500
        let tcp = ICERoute(b.address, connection: 3)
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        _ = agent.take(other.check(), from: tcp, at: 1.1)
        _ = agent.take(peer.check(nominating: true), from: a, at: 3.5)
        #expect(agent.take(other.check(nominating: true), from: tcp, at: 3.6).0 == accepted(selected: true))
        #expect(agent.selected == tcp && agent.mayReceive(from: a))
        // And back.
        #expect(agent.take(peer.check(nominating: true), from: a, at: 3.7).0 == accepted(selected: true))
    }

    @Test func aPeerThatChoosesAllThatItHasWithEachCheckStaysWhereItIs() {
        var other = peer
        other.priority = 500
        let tcp = ICERoute(b.address, connection: 3)
        for pause in [0.05, 1.25, 2.4] {
            var agent = agent()
            for turn in 0..<20 {
                let time = 1 + 2.5 * Double(turn)
                _ = agent.take(peer.check(nominating: true), from: a, at: time)
                _ = agent.take(other.check(nominating: true), from: tcp, at: time + (turn == 0 ? 0.05 : pause))
                #expect(agent.selected == a, "\(pause) s, turn \(turn)")
            }
        }
    }

    @Test func anAddressThatIsCheckedNoMoreMakesRoomForOneThatIs() {
        var agent = agent()
        let tcp = ICERoute(b.address, connection: 3)
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        #expect(agent.take(peer.check(), from: tcp, at: 2).0 == accepted(new: true))
        // No peer makes a longer pause than 6 s.
        #expect(agent.take(peer.check(), from: tcp, at: 7.9).0 == accepted() && agent.selected == a)
        #expect(agent.take(peer.check(), from: tcp, at: 8).0 == accepted(selected: true) && agent.selected == tcp)
    }

    @Test func aConnectionThatIsClosedMakesRoomAtOnce() {
        var agent = agent()
        let tcp = ICERoute(b.address, connection: 3)
        _ = agent.take(peer.check(), from: a, at: 1)
        _ = agent.take(peer.check(nominating: true), from: tcp, at: 2)
        #expect(agent.lose(ICERoute(b.address, connection: 4), now: at(3)) == nil && agent.selected == tcp)
        #expect(agent.lose(tcp, now: at(3)) == a && agent.selected == a && !agent.mayReceive(from: tcp))
        // One that is not selected changes nothing.
        _ = agent.take(peer.check(), from: tcp, at: 4)
        #expect(agent.lose(tcp, now: at(4)) == nil && agent.selected == a)
    }

    @Test func behindAClosedConnectionTheNextCheckSelectsAsLongAsConsentLasts() {
        let tcp = ICERoute(b.address, connection: 3)
        func closed() -> ICELiteAgent {
            var agent = agent()
            _ = agent.take(peer.check(nominating: true), from: tcp, at: 1)
            #expect(agent.lose(tcp, now: at(5)) == nil && agent.selected == nil && agent.wake == at(31))
            return agent
        }
        var back = closed()
        #expect(back.take(peer.check(), from: a, at: 20).0 == accepted(new: true, selected: true))
        #expect(back.selected == a && back.advance(now: at(31)) == nil)
        var gone = closed()
        #expect(gone.advance(now: at(30.9)) == nil && gone.advance(now: at(31)) == .connectionClosed(tcp))
    }

    @Test func consentLastsThirtySecondsFromTheLastCheckAndIsTakenForEachAddress() {
        var agent = agent()
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        _ = agent.take(peer.check(), from: b, at: 2)
        _ = agent.take(peer.check(), from: a, at: 20)
        #expect(agent.wake == at(32))
        var forgotten: [ICERoute] = []
        #expect(agent.advance(now: at(31.999)) { forgotten.append($0) } == nil && forgotten == [])
        #expect(agent.advance(now: at(32)) { forgotten.append($0) } == nil && forgotten == [b])
        #expect(!agent.mayReceive(from: b) && agent.mayReceive(from: a) && agent.wake == at(50))
        #expect(agent.advance(now: at(50)) == .consentLost(a, after: .seconds(30)))
        #expect(agent.advance(now: at(51)) == nil && agent.wake == .distantFuture)
        #expect(!agent.mayReceive(from: a) && agent.selected == nil)
        #expect(agent.take(peer.check(nominating: true), from: a, at: 52).0 == .refused(.late))
        #expect(!agent.mayReceive(from: a))
    }

    @Test func whoeverIsNotConnectedInTimeIsToldHowFarItCame() {
        var nobody = agent()
        #expect(nobody.wake == at(10) && nobody.advance(now: at(9.999)) == nil)
        #expect(nobody.advance(now: at(10)) == .noCheck(within: .seconds(10)))
        var wrong = agent()
        _ = wrong.take(peer.check(password: "wrong"), from: a)
        #expect(wrong.advance(now: at(10)) == .wrongPassword(a, checks: 1, within: .seconds(10)))
        var silent = agent()
        _ = silent.take(peer.check(), from: a)
        _ = silent.take(peer.check(), from: b)
        var forgotten: [ICERoute] = []
        #expect(
            silent.advance(now: at(10)) { forgotten.append($0) } == .notSelected(b, checks: 2, within: .seconds(10)))
        #expect(forgotten == [a, b])
        var connected = agent()
        _ = connected.take(peer.check(nominating: true), from: a, at: 9)
        #expect(connected.advance(now: at(10)) == nil)
    }

    @Test func addressesAreBoundedAndTheSelectedOneStays() {
        var agent = agent()
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        for index in 0..<1_000 {
            let route = Peer.address("198.51.100.7", 1_000 + index)
            let (result, _) = agent.take(peer.check(), from: route, at: 2 + Double(index) / 1_000)
            guard case .accepted(let accepted) = result else {
                Issue.record("\(result)")
                return
            }
            #expect(accepted.forgotten == (index < 15 ? nil : Peer.address("198.51.100.7", 1_000 + index - 15)))
        }
        #expect(agent.provedRoutes.count == 16 && agent.selected == a && agent.mayReceive(from: a))
    }

    // MARK: Restart

    @Test func aRestartKeepsTheOldWayUntilTheFirstCheckWithTheNewPassword() {
        var agent = agent()
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        let fresh = ICECredentials(fragment: "newfragm", password: String(repeating: "n", count: 24))!
        agent.restart(local: fresh, remoteFragment: "rem2", now: at(2))
        #expect(agent.local == fresh && agent.selected == a)
        let old = agent.take(peer.check(nominating: true), from: a, at: 3, password: credentials.password)
        #expect(old.0 == accepted() && old.1?.isAuthentic == true)
        var again = Peer(remote: fresh)
        again.local = ICECredentials(fragment: "rem2", password: String(repeating: "y", count: 22))!
        again.priority = 1
        let new = agent.take(again.check(nominating: true), from: b, at: 3.1)
        #expect(new.0 == accepted(new: true, selected: true, restart: true) && new.1?.isAuthentic == true)
        #expect(agent.selected == b && agent.mayReceive(from: a))
        #expect(agent.take(peer.check(nominating: true), from: a, at: 3.2).0 == .refused(.late))
        #expect(agent.take(peer.check(nominating: true), from: a, at: 3.2).1 == nil)
    }

    @Test func afterARestartItSendsToWhereTheFirstCheckCameFromUntilOneNominates() {
        var agent = agent()
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        let fresh = ICECredentials(fragment: "newfragm", password: String(repeating: "n", count: 24))!
        agent.restart(local: fresh, remoteFragment: "remo", now: at(2))
        var again = Peer(remote: fresh)
        again.priority = 5
        let tcp = ICERoute(b.address, connection: 7)
        #expect(agent.take(again.check(), from: tcp, at: 2.1).0 == accepted(new: true, selected: true, restart: true))
        #expect(agent.selected == tcp && !tcp.isSameNetwork(as: b) && !a.isSameNetwork(as: b))
        #expect(a.isSameNetwork(as: Peer.address("192.0.2.1", 5_001)))
        // Others do not count before they nominate, and then at once.
        again.priority = 1
        #expect(agent.take(again.check(), from: b, at: 2.2).0 == accepted(new: true) && agent.selected == tcp)
        #expect(agent.take(again.check(nominating: true), from: b, at: 2.3).0 == accepted(selected: true))
        #expect(agent.selected == b)
    }

    @Test func aRestartOfALostSessionConnectsIt() {
        var agent = agent()
        _ = agent.take(peer.check(nominating: true), from: a, at: 1)
        #expect(agent.advance(now: at(31)) != nil)
        let fresh = ICECredentials(fragment: "newfragm", password: String(repeating: "n", count: 24))!
        agent.restart(local: fresh, remoteFragment: "remo", now: at(32))
        #expect(agent.wake == at(42))
        #expect(agent.take(peer.check(nominating: true), from: a, at: 33).0 == .refused(.late))
        let again = Peer(remote: fresh)
        let back = agent.take(again.check(nominating: true), from: a, at: 34)
        #expect(back.0 == accepted(new: true, selected: true, restart: true) && agent.failure == nil)
        #expect(agent.wake == at(64))
    }
}
