import Foundation
import Glibc
import Sluice
import Testing

@testable import Net

@Suite("A listener without descriptors") struct StarvedListenerTests {
    private let path = "/tmp/sluice-\(UUID().uuidString.prefix(8))"

    /// A system that gives no descriptor while it is starved.
    private final class Poor {
        var isStarved = true
        var hasSpare = false
        var system: LocalListener.System {
            LocalListener.System(
                accept: { [self] socket in
                    guard isStarved else { return Glibc.accept(socket, nil, nil) }
                    errno = EMFILE
                    return -1
                },
                spare: { [self] in isStarved && !hasSpare ? -1 : open("/dev/null", O_RDONLY) })
        }
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLIN) != 0
    }

    @Test func restsUntilAnotherConnectionComesAndAcceptsAgainLater() throws {
        var said: [String] = []
        let poor = Poor()
        let listener = try LocalListener(path, backlog: 8, system: poor.system) { said.append($0) }
        defer { listener.close() }
        let first = try #require(try LocalSocket.connect(path))
        #expect(isReadable(listener.descriptor))
        for _ in 0..<3 {
            #expect(listener.accept() == nil)
            // A lane that waits for it sleeps.
            #expect(!isReadable(listener.descriptor))
        }
        #expect(said.count == 1 && said[0].contains("Too many open files"), "\(said)")
        poor.isStarved = false
        let second = try #require(try LocalSocket.connect(path))
        #expect(isReadable(listener.descriptor))
        let accepted = try (0..<2).map { _ in try #require(listener.accept()) }
        #expect(said.count == 2 && said[1].contains("again"), "\(said)")
        for open in [first, second] + accepted { Glibc.close(open) }
    }

    @Test func refusesWithTheDescriptorThatItKeepsForThat() throws {
        let poor = Poor()
        poor.hasSpare = true
        var tries = 0
        var system = poor.system
        system.accept = { socket in
            tries += 1
            // The second call has what the reserve has given back.
            guard tries % 2 == 1 else { return Glibc.accept(socket, nil, nil) }
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            errno = poll(&entry, 1, 0) > 0 ? EMFILE : EAGAIN
            return -1
        }
        let listener = try LocalListener(path, backlog: 8, system: system) { _ in }
        defer { listener.close() }
        let peers = try (0..<2).map { _ in try #require(try LocalSocket.connect(path)) }
        #expect(listener.accept() == nil && listener.refused == 2)
        #expect(!isReadable(listener.descriptor))
        for peer in peers {
            // It is told at once: the connection ends.
            var byte: UInt8 = 0
            #expect(recv(peer, &byte, 1, 0) == 0)
            Glibc.close(peer)
        }
    }

    /// A lane that does not take all who wait at once finds them later.
    @Test func whoIsLeftWaitingIsNotForgotten() throws {
        let listener = try LocalListener(path)
        defer { listener.close() }
        let peers = try (0..<3).map { _ in try #require(try LocalSocket.connect(path)) }
        var accepted: [Int32] = []
        for left in [true, true, false] {
            accepted.append(try #require(listener.accept()))
            #expect(isReadable(listener.descriptor) == left)
        }
        for open in peers + accepted { Glibc.close(open) }
    }
}
