import Glibc
import Net
import Sluice
import Testing

/// Datagrams to sockets of this machine, in as few messages as the kernel takes.
@Suite struct DatagramBatchTests {
    private static let loopback = SocketAddress(numeric: "127.0.0.1", port: 0)!

    private func bytes(_ index: Int, _ size: Int) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: index &* 31 &+ $0 &* 7) }
    }

    private func fill(_ batch: DatagramBatch, _ sizes: [Int], to peer: (Int) -> SocketAddress?) {
        for (index, size) in sizes.enumerated() {
            batch.next.copyBytes(from: bytes(index, size))
            batch.add(size, to: peer(index))
        }
    }

    /// All that has come to `socket`, from whom. Loopback hands over within the call that sends.
    private func received(_ socket: UDPSocket) -> [(bytes: [UInt8], from: SocketAddress)] {
        let batch = DatagramBatch(capacity: 16, room: 2_048)
        var all: [(bytes: [UInt8], from: SocketAddress)] = []
        while batch.receive(on: socket) == 0, batch.count > 0 {
            for index in 0..<batch.count {
                let (room, count) = batch.datagram(index)
                all.append((Array(room[..<count]), batch.sender(index)))
            }
        }
        return all
    }

    private static let picture = [Int](repeating: 1_180, count: 9) + [700]

    @Test func aPictureOfEqualPacketsIsOneMessageAndArrivesAsItsPackets() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(connectedTo: there.local)
        let batch = DatagramBatch(capacity: 64, room: 1_500, segments: true)
        fill(batch, Self.picture) { _ in nil }
        let outcome = batch.send(on: here)
        #expect(outcome.sent == 10 && outcome.messages == 1 && outcome.failed == 0 && batch.isEmpty)
        let come = received(there)
        #expect(come.map(\.bytes).elementsEqual(Self.picture.enumerated().map { bytes($0, $1) }))
        #expect(come.allSatisfy { $0.from == here.local })
    }

    @Test func aBatchIsFullWhereTheLargestDatagramNoLongerFits() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(boundTo: Self.loopback)
        let batch = DatagramBatch(capacity: 16, room: 1_024, bytes: 2_048)
        for round in 0..<2 {
            // 100 bytes take 128: behind the ninth less than 1,024 are left.
            var sizes: [Int] = []
            while !batch.isFull {
                fill(batch, [100]) { _ in there.local }
                sizes.append(100)
            }
            #expect(sizes.count == 9 && batch.next.count == 1_024, "\(round)")
            #expect(batch.send(on: here).sent == 9)
            #expect(received(there).map(\.bytes) == sizes.map { bytes(0, $0) })
        }
    }

    @Test(
        arguments: [
            // Unequal ones; a longer one behind a run; a run behind a short one; more than the kernel cuts; an empty
            // one; more bytes than a message has.
            ([100, 200, 300], 3), ([500, 500, 600], 2), ([500, 400, 500, 500], 2),
            ([Int](repeating: 200, count: 100), 2), ([300, 300, 0, 300], 3), ([Int](repeating: 1_400, count: 60), 2),
        ] as [([Int], Int)])
    func runsOfOneSizeAreMessages(_ sizes: [Int], messages: Int) throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(boundTo: Self.loopback)
        let batch = DatagramBatch(capacity: 128, room: 1_500, segments: true)
        fill(batch, sizes) { _ in there.local }
        let outcome = batch.send(on: here)
        #expect(outcome.sent == sizes.count && outcome.messages == messages && outcome.failed == 0)
        #expect(received(there).map(\.bytes).elementsEqual(sizes.enumerated().map { bytes($0, $1) }))
    }

    @Test func packetsOfSeveralPeersGoOutTogetherAndNoneToTheWrongOne() throws {
        let peers = try (0..<3).map { _ in try UDPSocket(boundTo: Self.loopback) }
        let here = try UDPSocket(boundTo: Self.loopback)
        let batch = DatagramBatch(capacity: 64, room: 1_500, segments: true)
        // Runs of four to each, all of one size.
        fill(batch, [Int](repeating: 900, count: 24)) { peers[$0 / 4 % 3].local }
        let outcome = batch.send(on: here)
        #expect(outcome.sent == 24 && outcome.messages == 6)
        for (place, peer) in peers.enumerated() {
            let mine = (0..<24).filter { $0 / 4 % 3 == place }.map { bytes($0, 900) }
            #expect(received(peer).map(\.bytes).elementsEqual(mine))
        }
    }

    @Test func whereTheKernelDoesNotCutPacketsGoOneByOne() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(connectedTo: there.local)
        // Without checksums it refuses: EINVAL (udp(7)).
        var isOn: Int32 = 1
        #expect(setsockopt(here.descriptor, SOL_SOCKET, SO_NO_CHECK, &isOn, 4) == 0)
        let batch = DatagramBatch(capacity: 64, room: 1_500, segments: true)
        for round in 0..<40 {
            fill(batch, Self.picture) { _ in nil }
            let outcome = batch.send(on: here)
            #expect(outcome.sent == 10 && outcome.messages == 10 && outcome.failed == 0 && outcome.error == 0)
            #expect(here.takesSegments == (round < 15))
        }
        #expect(received(there).count == 400)
    }

    @Test func withoutSegmentsEachPacketIsAMessage() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(connectedTo: there.local)
        let batch = DatagramBatch(capacity: 64, room: 1_500)
        fill(batch, Self.picture) { _ in nil }
        let outcome = batch.send(on: here)
        #expect(outcome.sent == 10 && outcome.messages == 10 && received(there).count == 10)
    }

    @Test func whatASocketDoesNotTakeWaitsAndIsNotSentTwice() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(connectedTo: there.local)
        // The least that the kernel allows: a few packets.
        var (small, large): (Int32, Int32) = (1, 4 << 20)
        setsockopt(here.descriptor, SOL_SOCKET, SO_SNDBUF, &small, 4)
        setsockopt(there.descriptor, SOL_SOCKET, SO_RCVBUF, &large, 4)
        let batch = DatagramBatch(capacity: 64, room: 1_500, segments: true)
        fill(batch, [Int](repeating: 1_000, count: 3) + [999, 1_000, 998, 1_000, 997]) { _ in nil }
        var come: [[UInt8]] = []
        var sent = 0
        for _ in 0..<20 where sent < 8 {
            sent += batch.send(on: here).sent
            come += received(there).map(\.bytes)
        }
        #expect(sent == 8 && come.count == 8 && Set(come).count == 8)
    }

    @Test func aHostThatRefusesIsCountedAndTheRestGoesOn() throws {
        var there: UDPSocket? = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(connectedTo: there!.local)
        there = nil
        let batch = DatagramBatch(capacity: 64, room: 1_500, segments: true)
        fill(batch, Self.picture) { _ in nil }
        #expect(batch.send(on: here).sent == 10)
        fill(batch, Self.picture) { _ in nil }
        let outcome = batch.send(on: here)
        #expect(outcome.refused >= 1 && outcome.sent == 10 && here.takesSegments)
    }

    /// The kernel's answer to one alone was taken for its answer to a run that it does not cut, without end.
    @Test func oneThatTheKernelRefusesIsPassedOverAndTold() throws {
        let there = try UDPSocket(boundTo: Self.loopback)
        let here = try UDPSocket(boundTo: Self.loopback)
        let batch = DatagramBatch(capacity: 8, room: 1_500, segments: true)
        // Nobody can be reached at port 0.
        let peers = [there.local, Self.loopback, Self.loopback, there.local]
        fill(batch, [100, 100, 100, 100]) { peers[$0] }
        var places: [Range<Int>] = []
        let outcome = batch.send(on: here, failed: { places.append($0) })
        #expect(outcome.sent == 2 && outcome.failed == 2 && outcome.error == EINVAL && batch.isEmpty)
        #expect(places.flatMap { Array($0) } == [1, 2])
        #expect(received(there).count == 2)
    }
}
