import CWebsocketsClient
import Glibc
import HTTPFields
import Sluice
import Synchronization

/// The thread that serves all connections of the process: libwebsockets watches the sockets and speaks TLS. It starts
/// with the first call, and stays.
///
/// Everything but the mailbox belongs to that thread. Others leave a message and wake it (`lws_cancel_service`, the one
/// call that libwebsockets allows them).
final class WebSocketThread: @unchecked Sendable {
    /// A call and its socket.
    private final class Link {
        let call: WebSocketCall
        var socket: OpaquePointer?
        var isOpen = false
        var message: [UInt8] = []
        /// Messages that are being sent, the next one last.
        var outgoing: [WebSocketCall.Message] = []
        var closed: (reason: String, isClean: Bool)?

        init(_ call: WebSocketCall) { self.call = call }
    }

    private static let one = Mutex<WebSocketThread?>(nil)
    private static let ids = Atomic<UInt64>(0)
    private static let connectSeconds: Int32 = 10

    private let mailbox = Mutex<(new: [WebSocketCall], woken: Set<UInt64>)>(([], []))
    private var context: OpaquePointer?
    private var protocols: UnsafeMutablePointer<lws_protocols>?
    private var links: [UInt64: Link] = [:]

    static func newID() -> UInt64 { ids.wrappingAdd(1, ordering: .relaxed).newValue }

    static func shared() throws -> WebSocketThread {
        try one.withLock { one in
            if let one { return one }
            let made = WebSocketThread()
            try made.start()
            one = made
            return made
        }
    }

    private func start() throws {
        protocols = cwc_protocols(webSocketCallback)
        context = cwc_context(
            Unmanaged.passUnretained(self).toOpaque(), protocols, WebSocketThread.connectSeconds)
        guard context != nil else { throw NodeError("libwebsockets does not start") }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<WebSocketThread>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(self).release()
            lws_context_destroy(context)
            free(protocols)
            throw NodeError("the system gives no thread for WebSockets: \(errorText(code))")
        }
        pthread_detach(thread)
    }

    // MARK: From any thread

    func begin(_ call: WebSocketCall) {
        mailbox.withLock { $0.new.append(call) }
        lws_cancel_service(context)
    }

    static func wake(_ call: WebSocketCall) {
        guard let thread = one.withLock({ $0 }) else { return }
        let isFirst = thread.mailbox.withLock { $0.woken.insert(call.id).inserted }
        if isFirst { lws_cancel_service(thread.context) }
    }

    // MARK: The thread

    private func serve() {
        cwc_begin_thread("websockets")
        while lws_service(context, 0) >= 0 {}
    }

    private func takeMessages() {
        let (new, woken) = mailbox.withLock { mailbox in
            defer { mailbox = ([], []) }
            return mailbox
        }
        for call in new { connect(call) }
        for id in woken { links[id].map(settle) }
    }

    private func connect(_ call: WebSocketCall) {
        guard !call.state.withLock({ $0.aborts }) else { return }
        let link = Link(call)
        links[call.id] = link
        let target = call.target
        let socket = cwc_connect(
            context, call.address, Int32(target.port), target.authority, target.path, target.hasTLS ? 1 : 0,
            UnsafeMutableRawPointer(bitPattern: UInt(call.id)))
        if let socket, links[call.id] != nil { link.socket = socket }
        if socket == nil { end(link, "cannot be connected to") }
    }

    /// Something is to be sent, or it is to be closed.
    private func settle(_ link: Link) {
        guard let socket = link.socket else { return }
        let (aborts, hasWork) = link.call.state.withLock { ($0.aborts, !$0.queue.isEmpty || $0.closes) }
        if aborts { return cwc_kill(socket) }
        if link.isOpen, hasWork { lws_callback_on_writable(socket) }
        if !link.isOpen, link.call.state.withLock({ $0.closes }) { cwc_kill(socket) }
    }

    private func awaitSign(_ link: Link, _ socket: OpaquePointer) {
        guard let sign = link.call.state.withLock({ $0.sign }) else { return }
        lws_set_timer_usecs(socket, lws_usec_t(sign.every.nanoseconds / 1_000))
    }

    private func end(_ link: Link, _ reason: String, isClean: Bool = false) {
        guard links.removeValue(forKey: link.call.id) != nil else { return }
        link.socket = nil
        link.call.tell(.closed(reason: reason, isClean: isClean))
    }

    /// Called by libwebsockets, which names the reason. Other than 0 closes the connection.
    fileprivate func handle(
        _ reason: lws_callback_reasons, _ socket: OpaquePointer?, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        if reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED {
            takeMessages()
            return 0
        }
        guard let socket, let mark = lws_get_opaque_user_data(socket), let link = links[UInt64(UInt(bitPattern: mark))]
        else { return 0 }
        switch reason {
        case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
            for field in link.call.fields.fields {
                guard cwc_add_field(socket, field.name + ":", field.value, bytes, count) == 0 else { return -1 }
            }
        case LWS_CALLBACK_CLIENT_ESTABLISHED:
            (link.socket, link.isOpen) = (socket, true)
            link.call.tell(.opened)
            settle(link)
            awaitSign(link, socket)
        case LWS_CALLBACK_TIMER:
            if let sign = link.call.state.withLock({ $0.sign }) { link.call.send(sign.text) }
            awaitSign(link, socket)
        case LWS_CALLBACK_CLIENT_RECEIVE: return take(link, socket, bytes, count)
        case LWS_CALLBACK_CLIENT_RECEIVE_PONG: link.call.tell(.pong)
        case LWS_CALLBACK_CLIENT_WRITEABLE: return write(link, socket)
        case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
            let told = UnsafeRawBufferPointer(start: bytes, count: count)
            let code = told.count >= 2 ? Int(told[0]) << 8 | Int(told[1]) : 1_005
            link.closed = ("closed the connection (\(code))", code == 1_000 || code == 1_005)
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: refused(link, socket, bytes, count)
        case LWS_CALLBACK_CLIENT_CLOSED, LWS_CALLBACK_WSI_DESTROY:
            let closed = link.closed ?? ("broke off the connection", false)
            end(link, closed.0, isClean: closed.1)
        default: break
        }
        return 0
    }

    private func refused(_ link: Link, _ socket: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int) {
        let status = Int(lws_http_client_http_response(socket))
        if status >= 200 {
            var room = [CChar](repeating: 0, count: 64)
            let length = lws_hdr_copy(socket, &room, Int32(room.count), WSI_TOKEN_HTTP_RETRY_AFTER)
            let text = String(decoding: room.prefix(Int(max(0, length))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            link.call.tell(.refused(status: status, retryAfter: length > 0 ? text : nil))
        }
        let told = String(
            decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self)
        // Certificates are the one cause that a user can do something about.
        let isTLS = told.contains("SSL") || told.contains("ssl") || told.contains("tls") || told.contains("certificate")
        end(link, isTLS ? "cannot be trusted: TLS or its certificate failed" : "cannot be connected to")
    }

    private func take(
        _ link: Link, _ socket: OpaquePointer, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        guard link.message.count + count <= WebSocketCall.mostBytes else {
            link.closed = ("sent a message of more than \(WebSocketCall.mostBytes >> 20) MiB", false)
            return -1
        }
        link.message.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        guard lws_is_final_fragment(socket) != 0, lws_remaining_packet_payload(socket) == 0 else { return 0 }
        let whole = link.message
        link.message = []
        link.call.tell(.text(String(decoding: whole, as: UTF8.self)))
        return 0
    }

    private func write(_ link: Link, _ socket: OpaquePointer) -> Int32 {
        if link.outgoing.isEmpty {
            link.outgoing = link.call.state.withLock { state in
                defer { (state.queue, state.waiting) = ([], 0) }
                return state.queue.reversed()
            }
        }
        while let message = link.outgoing.last {
            guard lws_send_pipe_choked(socket) == 0 else { break }
            link.outgoing.removeLast()
            guard write(message, socket) else { return -1 }
        }
        let (hasMore, closes) = link.call.state.withLock { (!$0.queue.isEmpty, $0.closes) }
        if !link.outgoing.isEmpty || hasMore {
            lws_callback_on_writable(socket)
        } else if closes {
            link.closed = ("was closed", true)
            lws_close_reason(socket, LWS_CLOSE_STATUS_NORMAL, nil, 0)
            return -1
        }
        return 0
    }

    private func write(_ message: WebSocketCall.Message, _ socket: OpaquePointer) -> Bool {
        let (bytes, kind): ([UInt8], lws_write_protocol) =
            switch message {
            case .text(let bytes): (bytes, LWS_WRITE_TEXT)
            case .bytes(let bytes): (bytes, LWS_WRITE_BINARY)
            case .ping: ([], LWS_WRITE_PING)
            }
        let room = Int(cwc_pre)
        let sent = withUnsafeTemporaryAllocation(byteCount: room + bytes.count + 1, alignment: 16) { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[room...]).copyMemory(from: $0) }
            return lws_write(socket, (base + room).assumingMemoryBound(to: UInt8.self), bytes.count, kind)
        }
        return sent >= 0
    }
}

private func webSocketCallback(
    _ socket: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
    _ bytes: UnsafeMutableRawPointer?, _ count: Int
) -> Int32 {
    guard let socket, let context = lws_get_context(socket), let owner = lws_context_user(context) else { return 0 }
    return Unmanaged<WebSocketThread>.fromOpaque(owner).takeUnretainedValue().handle(reason, socket, bytes, count)
}
