import Sluice

/// The stream of one call as Twilio tells it. Pure: text frames and `now` in; media, events and the next wake-up out.
///
/// `connected` is first, `start` second, then media, marks and keys until `stop`. Nonsense before the start ends the
/// stream. Later it is told, and passed over, so that a call is not lost by it: 16 times, then it ends too.
struct CallStream {
    enum Event: Equatable {
        case started(CallStart)
        case audio(ChunkOrder.Piece)
        case digit(String)
        case mark(String)
        /// Twilio ends it: the caller has hung up, or the call goes on without the stream.
        case stopped
        /// For the log, each sentence once.
        case tell(String)
        /// The WebSocket is to be closed, with a code of RFC 6455 and a reason.
        case close(Int, String)
    }

    private enum Stage { case opened, connected, started, over }

    /// For `connected` and `start` together.
    static let patience = Interval.seconds(10)
    /// Messages without sense in a stream.
    static let mostFaults = 16

    private(set) var start: CallStart?
    private(set) var faults = 0
    private var stage = Stage.opened
    private var order: ChunkOrder
    /// From the first look at it on.
    private var deadline: Instant?
    private var told: Set<String> = []

    /// `jitter` is the longest wait for a missing chunk.
    init(jitter: Interval) { order = ChunkOrder(patience: jitter) }

    var isOver: Bool { stage == .over }
    var counts: ChunkOrder.Counts { order.counts }
    /// When `advance` has something to do.
    var wake: Instant? {
        switch stage {
        case .opened, .connected: deadline
        case .started: order.wake
        case .over: nil
        }
    }

    mutating func take(_ text: String, now: Instant) -> [Event] {
        guard stage != .over else { return [] }
        do throws(TwilioFault) {
            let message = try TwilioMessage(text)
            if let start, let stream = message.stream, stream != start.stream {
                throw TwilioFault("A message is of another stream than the one that has started.")
            }
            return try take(message, now)
        } catch { return refuse(error.sentence) }
    }

    private mutating func take(_ message: TwilioMessage, _ now: Instant) throws(TwilioFault) -> [Event] {
        switch message.content {
        case .connected:
            guard stage == .opened else { throw TwilioFault("connected came a second time.") }
            stage = .connected
            return []
        case .start(let start):
            guard stage == .connected else {
                throw TwilioFault(
                    stage == .opened ? "start came before connected." : "start came a second time.")
            }
            (self.start, stage) = (start, .started)
            return [.started(start)]
        case .other: return []
        default: break
        }
        guard stage == .started else { throw TwilioFault("\(message.content.kind) came before start.") }
        switch message.content {
        case .media(let media): return media.isInbound ? order.take(media, now: now).map(Event.audio) : []
        case .mark(let name): return [.mark(name)]
        case .digit(let digit): return [.digit(digit)]
        case .stop: return end() + [.stopped]
        case .connected, .start, .other: return []
        }
    }

    mutating func advance(now: Instant) -> [Event] {
        switch stage {
        case .opened, .connected:
            let limit = deadline ?? now + CallStream.patience
            deadline = limit
            guard now >= limit else { return [] }
            stage = .over
            let words = "no start came within \(Int(CallStream.patience.seconds)) s"
            return [.tell(words), .close(1_008, words)]
        case .started: return order.advance(now: now).map(Event.audio)
        case .over: return []
        }
    }

    /// The WebSocket is closed: what waits for its turn has come to it.
    mutating func closed() -> [Event] { end() }

    private mutating func end() -> [Event] {
        guard stage != .over else { return [] }
        stage = .over
        return order.finish().map(Event.audio)
    }

    private mutating func refuse(_ sentence: String) -> [Event] {
        faults += 1
        let tells: [Event] = told.insert(sentence).inserted ? [.tell(sentence)] : []
        guard stage != .started || faults >= CallStream.mostFaults else { return tells }
        return tells + end() + [.close(1_008, sentence)]
    }
}

extension TwilioMessage.Content {
    /// As Twilio names it.
    fileprivate var kind: String {
        switch self {
        case .connected: "connected"
        case .start: "start"
        case .media: "media"
        case .mark: "mark"
        case .digit: "dtmf"
        case .stop: "stop"
        case .other: "a message"
        }
    }
}
