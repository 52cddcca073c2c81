import CSRT
import Glibc
import Sluice

/// An SRT connection that this side opens, in live mode. Never waits: connecting and sending go on by themselves.
final class SRTSocket {
    private let handle: SRTSOCKET
    let peer: String

    enum State: Equatable {
        case connecting, connected
        /// With what the peer did, in words that follow its name.
        case broken(String)
    }

    /// 7 packets of MPEG-TS: what one datagram holds.
    static let payload = 1_316

    /// Once in the process. It is not ended: libsrt's threads may run until the exit.
    private static let isStarted: Bool = {
        let started = srt_startup() >= 0
        srt_setloghandler(nil) { _, _, _, _, _, _ in }
        return started
    }()

    /// Begins to connect. Resolves the host's name, which may wait.
    init(_ address: SRTAddress, timeoutMilliseconds: Int) throws {
        guard SRTSocket.isStarted else { throw NodeError("libsrt does not start: \(SRTSocket.lastError)") }
        peer = address.peer
        var target = try SRTSocket.resolve(address)
        handle = srt_create_socket()
        guard handle != SRT_INVALID_SOCK else { throw NodeError("no SRT socket: \(SRTSocket.lastError)") }
        do {
            try set(SRTO_SNDSYN, 0, "sending without waiting")
            try set(SRTO_RCVSYN, 0, "connecting without waiting")
            try set(SRTO_CONNTIMEO, Int32(clamping: timeoutMilliseconds), "connect timeout")
            if let latency = address.latencyMilliseconds { try set(SRTO_LATENCY, Int32(clamping: latency), "latency") }
            if let name = address.streamID { try set(SRTO_STREAMID, name, "streamid") }
            if let length = address.keyLength { try set(SRTO_PBKEYLEN, Int32(length), "pbkeylen") }
            if let secret = address.passphrase, !secret.isEmpty {
                guard (10...79).contains(secret.utf8.count) else {
                    throw NodeError(
                        "the passphrase has \(secret.utf8.count) bytes; SRT wants 10 to 79", isInputError: true)
                }
                try set(SRTO_PASSPHRASE, secret, "passphrase")
            }
            let code = withUnsafePointer(to: &target.address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { srt_connect(handle, $0, Int32(target.length)) }
            }
            guard code != SRT_ERROR else { throw NodeError("cannot call \(peer): \(SRTSocket.lastError)") }
        } catch {
            srt_close(handle)
            throw error
        }
    }

    deinit { srt_close(handle) }

    var state: State {
        switch srt_getsockstate(handle) {
        case SRTS_CONNECTED: return .connected
        case SRTS_INIT, SRTS_OPENED, SRTS_CONNECTING: return .connecting
        default:
            return .broken(SRTSocket.refusal(srt_getrejectreason(handle)))
        }
    }

    enum Sent: Equatable { case sent, full, broken }

    /// One datagram of at most `payload` bytes.
    func send(_ bytes: UnsafeRawBufferPointer) -> Sent {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        if srt_sendmsg2(handle, start, Int32(bytes.count), nil) != SRT_ERROR { return .sent }
        return srt_getlasterror(nil) == SRT_EASYNCSND.rawValue ? .full : .broken
    }

    /// Datagrams that the peer has not acknowledged.
    var unacknowledged: Int {
        var blocks = 0
        var bytes = 0
        return srt_getsndbuffer(handle, &blocks, &bytes) == SRT_ERROR ? 0 : blocks
    }

    /// What both ends agreed on, in ms; 0 while not connected.
    var latencyMilliseconds: Int {
        var value: Int32 = 0
        var size = Int32(MemoryLayout<Int32>.size)
        return srt_getsockflag(handle, SRTO_PEERLATENCY, &value, &size) == SRT_ERROR ? 0 : Int(value)
    }

    struct Statistics {
        var roundTripMicroseconds = 0
        var sent = 0
        var retransmitted = 0
        var lost = 0
        var dropped = 0
    }

    var statistics: Statistics? {
        var all = SRT_TRACEBSTATS()
        guard srt_bistats(handle, &all, 0, 1) != SRT_ERROR else { return nil }
        return Statistics(
            roundTripMicroseconds: Int((all.msRTT * 1_000).rounded()), sent: Int(clamping: all.pktSentTotal),
            retransmitted: Int(all.pktRetransTotal), lost: Int(all.pktSndLossTotal), dropped: Int(all.pktSndDropTotal))
    }

    // MARK: libsrt

    private static func refusal(_ reason: Int32) -> String {
        switch UInt32(reason) {
        case SRT_REJ_UNKNOWN.rawValue: return "lost the connection"
        case SRT_REJ_TIMEOUT.rawValue: return "does not answer"
        case SRT_REJ_BADSECRET.rawValue: return "refuses the call: its passphrase is another"
        case SRT_REJ_UNSECURE.rawValue: return "refuses the call: one side has a passphrase, the other has none"
        default:
            let text = srt_rejectreason_str(reason).map { String(cString: $0) } ?? "reason \(reason)"
            return "refuses the call: \(text)"
        }
    }

    private static var lastError: String { String(cString: srt_getlasterror_str()) }

    private func set(_ option: SRT_SOCKOPT, _ value: Int32, _ name: String) throws {
        var value = value
        try check(srt_setsockflag(handle, option, &value, Int32(MemoryLayout<Int32>.size)), name)
    }

    private func set(_ option: SRT_SOCKOPT, _ value: String, _ name: String) throws {
        var bytes = Array(value.utf8)
        try check(srt_setsockflag(handle, option, &bytes, Int32(bytes.count)), name)
    }

    private func check(_ code: Int32, _ name: String) throws {
        guard code == SRT_ERROR else { return }
        throw NodeError("libsrt refuses the \(name): \(SRTSocket.lastError)", isInputError: true)
    }

    private static func resolve(_ address: SRTAddress) throws -> (address: sockaddr_storage, length: Int) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &list)
        guard code == 0, let first = list?.pointee else {
            let why = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw NodeError("cannot find host \"\(address.host)\": \(why)", advice: "Check its name, and the network.")
        }
        defer { freeaddrinfo(list) }
        var storage = sockaddr_storage()
        let length = min(Int(first.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: first.ai_addr, count: length))
        }
        return (storage, length)
    }
}
