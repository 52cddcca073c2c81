import Glibc
import Net
import Sluice

/// An intake hands its media and messages to this.
protocol SegmentConsumer: AnyObject {
    /// How many more segments may be begun.
    var room: Int { get }
    /// Whether so much more memory may be taken.
    func fits(_ memory: Int) -> Bool
    var rules: EpochRules { get set }
    func take(_ segment: Segment, now: Instant)
    func take(_ message: ControlMessage, from peer: Int, now: Instant)
    /// Something came that is of no use: said once in an event, and to the peer.
    func refuse(_ what: String, from peer: Int)
    /// A segment of an epoch that has passed.
    func noteStale(_ epoch: UInt32)
    func noteGone(_ peer: Int)
}

/// The socket with its peers, or the file: reads bounded pieces, hands on what they make, writes what waits.
final class SegmentIntake {
    private let context: NodeContext
    private unowned let consumer: any SegmentConsumer
    private let listener: LocalListener?
    private let limits: Limits
    private let waitsForOthers: Bool
    private(set) var peers: [SegmentPeer] = []
    private var watched: [Int32: NodeContext.Interest] = [:]
    private var count = 0
    private var hadMedia = false
    private var isListening = true
    private var waitsFor: String?
    private let lost: Metric.Counter
    private let name: String

    /// The limits of peers.
    struct Limits {
        var peers = 8
        /// Bytes of memory of one segment.
        var segment = 512 << 20
        /// In the middle of a message; nil: for ever.
        var silence: Interval?
    }

    /// Read in one call of the node: a fraction of a millisecond of copying.
    private static let piece = 1 << 20

    /// - Parameters:
    ///   - socket: its path, or empty for the file.
    ///   - waits: another peer is waited for when the last one is gone.
    init(
        socket: String, file: String, waits: Bool, _ limits: Limits, consumer: any SegmentConsumer,
        _ context: NodeContext
    ) throws {
        self.context = context
        self.consumer = consumer
        self.limits = limits
        waitsForOthers = waits
        lost = context.counter("messages_dropped")
        name = socket.isEmpty ? file : socket
        guard socket.isEmpty else {
            guard !context.isVirtual else {
                throw NodeError(
                    "a socket is of no use in virtual time, which waits for nobody",
                    advice: "Give \"file\" instead of \"socket\", or run with --clock system.", isInputError: true)
            }
            let listener = try LocalListener(socket) { context.log(.warning, $0) }
            self.listener = listener
            context.log(.info, "listens at \(socket)")
            try context.watch(listener.descriptor, for: .readable)
            noteWaiting(isIdle: true)
            return
        }
        listener = nil
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw NodeError("cannot open \(file): \(errorText(errno))", isInputError: true)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            throw NodeError(
                "\(file) is no regular file", advice: "Give \"socket\" for a Unix socket.", isInputError: true)
        }
        peers = [SegmentPeer(descriptor, number: 0, isFile: true, mostMemory: limits.segment, context.now)]
        hadMedia = true
    }

    /// Nothing more comes.
    var isOver: Bool { peers.isEmpty && hadMedia && !waitsForOthers }
    /// Segments that are on their way.
    var assembling: Int { peers.reduce(0) { $0 + ($1.receiver.isAssembling ? 1 : 0) } }
    /// Bytes of segments that are on their way.
    var memory: Int { peers.reduce(0) { $0 + $1.receiver.memory } }
    /// When a peer will have been silent for too long.
    var nextLook: Instant? {
        var next: Instant?
        for peer in peers {
            if let limit = peer.silent(after: limits.silence) { next = min(next ?? limit, limit) }
        }
        return next
    }
    /// When a message of a file is to be acted on.
    var nextMessage: Instant? {
        for peer in peers { if let at = peer.pending?.at { return context.started + at } }
        return nil
    }

    // MARK: In

    /// Reads a piece from every peer; true if there is more to read at once.
    func read(_ now: Instant) throws -> Bool {
        accept(now)
        var isMore = false
        // Peers leave while they are read.
        for peer in peers { isMore = try read(from: peer, now) || isMore }
        return isMore
    }

    private var isFull: Bool { peers.count >= limits.peers }

    private func accept(_ now: Instant) {
        guard let listener else { return }
        while !isFull, let descriptor = listener.accept() {
            count += 1
            peers.append(SegmentPeer(descriptor, number: count, isFile: false, mostMemory: limits.segment, now))
            tellRoom()
        }
    }

    /// A peer that stops in the middle of a message would keep its place, and its segment's, for ever.
    private func isGiven(up peer: SegmentPeer, _ now: Instant) -> Bool {
        guard let limit = peer.silent(after: limits.silence), limit <= now else { return false }
        let silence = Int((limits.silence ?? .zero).milliseconds)
        consumer.refuse(
            "nothing came for \(silence) ms in the middle of a message; the connection is closed", from: peer.number)
        _ = peer.flush()
        leave(peer, quietly: true)
        return true
    }

    private func read(from peer: SegmentPeer, _ now: Instant) throws -> Bool {
        var left = SegmentIntake.piece
        if let message = peer.pending {
            guard isDue(message, now) else { return false }
            peer.pending = nil
            consumer.take(message, from: peer.number, now: now)
        }
        while true {
            peer.isHeld = false
            switch peer.next(hasRoom: consumer.room > 0, rules: &consumer.rules, fits: consumer.fits) {
            case .needsBytes:
                guard left > 0 else { return true }
                switch try peer.fill(now) {
                case .bytes(let count): left -= count
                case .nothing:
                    _ = isGiven(up: peer, now)
                    return false
                case .end:
                    leave(peer)
                    return false
                }
            case .held:
                peer.isHeld = true
                return false
            case .segment(let segment):
                hadMedia = true
                consumer.take(segment, now: now)
            case .stale(let epoch):
                hadMedia = true
                consumer.noteStale(epoch)
            case .message(let message):
                guard message.at == nil || peer.isFile else {
                    consumer.refuse(
                        "at_ms is for files; on a socket a message is acted on when it comes", from: peer.number)
                    continue
                }
                guard isDue(message, now) else {
                    peer.pending = message
                    return false
                }
                if case .microphone(let isOn) = message.action { peer.wantsMicrophone = isOn }
                consumer.take(message, from: peer.number, now: now)
            case .refused(let what): consumer.refuse(what, from: peer.number)
            case .broken(let what):
                consumer.refuse("\(what); the connection is closed", from: peer.number)
                _ = peer.flush()
                leave(peer, quietly: true)
                return false
            }
        }
    }

    private func isDue(_ message: ControlMessage, _ now: Instant) -> Bool {
        message.at.map { context.started + $0 <= now } ?? true
    }

    private func leave(_ peer: SegmentPeer, quietly: Bool = false) {
        if !quietly, let unfinished = peer.receiver.unfinished {
            let who = peer.isFile ? "\(name) ends" : "a writer on \(name) left"
            consumer.refuse("\(who) \(unfinished), which is dropped", from: -1)
        }
        unwatch(peer.descriptor)
        peers.removeAll { $0 === peer }
        consumer.noteGone(peer.number)
    }

    /// For the watchdog: nothing is planned, and somebody else is to send.
    func noteWaiting(isIdle: Bool) {
        guard listener != nil else { return }
        let now = isIdle && !isOver ? peers.isEmpty ? "a writer on \(name)" : "a segment on \(name)" : nil
        guard now != waitsFor else { return }
        waitsFor = now
        context.isWaiting(for: now)
    }

    /// The session's epoch has risen: what is on its way and stale is read over.
    func noteInterruption() { for peer in peers { peer.receiver.abandonStale(consumer.rules) } }

    // MARK: Out

    /// A message to one peer, or to all.
    func tell(_ json: String, to number: Int? = nil) {
        for peer in peers where !peer.isFile && (number == nil || number == peer.number) {
            if !peer.outbox.add(message: json) { lost.add() }
        }
    }

    func tellRoom() {
        let room = max(0, consumer.room)
        for peer in peers where !peer.isFile {
            // Its own segment that is on its way is not counted as received either.
            let room = room + (peer.receiver.isAssembling ? 1 : 0)
            if !peer.outbox.add(message: MessageText.room(room, received: peer.receiver.received)) { lost.add() }
        }
    }

    /// A frame of the viewer's microphone to those who want it; how many of them dropped it.
    func send(microphone frame: AudioFrame) -> Int {
        let microseconds = frame.header.pts.isKnown ? frame.header.pts.rescaled(to: 1_000_000) : 0
        var dropped = 0
        for peer in peers where peer.wantsMicrophone {
            if !peer.outbox.add(microphone: frame.bytes, at: microseconds) { dropped += 1 }
        }
        return dropped
    }

    /// Writes what goes out at once.
    func write() { for peer in peers where !peer.isFile { _ = peer.flush() } }

    /// Writes what waits, and watches what is to wake the node.
    func flush() throws {
        for peer in peers where !peer.isFile && !peer.flush() { leave(peer) }
        for peer in peers where !peer.isFile {
            var interest: NodeContext.Interest = peer.isHeld ? [] : .readable
            if !peer.outbox.isEmpty { interest.insert(.writable) }
            guard watched[peer.descriptor] != interest else { continue }
            guard !interest.isEmpty else {
                unwatch(peer.descriptor)
                continue
            }
            do {
                try context.watch(peer.descriptor, for: interest)
                watched[peer.descriptor] = interest
            } catch {
                // The system has no room for one more: this peer alone goes.
                consumer.refuse("\(error); the connection is closed", from: peer.number)
                leave(peer, quietly: true)
            }
        }
        guard let listener, isListening != !isFull else { return }
        isListening.toggle()
        if isListening {
            try context.watch(listener.descriptor, for: .readable)
        } else {
            context.unwatch(listener.descriptor)
        }
    }

    private func unwatch(_ descriptor: Int32) {
        if watched.removeValue(forKey: descriptor) != nil { context.unwatch(descriptor) }
    }

    func close() {
        for peer in peers { unwatch(peer.descriptor) }
        peers = []
        if let listener {
            context.unwatch(listener.descriptor)
            listener.close()
        }
    }
}
