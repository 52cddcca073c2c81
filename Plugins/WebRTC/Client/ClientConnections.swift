import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// The TCP connections of one client to a server that waits for some (RFC 6544). Of the client's thread, but for
/// `connection`.
final class ClientConnections: @unchecked Sendable {
    private struct Entry {
        let connection: TCPConnection
        /// The place of the socket that the agent counts it to.
        let local: Int
        var frames = TCPFrameReader(limit: 2_048)
        var isOpen = false
    }

    private let bell: @Sendable () -> Void
    private var entries: [UInt64: Entry] = [:]
    private let shared = Mutex<[UInt64: TCPConnection]>([:])

    init(bell: @escaping @Sendable () -> Void) { self.bell = bell }

    /// From any thread: one that is open.
    func connection(_ number: UInt64) -> TCPConnection? { shared.withLock { $0[number] } }

    // MARK: The client's thread

    /// Begins to open one. False where the system refuses it at once.
    func open(_ number: UInt64, to address: SocketAddress, local: Int) -> Bool {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let made = socket(address.family, type, 0)
        guard made >= 0 else { return false }
        guard address.withPointer({ connect(made, $0, $1) }) == 0 || errno == EINPROGRESS else {
            Glibc.close(made)
            return false
        }
        entries[number] = Entry(connection: TCPConnection(number, made, address, bell: bell), local: local)
        return true
    }

    func close(_ number: UInt64) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        shared.withLock { $0[number] = nil }
        entry.connection.close()
    }

    func closeAll() { for number in Array(entries.keys) { close(number) } }

    func watch(_ watched: inout [pollfd]) {
        for entry in entries.values {
            let waits = !entry.isOpen || entry.connection.waits
            let events = Int16(POLLIN) | (waits ? Int16(POLLOUT) : 0)
            watched.append(pollfd(fd: entry.connection.descriptor, events: events, revents: 0))
        }
    }

    /// Tells of those that are watched: `opened` and `closed` get their numbers, `take` each frame that came.
    func serve(
        _ ready: ArraySlice<pollfd>, opened: (UInt64) -> Void, closed: (UInt64) -> Void,
        take: (UnsafeRawBufferPointer, ICERoute, Int) -> Void
    ) {
        let numbers = Dictionary(
            entries.map { ($1.connection.descriptor, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in ready where entry.revents != 0 {
            guard let number = numbers[entry.fd], let known = entries[number] else { continue }
            guard known.isOpen || settle(number, known, entry.revents, opened) else {
                close(number)
                closed(number)
                continue
            }
            if entry.revents & Int16(POLLOUT) != 0 { known.connection.flush() }
            guard entry.revents & ~Int16(POLLOUT) != 0, !read(number, take) else { continue }
            close(number)
            closed(number)
        }
    }

    /// False where it could not be opened.
    private func settle(_ number: UInt64, _ entry: Entry, _ events: Int16, _ opened: (UInt64) -> Void) -> Bool {
        var (code, size): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
        getsockopt(entry.connection.descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0, events & Int16(POLLERR | POLLHUP) == 0 else { return false }
        guard events & Int16(POLLOUT) != 0 else { return true }
        entries[number]?.isOpen = true
        shared.withLock { $0[number] = entry.connection }
        opened(number)
        return true
    }

    /// False where the connection is over.
    private func read(_ number: UInt64, _ take: (UnsafeRawBufferPointer, ICERoute, Int) -> Void) -> Bool {
        guard let entry = entries[number], entry.isOpen else { return true }
        let route = ICERoute(entry.connection.address, connection: number)
        return withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { room in
            let got = recv(entry.connection.descriptor, room.baseAddress, room.count, 0)
            guard got > 0 else { return got < 0 && (errno == EAGAIN || errno == EINTR) }
            // The owner may close the connection because of a frame.
            var frames = entry.frames
            let isWhole = frames.read(UnsafeRawBufferPointer(rebasing: room[..<got])) { take($0, route, entry.local) }
            entries[number]?.frames = frames
            return isWhole
        }
    }
}
