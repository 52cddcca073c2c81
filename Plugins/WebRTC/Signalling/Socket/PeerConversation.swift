import Negotiation
import Sluice

/// One browser's conversation at `/peer/NAME` as a state machine: its messages, news of its connection and the time in;
/// what is to be done out. It knows neither sockets nor descriptions.
///
/// Connections are counted: each offer carries the number of its own, and what comes late for an older one is passed
/// over. A message that makes no sense is answered with `error` and changes nothing.
struct PeerConversation {
    enum Stage: Equatable, Sendable {
        /// Nothing was said yet.
        case silent
        /// There is no connection: it failed, or could not be offered. `media_reset` begins another.
        case idle
        /// Our offer of a new connection waits for its answer.
        case offered
        /// Answered, and not connected yet.
        case connecting
        case connected
        /// The socket is closed, or being closed.
        case over
    }

    enum Action: Equatable, Sendable {
        case send(String)
        /// Make a connection and an offer for it; `offer` or `fail` is the answer.
        case open(generation: Int, microphone: Bool, camera: Bool = false)
        /// Make another offer on the present connection; the same.
        case offerAgain(microphone: Bool, camera: Bool = false, restartsICE: Bool)
        /// The browser's answer; `accept` or `fail` is the answer.
        case accept(String)
        /// The present connection is to end.
        case drop
        case feedback(SyncReport)
        case stats(BrowserFigures)
        /// The browser has switched its microphone or its camera off or on.
        case mute(MediaKind, Bool)
        /// For the log.
        case tell(String)
        case close(Int, String)
    }

    private(set) var stage = Stage.silent
    /// Of the present connection, counted from 1; 0 before the first.
    private(set) var generation = 0
    /// The browser wants to send them.
    private(set) var (wantsMicrophone, wantsCamera) = (false, false)
    /// The one who is to be seen and heard under it, where the browser has said it.
    private(set) var name: String?
    /// An offer on a connection that stands waits for its answer.
    private(set) var isRenegotiating = false
    /// Something has changed since the offer that waits: another one follows it.
    private var (isStale, restartsICE) = (false, false)
    /// Until then the browser has to say something.
    private var deadline: Instant?
    private var faults = 0
    /// Of the connections made lately.
    private var openings: [Instant] = []

    /// For the first word, and for the answer that a connection begins with.
    static let patience = Interval.seconds(10)
    /// For the answer to an offer on a connection that stands: what plays goes on meanwhile.
    static let patienceMeanwhile = Interval.seconds(30)
    /// So many messages may make no sense.
    static let mostFaults = 16
    /// Connections that may be begun within `openingSpan`.
    static let mostOpenings = 8
    static let openingSpan = Interval.seconds(10)

    init(now: Instant) { deadline = now + PeerConversation.patience }

    /// There is a connection, or soon.
    var hasConnection: Bool { [.offered, .connecting, .connected].contains(stage) }

    /// When `advance` has something to do.
    var wake: Instant? { stage == .over ? nil : deadline }

    // MARK: The browser

    mutating func take(_ text: String, now: Instant) -> [Action] {
        guard stage != .over else { return [] }
        do throws(SignalFault) { return try take(SignalMessage(text), now) } catch { return fault(error.sentence) }
    }

    private mutating func take(_ message: SignalMessage, _ now: Instant) throws(SignalFault) -> [Action] {
        if let told = message.generation, told != generation {
            guard told > generation else { return [] }
            throw SignalFault("\"generation\" is \(told), and the last offer had \(generation).")
        }
        switch message.content {
        case .ready(let microphone, let camera, let name):
            guard stage == .silent else {
                throw SignalFault("webrtc_ready came before; media_reset asks for a new connection.")
            }
            (wantsMicrophone, wantsCamera, self.name) = (microphone, camera, name)
            return try open(now)
        case .answer(let sdp):
            guard stage == .offered || isRenegotiating else {
                throw SignalFault("webrtc_answer came, and no offer waits for one.")
            }
            return [.accept(sdp)]
        case .candidate:
            guard generation > 0 else { throw SignalFault("ice_candidate came before the offer.") }
            return []
        case .renegotiate(let microphone, let camera, let restartsICE):
            guard stage == .connecting || stage == .connected else {
                throw SignalFault("renegotiate came, and there is no connection.")
            }
            if let microphone { wantsMicrophone = microphone }
            if let camera { wantsCamera = camera }
            self.restartsICE = self.restartsICE || restartsICE
            return offerAgain()
        case .mediaReset:
            guard stage != .silent else { throw SignalFault("media_reset came before webrtc_ready.") }
            return try reset(now)
        case .feedback(let report): return [.feedback(report)]
        case .stats(let figures): return [.stats(figures)]
        case .mute(let kind, let isMuted): return [.mute(kind, isMuted)]
        case .error(let what): return [.tell("says: \(what)")]
        }
    }

    private mutating func reset(_ now: Instant) throws(SignalFault) -> [Action] {
        let old: [Action] = hasConnection ? [.drop] : []
        let new = try open(now)
        return old + new
    }

    private mutating func open(_ now: Instant) throws(SignalFault) -> [Action] {
        openings.removeAll { $0 + PeerConversation.openingSpan <= now }
        guard openings.count < PeerConversation.mostOpenings else {
            throw SignalFault(
                "\(PeerConversation.mostOpenings) connections were begun within 10 s; wait before another one.")
        }
        openings.append(now)
        generation += 1
        (isRenegotiating, stage, deadline) = (false, .offered, now + PeerConversation.patience)
        (isStale, restartsICE) = (false, false)
        return [.open(generation: generation, microphone: wantsMicrophone, camera: wantsCamera)]
    }

    private mutating func fault(_ sentence: String) -> [Action] {
        faults += 1
        guard faults <= PeerConversation.mostFaults else {
            return closed() + [
                .tell("more than \(PeerConversation.mostFaults) of its messages make no sense; the socket is closed"),
                .close(1_008, "too many messages that make no sense"),
            ]
        }
        let about = generation > 0 ? generation : nil
        return [.send(SignalText.error(sentence, generation: about, isFinal: false)), .tell(sentence)]
    }

    // MARK: Our side

    /// An offer was made, as `open` or `offerAgain` asked.
    mutating func offer(_ sdp: String, servers: [ICEServers.Entry] = [], now: Instant) -> [Action] {
        guard stage != .over else { return [] }
        let isNew = stage == .offered
        (isRenegotiating, isStale, restartsICE) = (!isNew, false, false)
        deadline = now + (isNew ? PeerConversation.patience : PeerConversation.patienceMeanwhile)
        return [.send(SignalText.offer(sdp, generation: generation, isNew: isNew, servers: servers))]
    }

    /// The browser has asked for something that needs another connection, which is begun.
    mutating func reopen(now: Instant) -> [Action] {
        do throws(SignalFault) { return try reset(now) } catch { return fault(error.sentence) }
    }

    /// The answer was taken. Changes that came meanwhile go into the next offer.
    mutating func accept() -> [Action] {
        if stage == .offered { stage = .connecting }
        (isRenegotiating, deadline) = (false, nil)
        return isStale ? offerAgain() : []
    }

    /// There are other tracks for the browser than before.
    mutating func noteTracks() -> [Action] { hasConnection ? offerAgain() : [] }

    /// One offer waits for its answer at a time.
    private mutating func offerAgain() -> [Action] {
        guard stage != .offered, !isRenegotiating else {
            isStale = true
            return []
        }
        return [.offerAgain(microphone: wantsMicrophone, camera: wantsCamera, restartsICE: restartsICE)]
    }

    /// The answer, or what it asked for, makes no sense: what waited goes on waiting.
    mutating func refuse(_ sentence: String) -> [Action] { fault(sentence) }

    /// No connection comes of it. The sentence is in the log already where `isTold`.
    mutating func fail(_ sentence: String, isTold: Bool = false) -> [Action] {
        guard stage != .over else { return [] }
        let old: [Action] = hasConnection ? [.drop] : []
        (stage, isRenegotiating, deadline) = (.idle, false, nil)
        let told: [Action] = isTold ? [] : [.tell(sentence)]
        return old + [.send(SignalText.error(sentence, generation: generation, isFinal: true))] + told
    }

    /// News of a connection; of an older one it is passed over.
    mutating func connected(generation: Int) {
        guard generation == self.generation, stage == .connecting else { return }
        stage = .connected
    }

    /// The connection is over: for that reason, or because the browser has closed it.
    mutating func ended(_ sentence: String?, generation: Int) -> [Action] {
        guard generation == self.generation, hasConnection else { return [] }
        if let sentence { return fail(sentence, isTold: true) }
        (stage, isRenegotiating, deadline) = (.idle, false, nil)
        return [.drop]
    }

    /// Does what is due at `wake`.
    mutating func advance(now: Instant) -> [Action] {
        guard let due = wake, due <= now else { return [] }
        switch stage {
        case .silent:
            stage = .over
            return [.tell("said nothing within 10 s"), .close(1_008, "no webrtc_ready came within 10 s")]
        case .offered: return fail("No answer to the offer came within 10 s.")
        default:
            deadline = nil
            guard isRenegotiating else { return [] }
            return fail("No answer to the new offer came within 30 s.")
        }
    }

    /// The socket is closed.
    mutating func closed() -> [Action] {
        guard stage != .over else { return [] }
        let old: [Action] = hasConnection ? [.drop] : []
        stage = .over
        return old
    }
}
