import HTTP
import Sluice
import Synchronization

/// One call: the WebSocket of its stream, and the way of what Twilio says to the nodes of its instance. It is the
/// resource of that instance. From any thread.
///
/// The service's thread leaves text here, bounded. The node that is woken reads it; the others of the instance find
/// their part of it.
final class TwilioCall: Sendable {
    /// Messages that may wait: 10 s of media. More close the socket.
    static let mostWaiting = 512

    /// How it has ended.
    enum Ending: Equatable, Sendable {
        /// Twilio has said so.
        case stopped
        /// The WebSocket is closed, with its code.
        case closed(Int)
        /// Its messages make no sense, or do not begin.
        case refused(String)
    }

    private struct Mail {
        var texts: [String] = []
        var closing: Int?
        /// The node that reads.
        var reader: NodeContext.Handle?
    }

    private struct Talk {
        var stream: CallStream
        var heard: [CallStream.Event] = []
        var marks: [String] = []
        var tells: [String] = []
        var ending: Ending?
        var isHeard = false
        /// The node that speaks.
        var speaker: NodeContext.Handle?
    }

    let socket: WebSocket
    private let mail: Mutex<Mail>
    private let talk: Mutex<Talk>

    /// Its instance has been started, whose nodes read what comes.
    private let isHandedOver = Atomic<Bool>(false)

    /// `jitter` is the longest wait for a missing chunk.
    init(_ socket: WebSocket, jitter: Interval) {
        self.socket = socket
        mail = Mutex(Mail())
        talk = Mutex(Talk(stream: CallStream(jitter: jitter)))
    }

    var hasInstance: Bool { isHandedOver.load(ordering: .relaxed) }
    func handOver() { isHandedOver.store(true, ordering: .relaxed) }

    var peer: String { socket.request.peer }
    var start: CallStart? { talk.withLock { $0.stream.start } }
    var ending: Ending? { talk.withLock { $0.ending } }
    var counts: ChunkOrder.Counts { talk.withLock { $0.stream.counts } }
    var faults: Int { talk.withLock { $0.stream.faults } }

    // MARK: The service's thread

    /// False where more waits than may.
    func post(_ text: String) -> Bool {
        let reader: NodeContext.Handle?? = mail.withLock { mail in
            guard mail.texts.count < TwilioCall.mostWaiting else { return nil }
            mail.texts.append(text)
            return .some(mail.reader)
        }
        guard let reader else { return false }
        reader?.post()
        return true
    }

    func closed(_ code: Int) {
        let reader = mail.withLock { mail in
            mail.closing = code
            return mail.reader
        }
        reader?.post()
    }

    // MARK: The nodes' lanes

    /// `node` takes what is heard. It is woken by all that comes from now on.
    func listen(_ node: NodeContext.Handle) {
        talk.withLock { $0.isHeard = true }
        mail.withLock { $0.reader = node }
        node.post()
    }

    /// Marks that come back wake `node`, and all that comes where no node of the instance listens.
    func speak(_ node: NodeContext.Handle) {
        let isHeard = talk.withLock { talk in
            talk.speaker = node
            return talk.isHeard
        }
        if !isHeard { mail.withLock { $0.reader = node } }
        node.post()
    }

    /// Reads what has come. When there is something to do next that nothing tells.
    @discardableResult
    func read(now: Instant) -> Instant? {
        let (texts, closing) = mail.withLock { mail in
            defer { mail.texts.removeAll(keepingCapacity: true) }
            return (mail.texts, mail.closing)
        }
        let (wake, speaker) = talk.withLock { talk in
            let before = (talk.marks.count, talk.ending)
            for text in texts { take(talk.stream.take(text, now: now), &talk) }
            take(talk.stream.advance(now: now), &talk)
            if let closing, talk.ending == nil {
                take(talk.stream.closed(), &talk)
                talk.ending = .closed(closing)
            }
            let isNews = talk.marks.count > before.0 || talk.ending != before.1
            return (talk.stream.wake, isNews ? talk.speaker : nil)
        }
        speaker?.post()
        return wake
    }

    private func take(_ events: [CallStream.Event], _ talk: inout Talk) {
        for event in events {
            switch event {
            case .started: break
            case .audio, .digit: if talk.isHeard || talk.speaker == nil { talk.heard.append(event) }
            case .mark(let name): if talk.marks.count < PacedVoice.mostMarks { talk.marks.append(name) }
            case .stopped: if talk.ending == nil { talk.ending = .stopped }
            case .tell(let sentence): talk.tells.append(sentence)
            case .close(let code, let reason):
                if talk.ending == nil { talk.ending = .refused(reason) }
                socket.close(code, reason)
            }
        }
    }

    /// Audio and keys, in their order.
    func takeHeard() -> [CallStream.Event] {
        talk.withLock { talk in
            defer { talk.heard.removeAll(keepingCapacity: true) }
            return talk.heard
        }
    }

    /// Names of marks that have come back.
    func takeMarks() -> [String] {
        talk.withLock { talk in
            defer { talk.marks = [] }
            return talk.marks
        }
    }

    /// Sentences for the log.
    func takeTells() -> [String] {
        talk.withLock { talk in
            defer { talk.tells = [] }
            return talk.tells
        }
    }

    /// Ends it from this side: Twilio goes on with its TwiML, and hangs up where that has nothing more.
    func hangUp() { socket.close(1_000, "the call's graph has ended") }
}
