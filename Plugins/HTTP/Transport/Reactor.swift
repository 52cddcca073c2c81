import CWebsockets
import Glibc
import HTTP
import Sluice
import Synchronization

/// The thread that serves: libwebsockets watches the sockets, speaks TLS and keeps the timers, conversations do the
/// rest.
///
/// Everything but the mailbox belongs to that thread. Others leave a message and wake it (`lws_cancel_service`, the one
/// call that libwebsockets allows them).
final class Reactor: ConversationLine, @unchecked Sendable {
    private enum Message {
        case answer(UInt64, UInt64, HTTPResponse)
        case wakeSocket(UInt64)
        case leaseEnded(UInt64)
        case stop
    }

    /// One connection and its socket.
    private final class Link {
        let conversation: Conversation
        var socket: OpaquePointer?
        var timer = Instant.distantFuture
        /// libwebsockets keeps bytes that the kernel did not take.
        var isChoked = false
        /// Bytes have gone through it: with TLS the handshake is done.
        var isEstablished = false
        var reads = true
        init(_ conversation: Conversation) { self.conversation = conversation }
    }

    /// Creating and destroying contexts writes to state of libwebsockets and OpenSSL that all of them share.
    private static let makers = Mutex<Void>(())

    private let mailbox = Mutex<(messages: [Message], isOpen: Bool)>(([], true))
    private let desk: Desk
    private let say: @Sendable (EventLog.Level, String) -> Void
    private var thread = pthread_t()
    private var protocols: UnsafeMutablePointer<lws_protocols>?
    private var context: OpaquePointer?
    private var host: OpaquePointer?
    private var listening: OpaquePointer?
    private var listener: Listener
    private var limits: ConnectionLimits
    private var links: [UInt64: Link] = [:]
    private var lastID: UInt64 = 0
    private var isStopping = false
    /// Last words that their owners' inboxes did not take yet.
    private var kept: [(WebSocketEvent, @Sendable (WebSocketEvent) -> Bool)] = []
    private var refusals = RefusalReport()
    private var clock = DateLine()

    init(
        _ listener: Listener, desk: Desk, limits: ConnectionLimits, tls: TLSFiles?,
        say: @escaping @Sendable (EventLog.Level, String) -> Void
    ) throws {
        (self.listener, self.desk, self.limits, self.say) = (listener, desk, limits, say)
        protocols = cws_protocols(reactorCallback)
        let failed = NodeError("libwebsockets does not start")
        do {
            try Reactor.makers.withLock { _ in
                context = cws_context(
                    Unmanaged.passUnretained(self).toOpaque(), protocols, UInt32(clamping: limits.most + 16),
                    tls == nil ? 0 : 1)
                guard let context else { throw failed }
                host = cws_host(context, protocols, tls?.certificate, tls?.key)
                guard let host else { throw failed }
                listening = cws_adopt(host, listener.descriptor, 0, nil)
            }
            guard listening != nil else { throw failed }
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Reactor>.fromOpaque(argument).takeRetainedValue().serve()
                    return nil
                }, Unmanaged.passRetained(self).toOpaque())
            guard code == 0 else {
                Unmanaged.passUnretained(self).release()
                throw NodeError("the system gives no thread to serve HTTP: \(errorText(code))")
            }
        } catch {
            if listening == nil { Glibc.close(listener.descriptor) }
            destroy()
            throw error
        }
    }

    // MARK: From any thread

    func answer(_ conversation: UInt64, _ sequence: UInt64, _ response: HTTPResponse) {
        post(.answer(conversation, sequence, response))
    }

    func wakeSocket(_ conversation: UInt64) { post(.wakeSocket(conversation)) }

    func leaseEnded(_ lease: UInt64) { post(.leaseEnded(lease)) }

    /// Ends what is open, and comes back when the thread has ended.
    func stop() {
        post(.stop)
        pthread_join(thread, nil)
    }

    private func post(_ message: Message) {
        mailbox.withLock { mailbox in
            guard mailbox.isOpen else {
                if case .answer(_, _, let response) = message { response.stream?.pieces.close() }
                return
            }
            mailbox.messages.append(message)
            if mailbox.messages.count == 1 { lws_cancel_service(context) }
        }
    }

    // MARK: The thread

    private func serve() {
        cws_begin_thread("http")
        while !isStopping { lws_service(context, 0) }
        // For a moment, answers that are being written may go out.
        lws_rx_flow_control(listening, 0)
        let end = now + .milliseconds(300)
        for link in Array(links.values) {
            link.conversation.shutDown(now: now)
            settle(link)
        }
        while !links.isEmpty, now < end {
            lws_set_timer_usecs(listening, 20_000)
            lws_service(context, 0)
        }
        destroy()
        retryKept()
    }

    private func destroy() {
        mailbox.withLock { $0 = ([], false) }
        Reactor.makers.withLock { _ in
            if let context { lws_context_destroy(context) }
            context = nil
        }
        free(protocols)
        protocols = nil
        listener.closeReserve()
    }

    private var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    var date: String { clock.text() }

    /// Called by libwebsockets, which names the reason. -1 closes the connection.
    fileprivate func handle(
        _ reason: lws_callback_reasons, _ socket: OpaquePointer?, _ bytes: UnsafeMutableRawPointer?, _ count: Int
    ) -> Int32 {
        if reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED {
            takeMessages()
            return 0
        }
        guard let socket else { return 0 }
        if socket == listening {
            if reason == LWS_CALLBACK_RAW_RX_FILE { acceptAll() }
            if reason == LWS_CALLBACK_TIMER, !isStopping {
                lws_rx_flow_control(socket, 1)
                retryKept()
            }
            return 0
        }
        guard let mark = lws_get_opaque_user_data(socket), let link = links[UInt64(UInt(bitPattern: mark))] else {
            return 0
        }
        switch reason {
        case LWS_CALLBACK_RAW_ADOPT: link.socket = socket
        case LWS_CALLBACK_RAW_RX:
            establish(link, socket)
            link.conversation.receive(UnsafeRawBufferPointer(start: bytes, count: count), now: now)
        case LWS_CALLBACK_RAW_WRITEABLE: guard write(link, socket) else { return -1 }
        case LWS_CALLBACK_TIMER:
            link.timer = .distantFuture
            link.conversation.tick(now)
        case LWS_CALLBACK_RAW_CLOSE, LWS_CALLBACK_WSI_DESTROY:
            forget(link)
            return 0
        default: return 0
        }
        settle(link)
        return 0
    }

    /// libwebsockets gives a connection some seconds behind the handshake, and expects one of its own protocols then.
    private func establish(_ link: Link, _ socket: OpaquePointer) {
        guard !link.isEstablished else { return }
        link.isEstablished = true
        lws_set_timeout(socket, NO_PENDING_TIMEOUT, 0)
    }

    /// False where the connection has come to its end.
    private func write(_ link: Link, _ socket: OpaquePointer) -> Bool {
        let conversation = link.conversation
        establish(link, socket)
        link.isChoked = false
        conversation.drained(now: now)
        guard conversation.hasOutput else { return !conversation.isOver }
        let chunk = conversation.nextOutput(16_384)
        let room = Int(cws_pre)
        let sent = withUnsafeTemporaryAllocation(byteCount: room + chunk.count, alignment: 16) { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            chunk.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[room...]).copyMemory(from: $0) }
            return lws_write(
                socket, (base + room).assumingMemoryBound(to: UInt8.self), chunk.count, LWS_WRITE_HTTP)
        }
        guard sent >= 0 else { return false }
        // libwebsockets keeps bytes that the kernel did not take, and calls again behind them.
        link.isChoked = lws_partial_buffered(socket) != 0
        conversation.didWrite(chunk.count, now: now)
        lws_callback_on_writable(socket)
        return true
    }

    /// After each event: what the connection waits for next.
    private func settle(_ link: Link) {
        guard let socket = link.socket else { return }
        let conversation = link.conversation
        // One that has not even spoken has nothing to wait for.
        if conversation.isAborted || conversation.isOver && !link.isEstablished { return cws_kill(socket) }
        if conversation.hasOutput || conversation.isOver { lws_callback_on_writable(socket) }
        // A choked connection reads nothing: libwebsockets 4.1 would look at what has come again and again.
        let reads = conversation.wantsInput && !link.isChoked
        if reads != link.reads {
            link.reads = reads
            lws_rx_flow_control(socket, reads ? 1 : 0)
        }
        // A timer that goes off early costs less than one that is set for each event.
        let wake = conversation.wake
        guard wake < link.timer else { return }
        link.timer = wake
        lws_set_timer_usecs(socket, max(1_000, (wake - now).nanoseconds / 1_000 + 500))
    }

    private func forget(_ link: Link) {
        guard links.removeValue(forKey: link.conversation.id) != nil else { return }
        link.socket = nil
        link.conversation.closed()
        limits.release(link.conversation.peer.group)
        desk.count(\.connections, -1)
    }

    private func takeMessages() {
        let messages = mailbox.withLock { mailbox in
            defer { mailbox.messages = [] }
            return mailbox.messages
        }
        for message in messages {
            switch message {
            case .answer(let id, let sequence, let response):
                guard let link = links[id] else {
                    response.stream?.pieces.close()
                    continue
                }
                link.conversation.answer(sequence, response, now: now)
                settle(link)
            case .wakeSocket(let id):
                guard let link = links[id] else { continue }
                link.conversation.wakeSocket(now: now)
                settle(link)
            case .leaseEnded(let lease):
                for link in Array(links.values) where link.conversation.lease == lease {
                    link.conversation.endSocket(now: now)
                    settle(link)
                }
            case .stop: isStopping = true
            }
        }
    }

    // MARK: Connections

    private func acceptAll() {
        for _ in 0..<64 {
            switch listener.accept() {
            case .connection(let descriptor, let peer):
                desk.count(\.connectionsMade)
                guard limits.admit(peer.group) else {
                    Glibc.close(descriptor)
                    desk.count(\.connectionsRefused)
                    let all = limits.open >= limits.most
                    refusals.note(now, peer: peer, isForAll: all, open: limits.open).map { say(.warning, $0) }
                    continue
                }
                adopt(descriptor, peer)
            case .refused: desk.count(\.connectionsRefused)
            case .none(let isStarved):
                // Without a descriptor the socket rests, and is looked at again by its timer.
                if isStarved {
                    lws_rx_flow_control(listening, 0)
                    lws_set_timer_usecs(listening, 200_000)
                }
                return
            }
        }
    }

    private func adopt(_ descriptor: Int32, _ peer: Peer) {
        lastID += 1
        let id = lastID
        let link = Link(Conversation(id: id, peer: peer, desk: desk, line: self, now: now))
        links[id] = link
        desk.count(\.connections)
        guard let socket = cws_adopt(host, descriptor, 1, UnsafeMutableRawPointer(bitPattern: UInt(id))) else {
            return forget(link)
        }
        guard links[id] != nil else { return }
        link.socket = socket
        settle(link)
    }

    func keep(_ event: WebSocketEvent, for post: @escaping @Sendable (WebSocketEvent) -> Bool) {
        // An owner that never takes any is no reason to hold more and more.
        guard kept.count < 4_096 else { return }
        kept.append((event, post))
        if context != nil { lws_set_timer_usecs(listening, 50_000) }
    }

    private func retryKept() {
        guard !kept.isEmpty else { return }
        let all = kept
        kept = []
        for (event, post) in all where !post(event) { keep(event, for: post) }
    }
}

private func reactorCallback(
    _ socket: OpaquePointer?, _ reason: lws_callback_reasons, _ user: UnsafeMutableRawPointer?,
    _ bytes: UnsafeMutableRawPointer?, _ count: Int
) -> Int32 {
    guard let socket, let context = lws_get_context(socket), let owner = lws_context_user(context) else { return 0 }
    return Unmanaged<Reactor>.fromOpaque(owner).takeUnretainedValue().handle(reason, socket, bytes, count)
}
