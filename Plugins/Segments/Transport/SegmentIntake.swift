import Glibc
import Net
import Sluice

/// What an intake hands on.
protocol SegmentConsumer: AnyObject {
    /// How many more segments may be begun.
    var room: Int { get }
    var rules: EpochRules { get set }
    func take(_ segment: Segment, now: Instant)
    func take(_ command: Command, from peer: Int, now: Instant)
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
    private let mostMemory: Int
    private let waitsForOthers: Bool
    private(set) var peers: [SegmentPeer] = []
    private var watched: [Int32: NodeContext.Interest] = [:]
    private var count = 0
    private var hadMedia = false
    private var isListening = true
    private let lost: CounterMetric
    private let name: String

    static let mostPeers = 8
    /// Read in one call of the node: a fraction of a millisecond of copying.
    private static let piece = 1 << 20

    /// - Parameters:
    ///   - socket: its path, or empty for the file.
    ///   - waits: another peer is waited for when the last one is gone.
    init(
        socket: String, file: String, waits: Bool, mostMemory: Int, consumer: any SegmentConsumer,
        _ context: NodeContext
    ) throws {
        self.context = context
        self.consumer = consumer
        self.mostMemory = mostMemory
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
            try context.watch(listener.descriptor, for: .readable)
            context.isWaiting(for: "a writer on \(socket)")
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
        peers = [SegmentPeer(descriptor, number: 0, isFile: true, mostMemory: mostMemory)]
        hadMedia = true
    }

    /// Nothing more comes.
    var isOver: Bool { peers.isEmpty && hadMedia && !waitsForOthers }
    /// Segments that are on their way.
    var assembling: Int { peers.reduce(0) { $0 + ($1.receiver.isAssembling ? 1 : 0) } }
    /// When a command of a file is to be acted on.
    var nextCommand: Instant? {
        for peer in peers { if let at = peer.pending?.at { return context.started + at } }
        return nil
    }

    // MARK: In

    /// Reads a piece from every peer; true if there is more to read at once.
    func read(_ now: Instant) throws -> Bool {
        accept()
        var isMore = false
        // Peers leave while they are read.
        for peer in peers { isMore = try read(from: peer, now) || isMore }
        return isMore
    }

    private func accept() {
        guard let listener else { return }
        while peers.count < SegmentIntake.mostPeers, let descriptor = listener.accept() {
            count += 1
            peers.append(SegmentPeer(descriptor, number: count, isFile: false, mostMemory: mostMemory))
            context.isWaiting(for: nil)
            tellRoom()
        }
    }

    private func read(from peer: SegmentPeer, _ now: Instant) throws -> Bool {
        var left = SegmentIntake.piece
        if let command = peer.pending {
            guard isDue(command, now) else { return false }
            peer.pending = nil
            consumer.take(command, from: peer.number, now: now)
        }
        while true {
            peer.isHeld = false
            switch peer.next(hasRoom: consumer.room > 0, rules: &consumer.rules) {
            case .needsBytes:
                guard left > 0 else { return true }
                switch try peer.fill() {
                case .bytes(let count): left -= count
                case .nothing: return false
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
            case .command(let command):
                guard command.at == nil || peer.isFile else {
                    consumer.refuse(
                        "at_ms is for files; on a socket a message is acted on when it comes", from: peer.number)
                    continue
                }
                guard isDue(command, now) else {
                    peer.pending = command
                    return false
                }
                if case .microphone(let isOn) = command.action { peer.wantsMicrophone = isOn }
                consumer.take(command, from: peer.number, now: now)
            case .refused(let what): consumer.refuse(what, from: peer.number)
            case .broken(let what):
                consumer.refuse("\(what); the connection is closed", from: peer.number)
                _ = peer.flush()
                leave(peer, quietly: true)
                return false
            }
        }
    }

    private func isDue(_ command: Command, _ now: Instant) -> Bool {
        command.at.map { context.started + $0 <= now } ?? true
    }

    private func leave(_ peer: SegmentPeer, quietly: Bool = false) {
        if !quietly, let unfinished = peer.receiver.unfinished {
            let who = peer.isFile ? "\(name) ends" : "a writer on \(name) left"
            consumer.refuse("\(who) \(unfinished), which is dropped", from: -1)
        }
        unwatch(peer.descriptor)
        peers.removeAll { $0 === peer }
        consumer.noteGone(peer.number)
        if peers.isEmpty, listener != nil, !isOver { context.isWaiting(for: "a writer on \(name)") }
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
            if interest.isEmpty {
                unwatch(peer.descriptor)
            } else {
                try context.watch(peer.descriptor, for: interest)
                watched[peer.descriptor] = interest
            }
        }
        guard let listener, isListening != (peers.count < SegmentIntake.mostPeers) else { return }
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
