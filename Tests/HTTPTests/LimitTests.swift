import Sluice
import Testing

@testable import HTTPPlugin

@Suite struct LimitTests {
    @Test func oneAddressCannotTakeTheConnectionsOfAll() {
        var limits = ConnectionLimits(most: 5, mostOfOne: 3)
        let (stranger, friend): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
        let strangers = (0..<10).count { _ in limits.admit(stranger) }
        let friends = (0..<10).count { _ in limits.admit(friend) }
        #expect(strangers == 3 && friends == 2 && limits.open == 5)
        limits.release(stranger)
        let (next, last) = (limits.admit(friend), limits.admit(stranger))
        #expect(next && !last)
    }

    @Test func anAddressMayAskTwiceItsNumberAtOnceAndItsNumberASecond() {
        var limits = RequestLimits(perSecond: 10)
        var now = Instant(nanoseconds: 0)
        func admitted(_ asked: Int, _ group: [UInt8]) -> Int {
            (0..<asked).count { _ in limits.admit(group, now: now) }
        }
        let (first, other) = (admitted(100, [1]), admitted(1, [2]))
        #expect(first == 20 && other == 1)
        for _ in 0..<50 {
            now = now + .milliseconds(100)
            let next = admitted(5, [1])
            #expect(next == 1)
        }
        now = now + .seconds(100)
        let rested = admitted(100, [1])
        #expect(rested == 20)
        #expect(limits.retryAfter == 1)
    }

    @Test func memoryForAddressesIsBounded() {
        var limits = RequestLimits(perSecond: 1)
        for number in 0..<100_000 {
            let bytes = [UInt8(number >> 16), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
            _ = limits.admit(bytes, now: Instant(nanoseconds: Int64(number)))
        }
        #expect(limits.groups <= RequestLimits.mostGroups)
        _ = limits.admit([9], now: Instant(nanoseconds: 60_000_000_000))
        #expect(limits.groups == 1)
    }

    @Test func addressesOfOneNetworkCountAsOne() {
        let one = Peer(shown: "", host: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
        let two = Peer(shown: "", host: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9])
        let mapped = Peer(shown: "", host: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1])
        #expect(one.group == two.group)
        #expect(mapped.group == Peer(shown: "", host: [192, 0, 2, 1]).group)
    }

    @Test func refusedConnectionsAreSaidAtMostOnceInTenSeconds() {
        var report = RefusalReport()
        let peer = Peer(shown: "10.0.0.1:5", host: [10, 0, 0, 1])
        let first = report.note(Instant(nanoseconds: 0), peer: peer, isForAll: false, open: 5)
        #expect(first == "refuses a connection from 10.0.0.1:5: its address has as many as it may")
        let within = (1..<10).compactMap { second in
            report.note(
                Instant(nanoseconds: Int64(second) * 1_000_000_000), peer: peer, isForAll: true, open: 5)
        }
        #expect(within.isEmpty)
        let next = report.note(Instant(nanoseconds: 10_000_000_000), peer: peer, isForAll: true, open: 5)
        #expect(next == "refuses a connection from 10.0.0.1:5: 5 are open, as many as may be (10 since the last line)")
    }
}
