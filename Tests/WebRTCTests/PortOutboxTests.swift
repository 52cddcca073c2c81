import Net
import Sluice
import Testing

@testable import WebRTCPlugin

@Suite("Datagrams of many peers in one call") struct PortOutboxTests {
    private static let loopback = SocketAddress(numeric: "127.0.0.1", port: 0)!
    private let start = Instant(nanoseconds: 0)
    private let there: UDPSocket
    private let box: PortOutbox
    private let losses = PortOutbox.Losses()

    init() throws {
        there = try UDPSocket(boundTo: PortOutboxTests.loopback)
        box = PortOutbox(try UDPSocket(boundTo: PortOutboxTests.loopback), capacity: 64)
    }

    /// `values` as datagrams of a byte each. True where this one is to flush.
    private func add(
        _ values: [UInt8], to peer: SocketAddress? = nil, _ losses: PortOutbox.Losses? = nil, at now: Double = 0
    ) -> Bool {
        var address = peer ?? there.local
        var rest = values[...]
        return box.add(to: &address, losses ?? self.losses, now: start + .milliseconds(Int64(now))) { room in
            guard let value = rest.popFirst() else { return nil }
            // A packet that cannot be protected is no datagram.
            guard value != 0 else { return 0 }
            room[0] = value
            return 1
        }
    }

    /// Loopback hands over within the call that sends.
    private var arrived: [UInt8] {
        let batch = DatagramBatch(capacity: 128, room: 64)
        guard batch.receive(on: there) == 0 else { return [] }
        return (0..<batch.count).map { batch.datagram($0).room[0] }
    }

    @Test func theFirstOneIsToFlushAndAllGoTogether() {
        #expect(add([1, 0, 2]) && !add([3]) && !add([4]))
        #expect(arrived == [])
        box.flush()
        #expect(arrived == [1, 2, 3, 4])
        #expect(add([5]), "who comes next is to flush again")
    }

    @Test func nothingToSendIsNothingToFlush() { #expect(!add([]) && !add([0]) && add([1])) }

    @Test func aFullOneGoesByItself() {
        #expect(add((1...70).map { UInt8($0) }))
        #expect(arrived == (1...64).map { UInt8($0) })
        box.flush()
        #expect(arrived == (65...70).map { UInt8($0) })
    }

    @Test func nothingWaitsForOneWhoDoesNotComeToFlush() {
        #expect(add([1], at: 0) && !add([2], at: 1))
        #expect(arrived == [])
        #expect(!add([3], at: 3))
        #expect(arrived == [1, 2, 3])
    }

    @Test func lossesAreToldToTheStreamThatHasThem() {
        let (good, bad) = (PortOutbox.Losses(), PortOutbox.Losses())
        // Nobody can be reached at port 0.
        _ = add([1, 2], good)
        _ = add([3, 4, 5], to: PortOutboxTests.loopback, bad)
        _ = add([6], good)
        box.flush()
        #expect(arrived == [1, 2, 6])
        #expect(good.take() == 0 && bad.take() == 3 && bad.take() == 0)
    }
}
