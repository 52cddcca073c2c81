import CSRT
import Glibc
import Net
import Sluice

/// One SRT connection in live mode, or one that is being made. Never waits: connecting, sending and receiving go on by
/// themselves, and `SRTPoller` says when there is something to do. One lane only.
final class SRTSocket: @unchecked Sendable {
    let handle: SRTSOCKET

    enum State: Equatable {
        case connecting, connected
        /// Refused or lost.
        case broken(SRTRejection)
    }

    /// 7 packets of MPEG-TS: what one datagram holds.
    static let payload = 1_316
    /// The largest that a peer may send: what fits into an Ethernet frame.
    static let largest = 1_456

    /// Not connected yet.
    init(_ options: SRTOptions) throws {
        try SRTLibrary.start()
        handle = srt_create_socket()
        guard handle != SRT_INVALID_SOCK else { throw NodeError("no SRT socket: \(SRTLibrary.lastError)") }
        // From here on `deinit` closes it.
        try set(SRTO_SNDSYN, 0, "sending without waiting")
        try set(SRTO_RCVSYN, 0, "receiving without waiting")
        try set(SRTO_CONNTIMEO, Int32(clamping: options.connectTimeoutMilliseconds), "connect timeout")
        try set(SRTO_LATENCY, Int32(clamping: options.latencyMilliseconds), "latency")
        // Clocks that call themselves steady drift by up to 200 ms an hour.
        try set(SRTO_DRIFTTRACER, 1, "drift tracer")
        if !options.streamID.isEmpty { try set(SRTO_STREAMID, options.streamID, "stream id") }
        if options.keyLength != 0 { try set(SRTO_PBKEYLEN, Int32(options.keyLength), "key length") }
        if !options.passphrase.isEmpty { try set(SRTO_PASSPHRASE, options.passphrase, "passphrase") }
    }

    /// One that a listener accepted.
    init(accepted handle: SRTSOCKET) { self.handle = handle }

    deinit { srt_close(handle) }

    func call(_ peer: SocketAddress) throws {
        let code = peer.withPointer { srt_connect(handle, $0, Int32($1)) }
        guard code != SRT_ERROR else { throw NodeError("cannot call \(peer): \(SRTLibrary.lastError)") }
    }

    /// Both sides call, from and to the same port number.
    func meet(_ peer: SocketAddress, from own: SocketAddress) throws {
        try set(SRTO_RENDEZVOUS, 1, "rendezvous")
        try bind(own)
        try call(peer)
    }

    func bind(_ address: SocketAddress) throws {
        let code = address.withPointer { srt_bind(handle, $0, Int32($1)) }
        guard code != SRT_ERROR else {
            var system: Int32 = 0
            _ = srt_getlasterror(&system)
            let why = system == EADDRINUSE ? "somebody else has it" : SRTLibrary.lastError
            throw NodeError(
                "cannot use port \(address): \(why)",
                advice: system == EADDRINUSE
                    ? "Choose another port, or stop what uses it (ss -lunp shows it)." : "", isInputError: true)
        }
    }

    var state: State {
        switch srt_getsockstate(handle) {
        case SRTS_CONNECTED: return .connected
        case SRTS_INIT, SRTS_OPENED, SRTS_CONNECTING, SRTS_LISTENING: return .connecting
        default: return .broken(SRTRejection(reason: srt_getrejectreason(handle)))
        }
    }

    // MARK: Data

    enum Sent: Equatable { case sent, full, broken }

    /// libsrt's clock in microseconds.
    static var clock: Int64 { srt_time_now() }

    /// One datagram of at most `payload` bytes. The receiver hands it out its latency after `origin`, an instant of
    /// `clock` that is not before the connection; 0 stands for now.
    func send(_ bytes: UnsafeRawBufferPointer, origin: Int64) -> Sent {
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        var control = SRT_MSGCTRL()
        srt_msgctrl_init(&control)
        control.srctime = origin
        if srt_sendmsg2(handle, start, Int32(bytes.count), &control) != SRT_ERROR { return .sent }
        return srt_getlasterror(nil) == SRT_EASYNCSND.rawValue ? .full : .broken
    }

    enum Received: Equatable {
        case bytes(Int)
        case nothing, broken
    }

    /// The next datagram into `room`, which holds `largest` bytes.
    func receive(into room: UnsafeMutableRawBufferPointer) -> Received {
        let start = room.baseAddress?.assumingMemoryBound(to: CChar.self)
        let count = srt_recvmsg2(handle, start, Int32(room.count), nil)
        if count != SRT_ERROR { return .bytes(Int(count)) }
        return srt_getlasterror(nil) == SRT_EASYNCRCV.rawValue ? .nothing : .broken
    }

    /// Datagrams that the peer has not acknowledged.
    var unacknowledged: Int {
        var (blocks, bytes) = (0, 0)
        return srt_getsndbuffer(handle, &blocks, &bytes) == SRT_ERROR ? 0 : blocks
    }

    // MARK: State and options

    /// The latency that both ends agreed on for sending, in ms; 0 while not connected.
    var sendLatencyMilliseconds: Int { Int(flag(SRTO_PEERLATENCY) ?? 0) }
    /// The same for what is received.
    var receiveLatencyMilliseconds: Int { Int(flag(SRTO_RCVLATENCY) ?? 0) }

    /// `AES-256`, with the key that both ends agreed on; nil where nothing is encrypted.
    var cipher: String? {
        let secured = Int32(SRT_KM_S_SECURED.rawValue)
        guard flag(SRTO_SNDKMSTATE) == secured || flag(SRTO_RCVKMSTATE) == secured else { return nil }
        return flag(SRTO_PBKEYLEN).map { "AES-\($0 * 8)" }
    }

    var peerAddress: SocketAddress {
        var address = SocketAddress()
        _ = address.fillSRT { srt_getpeername(handle, $0, $1) }
        return address
    }

    /// The port on this side.
    var ownAddress: SocketAddress {
        var address = SocketAddress()
        _ = address.fillSRT { srt_getsockname(handle, $0, $1) }
        return address
    }

    /// The name that a caller gave.
    var streamID: String {
        var bytes = [CChar](repeating: 0, count: 513)
        // libsrt wants room for the zero byte.
        var size = Int32(bytes.count)
        guard srt_getsockflag(handle, SRTO_STREAMID, &bytes, &size) != SRT_ERROR else { return "" }
        return String(decoding: bytes.prefix(Int(max(0, size))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    var statistics: SRT_TRACEBSTATS? {
        var all = SRT_TRACEBSTATS()
        return srt_bistats(handle, &all, 0, 1) == SRT_ERROR ? nil : all
    }

    // MARK: Options

    private func flag(_ option: SRT_SOCKOPT) -> Int32? {
        var value: Int32 = 0
        var size = Int32(MemoryLayout<Int32>.size)
        return srt_getsockflag(handle, option, &value, &size) == SRT_ERROR ? nil : value
    }

    func set(_ option: SRT_SOCKOPT, _ value: Int32, _ name: String) throws {
        var value = value
        try check(srt_setsockflag(handle, option, &value, Int32(MemoryLayout<Int32>.size)), name)
    }

    private func set(_ option: SRT_SOCKOPT, _ value: String, _ name: String) throws {
        var bytes = Array(value.utf8)
        try check(srt_setsockflag(handle, option, &bytes, Int32(bytes.count)), name)
    }

    private func check(_ code: Int32, _ name: String) throws {
        guard code == SRT_ERROR else { return }
        throw NodeError("libsrt refuses the \(name): \(SRTLibrary.lastError)", isInputError: true)
    }
}

extension SocketAddress {
    /// `fill` for libsrt's functions, which count in `Int32`.
    mutating func fillSRT(_ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<Int32>) -> Int32) -> Int32 {
        fill { address, length in
            var size = Int32(clamping: length.pointee)
            let code = body(address, &size)
            length.pointee = socklen_t(max(0, size))
            return code
        }
    }
}
