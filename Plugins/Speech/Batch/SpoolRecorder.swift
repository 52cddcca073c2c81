import Sluice
import Spool

/// Puts the pieces of a stream into a session of the spool. Pieces without room wait: a file waits with it, and of live
/// audio the last 10 s are kept. One lane only.
final class SpoolRecorder {
    /// Samples that wait for room, of live audio.
    static let held = 10 * SpeechSamples.rate
    private static let pause = Interval.seconds(1)

    private let context: NodeContext
    private let disk: any SpoolDisk
    private let name: String
    private(set) var session: SpoolSession?
    private var pieces: [ChunkMaker.Piece] = []
    private var closing: (cut: Int64, work: @Sendable () throws -> Void)?
    private var answer: NodeContext.Answer<Bool>?
    /// There was no room, or the disk failed: tried again then.
    private var due: Instant?
    private var hasTold = false
    /// When each chunk was over.
    private(set) var ends: [Int: Instant] = [:]
    private var isOver = false

    /// Samples that were put there, and those that were not.
    private(set) var (recorded, lost) = (0, 0)

    init(_ context: NodeContext, _ disk: any SpoolDisk, session name: String) {
        (self.context, self.disk, self.name) = (context, disk, name)
    }

    /// A source that can wait should.
    var hasRoom: Bool { due == nil && pieces.count < 64 }
    var isEmpty: Bool { pieces.isEmpty && closing == nil }
    var wake: Instant { due ?? .distantFuture }

    func add(_ new: [ChunkMaker.Piece]) { pieces.append(contentsOf: new) }

    /// Puts there what there is room for, in so many bytes. `origin` is the media time of the session's first sample.
    func settle(_ now: Instant, origin: MediaTime, room: () -> Int, isLive: Bool) {
        if let result = answer?.take() {
            answer = nil
            closed(result, now)
        }
        if closing != nil, answer == nil, due.map({ $0 <= now }) ?? true { makeSafe(now) }
        if due.map({ $0 <= now }) ?? true {
            var count = 0
            defer { pieces.removeFirst(count) }
            do {
                while count < pieces.count, try put(pieces[count], now, origin, room) {
                    count += 1
                    goesOn()
                }
            } catch {
                hold("\((error as? DiskFault)?.words ?? "\(error)")", now)
            }
        }
        if isLive, due != nil { trim() }
    }

    /// Nothing more comes. Throws `DiskFault`.
    func end() throws {
        guard !isOver else { return }
        try session?.finish()
        isOver = true
    }

    // MARK: Pieces

    /// False where it has to wait for the chunk before.
    private func put(_ piece: ChunkMaker.Piece, _ now: Instant, _ origin: MediaTime, _ room: () -> Int) throws -> Bool {
        switch piece {
        case .samples(let first, let samples):
            guard room() >= WaveHeader.size + samples.count * 2 else { throw DiskFault(0, "the spool is full") }
            let session = try session ?? SpoolSession(name, origin: max(0, origin.seconds), disk)
            self.session = session
            // Some are missing in between.
            if let end = session.end, end != first {
                guard !session.isClosing else { return false }
                endChunk(session, cut: end, now)
            }
            if session.end == nil { try session.begin(at: first) }
            try session.append(samples)
            recorded += samples.count
        case .end(let cut):
            guard let session, session.end != nil else { return true }
            guard !session.isClosing else { return false }
            endChunk(session, cut: cut, now)
        case .decided(let isSilent): try session?.decide(isSilent: isSilent)
        }
        return true
    }

    private func endChunk(_ session: SpoolSession, cut: Int64, _ now: Instant) {
        guard let work = session.endChunk() else { return }
        ends[session.index.lastNumber] = now
        closing = (cut, work)
        makeSafe(now)
    }

    /// On a worker: a disk may take seconds.
    private func makeSafe(_ now: Instant) {
        guard let work = closing?.work else { return }
        if context.isVirtual {
            closed(Result { try work() }.map { true }, now)
        } else {
            answer = context.ask {
                try work()
                return true
            }
        }
    }

    private func closed(_ result: Result<Bool, any Error>, _ now: Instant) {
        do {
            _ = try result.get()
            guard let closing else { return }
            try session?.closed(cut: closing.cut)
            self.closing = nil
            goesOn()
        } catch {
            hold((error as? DiskFault)?.words ?? "\(error)", now)
        }
    }

    func forget(upTo chunk: Int) { ends = ends.filter { $0.key > chunk } }

    // MARK: Without room

    private func hold(_ why: String, _ now: Instant) {
        due = now + SpoolRecorder.pause
        guard !hasTold else { return }
        hasTold = true
        context.log(
            .warning, "audio is not recorded: \(why); what the spool holds stays, and it goes on when there is room")
    }

    private func goesOn() {
        guard hasTold, due != nil else { return }
        (due, hasTold) = (nil, false)
        let seconds = Double(lost / 1_600) / 10
        context.log(.info, "audio is recorded again\(lost > 0 ? ": \(seconds) s are lost" : "")")
    }

    /// The oldest are left out.
    private func trim() {
        var waiting = pieces.reduce(0) { sum, piece in
            if case .samples(_, let samples) = piece { sum + samples.count } else { sum }
        }
        pieces.removeAll { piece in
            guard waiting > SpoolRecorder.held, case .samples(_, let samples) = piece else { return false }
            waiting -= samples.count
            lost += samples.count
            return true
        }
        // Ends of chunks of which nothing is left.
        if pieces.count > 4_096 { pieces.removeFirst(pieces.count - 4_096) }
    }

    /// The pieces that wait are lost.
    func giveUp() {
        for case .samples(_, let samples) in pieces { lost += samples.count }
        pieces = []
        closing = nil
    }
}
