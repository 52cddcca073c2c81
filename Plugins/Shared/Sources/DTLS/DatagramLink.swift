import COpenSSL
import Glibc

/// The ends of one session that OpenSSL calls: datagrams in and out, and its timer. OpenSSL 3.0 has no BIO in memory
/// that keeps datagrams apart.
///
/// OpenSSL sets its timer by gettimeofday. This link takes the clock away from it: it hears of every change of the
/// timer (BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT). In 3.0 and 3.1 the call shows the timer itself, and the link moves it to a
/// time that never comes, or has come. The clock is still read then, and decides nothing. From 3.2 on the call shows a
/// copy. There OpenSSL repeats a flight where its own clock agrees that the time has come.
final class DatagramLink {
    /// Fingerprints that the peer's certificate may have.
    let expected: [Fingerprint]
    var hasShownCertificate = false
    /// The certificate shown has none of them.
    var isForeign = false

    /// The datagram that OpenSSL is to read next; there during the call alone.
    var incoming: UnsafeRawBufferPointer?
    private var outgoing = DTLSDatagrams()
    private var before = 0

    /// OpenSSL waits for an answer to its last flight.
    private(set) var isTimerSet = false
    /// Rises with every setting.
    private(set) var settings = 0
    /// In µs; OpenSSL asks for it.
    private var wait: UInt32 = 0
    private var timer: UnsafeMutablePointer<timeval>?

    /// In ns: how long OpenSSL is to wait before it repeats its flight.
    var waitNanoseconds: Int64 { Int64(wait) * 1_000 }

    /// Doubled with each repetition. Less than RFC 6347's second, which section 4.2.4.1 allows where time matters.
    private static let firstWait: UInt32 = 100_000
    private static let longestWait: UInt32 = 3_200_000

    private static let showsTimer = OPENSSL_version_major() == 3 && OPENSSL_version_minor() < 2

    init(expecting fingerprints: [Fingerprint]) { expected = fingerprints }

    static func of(_ ssl: OpaquePointer) -> DatagramLink? {
        openssl_owner(ssl).map { Unmanaged<DatagramLink>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Connects `ssl`, which must be gone before this object.
    func attach(to ssl: OpaquePointer) -> Bool {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        guard let method = DatagramLink.method, let bio = BIO_new(method) else { return false }
        BIO_set_data(bio, pointer)
        BIO_set_init(bio, 1)
        SSL_set_bio(ssl, bio, bio)
        DTLS_set_timer_cb(ssl) { ssl, last in
            let wait = last == 0 ? DatagramLink.firstWait : min(last &* 2, DatagramLink.longestWait)
            if let ssl { DatagramLink.of(ssl)?.wait = wait }
            return wait
        }
        return openssl_set_owner(ssl, pointer) == 1
    }

    /// Calls OpenSSL, which sends to `datagrams` meanwhile. It repeats a flight record by record; they go in as few
    /// datagrams as the flight did at first, since each may be lost.
    func sending(to datagrams: inout DTLSDatagrams, _ body: () -> Void) {
        swap(&outgoing, &datagrams)
        before = outgoing.count
        ERR_clear_error()
        body()
        swap(&outgoing, &datagrams)
    }

    /// Lets OpenSSL's next look at its timer find that the time has come.
    func expireTimer() { timer?.pointee = timeval(tv_sec: 1, tv_usec: 0) }

    private func hear(_ timer: UnsafeMutablePointer<timeval>) {
        isTimerSet = timer.pointee.tv_sec != 0 || timer.pointee.tv_usec != 0
        settings += 1
        guard isTimerSet, DatagramLink.showsTimer else { return }
        self.timer = timer
        timer.pointee.tv_sec = .max / 2
    }

    // MARK: The BIO

    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let made = BIO_meth_new(BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK), "datagrams") else {
            return nil
        }
        BIO_meth_set_read(made) { bio, room, count in
            guard let bio, let room, let link = DatagramLink.at(bio), count > 0 else { return -1 }
            guard let datagram = link.incoming, !datagram.isEmpty else {
                openssl_read_again(bio)
                return -1
            }
            link.incoming = nil
            openssl_read_done(bio)
            let taken = min(Int(count), datagram.count)
            UnsafeMutableRawBufferPointer(start: room, count: taken).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: datagram[..<taken]))
            return Int32(taken)
        }
        BIO_meth_set_write(made) { bio, bytes, count in
            guard let bio, let bytes, let link = DatagramLink.at(bio), count > 0 else { return 0 }
            link.outgoing.append(
                record: UnsafeRawBufferPointer(start: bytes, count: Int(count)), from: link.before,
                room: DTLSSession.datagramSize)
            return count
        }
        BIO_meth_set_ctrl(made) { bio, command, _, argument in
            switch command {
            case BIO_CTRL_FLUSH: return 1
            case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
                guard let bio, let argument, let link = DatagramLink.at(bio) else { return 0 }
                link.hear(argument.assumingMemoryBound(to: timeval.self))
                return 1
            default: return 0
            }
        }
        return made
    }()

    private static func at(_ bio: OpaquePointer) -> DatagramLink? {
        BIO_get_data(bio).map { Unmanaged<DatagramLink>.fromOpaque($0).takeUnretainedValue() }
    }
}
