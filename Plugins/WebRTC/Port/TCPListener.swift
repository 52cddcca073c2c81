import Glibc
import ICE
import Net
import Sluice
import Synchronization

/// The TCP side of the port: it accepts, reads and closes connections. Of the port's thread, but for `connection`.
final class TCPListener: @unchecked Sendable {
    /// As the port's thread knows a connection.
    private struct Guest {
        let connection: TCPConnection
        var frames = TCPFrameReader()
        let came: Instant
        /// A check was answered over it.
        var isProved = false
    }

    let descriptor: Int32
    private let bell: @Sendable () -> Void
    private var guests: [UInt64: Guest] = [:]
    private var count: UInt64 = 0
    private let shared = Mutex<[UInt64: TCPConnection]>([:])
    /// Without an answered check a connection is closed after this.
    private static let patience = Interval.seconds(10)

    /// Throws the system's errno.
    init(boundTo address: SocketAddress, bell: @escaping @Sendable () -> Void) throws(SocketFault) {
        self.bell = bell
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let made = socket(address.family, type, 0)
        guard made >= 0 else { throw SocketFault(code: errno) }
        var one: Int32 = 1
        setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard address.withPointer({ bind(made, $0, $1) }) == 0, listen(made, 64) == 0 else {
            let code = errno
            Glibc.close(made)
            throw SocketFault(code: code)
        }
        descriptor = made
    }

    deinit { Glibc.close(descriptor) }

    /// From any thread.
    func connection(_ number: UInt64) -> TCPConnection? { shared.withLock { $0[number] } }

    // MARK: The port's thread

    /// The next time that `advance` has something to do.
    private(set) var due = Instant.distantFuture
    var isEmpty: Bool { guests.isEmpty }

    func watch(_ watched: inout [pollfd]) {
        watched.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        for guest in guests.values {
            let events = Int16(POLLIN) | (guest.connection.waits ? Int16(POLLOUT) : 0)
            watched.append(pollfd(fd: guest.connection.descriptor, events: events, revents: 0))
        }
    }

    /// `take` is called with each frame that came; true where it was a check that was answered.
    func serve(
        _ ready: ArraySlice<pollfd>, _ now: Instant, admit: (SocketAddress) -> Bool, settled: (SocketAddress) -> Void,
        lost: (ICERoute) -> Void, take: (UnsafeRawBufferPointer, ICERoute) -> Bool
    ) {
        let numbers = Dictionary(guests.map { ($1.connection.descriptor, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in ready where entry.revents != 0 {
            if entry.fd == descriptor {
                accept(now, admit)
            } else if let number = numbers[entry.fd] {
                if entry.revents & Int16(POLLOUT) != 0 { guests[number]?.connection.flush() }
                if entry.revents & ~Int16(POLLOUT) != 0, !read(number, settled, take) { close(number, settled, lost) }
            }
        }
    }

    private func accept(_ now: Instant, _ admit: (SocketAddress) -> Bool) {
        for _ in 0..<64 {
            var address = SocketAddress()
            var accepted: Int32 = -1
            _ = address.fill { name, size in
                accepted = Glibc.accept(descriptor, name, size)
                return accepted < 0 ? -1 : 0
            }
            guard accepted >= 0 else { return }
            guard admit(address) else {
                Glibc.close(accepted)
                continue
            }
            _ = fcntl(accepted, F_SETFL, fcntl(accepted, F_GETFL) | O_NONBLOCK)
            _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
            count += 1
            let connection = TCPConnection(count, accepted, address, bell: bell)
            guests[count] = Guest(connection: connection, came: now)
            shared.withLock { $0[connection.number] = connection }
            due = min(due, now + TCPListener.patience)
        }
    }

    /// False where the connection is over.
    private func read(
        _ number: UInt64, _ settled: (SocketAddress) -> Void, _ take: (UnsafeRawBufferPointer, ICERoute) -> Bool
    ) -> Bool {
        guard var guest = guests[number] else { return true }
        guests[number]?.frames = TCPFrameReader()
        let route = ICERoute(guest.connection.address, connection: number)
        let isOpen = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { room in
            let got = recv(guest.connection.descriptor, room.baseAddress, room.count, 0)
            guard got > 0 else { return got < 0 && (errno == EAGAIN || errno == EINTR) }
            return guest.frames.read(UnsafeRawBufferPointer(rebasing: room[..<got])) { frame in
                guard take(frame, route), !guest.isProved else { return }
                guest.isProved = true
                settled(guest.connection.address)
            }
        }
        guests[number] = guest
        return isOpen
    }

    private func close(_ number: UInt64, _ settled: (SocketAddress) -> Void, _ lost: (ICERoute) -> Void) {
        guard let guest = guests.removeValue(forKey: number) else { return }
        if !guest.isProved { settled(guest.connection.address) }
        lost(ICERoute(guest.connection.address, connection: number))
        shared.withLock { $0[number] = nil }
        guest.connection.close()
    }

    /// Closes connections over which no check has come in time.
    func advance(_ now: Instant, settled: (SocketAddress) -> Void, lost: (ICERoute) -> Void) {
        guard due <= now else { return }
        due = .distantFuture
        for (number, guest) in guests where !guest.isProved {
            let end = guest.came + TCPListener.patience
            if end <= now { close(number, settled, lost) } else { due = min(due, end) }
        }
    }

    func closeAll() {
        for guest in guests.values { guest.connection.close() }
        guests = [:]
        shared.withLock { $0 = [:] }
    }
}
