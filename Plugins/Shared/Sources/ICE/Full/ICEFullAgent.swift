import Glibc
import Net
import Sluice

/// Our side of a session with a server or another full agent: ICE with host candidates of ours (RFC 8445; TCP: RFC
/// 6544, where we open the connections). It is the controlling side unless a conflict tells otherwise.
///
/// Nomination is the regular one, which alone RFC 8445 has: each pair is checked, and the best that has been answered
/// is then checked with USE-CANDIDATE. So a path is chosen once and is known to work, at the price of one round trip.
/// The best is awaited for 200 ms from the first answer, and for a second while only TCP has answered, so that one lost
/// datagram does not put media on TCP.
///
/// The owner hands in what comes (`receive`, `connected`, `closed`) and the time (`advance` at `wake`), and after each
/// call carries out what `next` gives, until that is nil. TCP connections, and the frames on them (`TCPFrameReader`),
/// are the owner's. One thread; no call waits or reads a clock.
public struct ICEFullAgent: Sendable {
    /// Numbers of a session.
    public struct Settings: Sendable {
        /// From the moment when the peer's description is known to a selected path.
        public var connectTimeout: Interval = .seconds(10)
        /// Without an answer, until the selected path is given up (RFC 7675, section 5.1).
        public var consentTimeout: Interval = .seconds(30)
        /// Between two new checks (RFC 8445, section 14.2).
        public var pace: Interval = .milliseconds(50)
        /// For a better pair than the one that was answered first.
        public var patience: Interval = .milliseconds(200)
        /// For one by UDP, where only TCP has been answered.
        public var patienceForUDP: Interval = .seconds(1)
        /// TCP connections are opened to candidates that wait for some.
        public var usesTCP = true

        /// The defaults above.
        public init() {}
    }

    /// A thing for the owner to do.
    public enum Action: Equatable, Sendable {
        /// Send the bytes; on a TCP connection as one frame.
        case send([UInt8], ICEPath)
        /// Open a TCP connection of this number, from the socket address at that place, any port.
        case connect(UInt64, SocketAddress, local: Int)
        /// Close the connection of this number, or stop opening it.
        case close(UInt64)
        /// Media go this way from now on.
        case selected(ICEPath)
        /// A restart came to nothing; the old path goes on.
        case restartFailed(ICEFailure)
        /// All is over. `restart` begins anew.
        case failed(ICEFailure)
    }

    let settings: Settings
    let hmac: HMACSHA1
    let random: RandomBytes
    let locals: [SocketAddress]
    let tieBreaker: UInt64
    var session: ICESession
    var consent: Consent?
    var actions: [Action] = []
    private var connections: UInt64 = 0

    /// We choose the path.
    public internal(set) var isControlling = true
    /// Why all is over.
    public internal(set) var failure: ICEFailure?
    /// From a check to its answer, the last that was measured.
    public internal(set) var roundTrip: Interval?
    /// Our address as the peer sees it.
    public internal(set) var mappedAddress: SocketAddress?

    /// `locals` are the addresses of the UDP sockets, one for each host address, or one for all of a family
    /// (`0.0.0.0`), which is then not told to the peer. `random` makes credentials, transactions and pauses.
    public init(
        locals: [SocketAddress], settings: Settings = Settings(), hmac: @escaping HMACSHA1,
        random: @escaping RandomBytes
    ) {
        self.locals = locals.map(\.unmapped)
        (self.settings, self.hmac, self.random) = (settings, hmac, random)
        session = ICESession(local: ICECredentials(random: random))
        tieBreaker = STUN.Transaction(random: random).low
    }

    // MARK: Descriptions

    /// For our description: those of a restart, once it has begun.
    public var local: ICECredentials { session.local }

    /// For our description.
    public var candidates: [ICECandidate] {
        locals.indices.filter { locals[$0].reach != .nowhere }.flatMap { index in
            let preference = ICEFullAgent.preference(of: index)
            let udp = ICECandidate(locals[index], localPreference: preference)
            guard settings.usesTCP else { return [udp] }
            return [udp, ICECandidate(locals[index], transport: .active, localPreference: preference)]
        }
    }

    static func preference(of local: Int) -> UInt16 { UInt16.max - UInt16(clamping: local) }

    /// The peer's description has come, `isLite` where it says `a=ice-lite`. The time to connect begins.
    public mutating func setRemote(_ credentials: ICECredentials, isLite: Bool, now: Instant) {
        session.remote = credentials
        session.isRemoteLite = isLite
        session.begun = session.begun ?? now
        // A lite agent is never the controlling one (RFC 8445, section 6.1.1).
        if isLite { isControlling = true }
        advance(now: now)
    }

    /// A candidate of the peer, of its description or later. Those with a name are passed over, and counted.
    public mutating func add(_ candidate: ICECandidate, now: Instant) {
        if let fragment = candidate.fragment, let remote = session.remote, fragment != remote.fragment { return }
        guard candidate.component == 1, let address = candidate.address, address.port != 0 else {
            if candidate.isHidden { session.hidden &+= 1 } else { session.unusable &+= 1 }
            return
        }
        let isTCP = candidate.transport != .udp
        guard !isTCP || settings.usesTCP && candidate.transport != .active else {
            session.unusable &+= 1
            return
        }
        let reachable = locals.indices.filter { locals[$0].reaches(address) }
        if reachable.isEmpty { session.unusable &+= 1 }
        for index in isTCP ? reachable.prefix(1) : reachable[...] {
            addPair(local: index, address, isTCP: isTCP, remotePriority: candidate.priority)
        }
        advance(now: now)
    }

    /// No more candidates come.
    public mutating func endOfCandidates(now: Instant) {
        session.isComplete = true
        advance(now: now)
    }

    /// New credentials (RFC 8445, section 9), for the next description of ours. The selected path goes on under the old
    /// ones until one of the new session is selected.
    public mutating func restart(now: Instant) {
        for case let id? in session.pairs.map(\.path.remote.connection) where id != consent?.path.remote.connection {
            actions.append(.close(id))
        }
        session = ICESession(local: ICECredentials(random: random))
        failure = nil
    }

    mutating func addPair(local: Int, _ address: SocketAddress, isTCP: Bool, remotePriority: UInt32) {
        let key = address.key
        let known = session.pairs.firstIndex {
            $0.path.local == local && $0.isTCP == isTCP && $0.path.remote.address.key == key
        }
        if let known {
            // A candidate that its own check had shown before.
            session.pairs[known].remotePriority = remotePriority
            return
        }
        guard session.pairs.count < ICESession.mostPairs else { return }
        if isTCP { connections += 1 }
        let route = ICERoute(address.unmapped, connection: isTCP ? connections : nil)
        session.pairs.append(
            CandidatePair(
                path: ICEPath(local: local, remote: route),
                localPriority: ICECandidate.priority(
                    kind: .host, transport: isTCP ? .active : .udp,
                    localPreference: ICEFullAgent.preference(of: local)),
                remotePriority: remotePriority))
    }

    // MARK: State

    /// Media go this way; nil before and after.
    public var selected: ICEPath? { consent?.path }

    /// DTLS and SRTP may come this way: the peer has answered there.
    public func mayReceive(from route: ICERoute) -> Bool {
        if let consent, consent.path.remote == route { return true }
        return failure == nil && session.pairs.contains { $0.state == .succeeded && $0.path.remote == route }
    }

    /// The next thing to do, nil where there is none before the next call of another kind.
    public mutating func next() -> Action? { actions.isEmpty ? nil : actions.removeFirst() }
}

extension SocketAddress {
    /// A datagram from a socket bound here can get there, as far as addresses tell.
    func reaches(_ other: SocketAddress) -> Bool {
        let there = other.unmapped
        guard family == there.family else { return false }
        if reach == .nowhere { return true }
        guard (reach == .machine) == (there.reach == .machine) else { return false }
        return family == AF_INET || (reach == .link) == (there.reach == .link)
    }
}
