import Net
import Sluice
import Synchronization

/// Decides in two steps which callers may come in. `judge` answers on libsrt's thread while the caller waits for its
/// answer and has not shown yet that it knows the passphrase. So it takes no name and no place. It only counts the
/// callers in the handshake. `enter`, on the lane, gives a connection its place, and looks at everything again: many
/// may have been judged before the first one came in.
final class Admission: Sendable {
    struct Rules: Sendable {
        /// This side's direction of media; a caller has the other one.
        var direction: StreamID.Direction
        var names: Names
        /// A second caller of a name replaces the first one, else it is refused.
        var takesOver: Bool
        /// Callers at a time.
        var most = Int.max
        /// Callers at a time in the handshake; a quarter of them from one host. Each costs memory of libsrt, also where
        /// its passphrase turns out to be wrong.
        var mostHandshakes = 32
        /// There is a passphrase: those who were judged well may still fail.
        var isEncrypted = false
    }

    enum Names: Sendable {
        /// One connection at a time, of any name.
        case any
        /// One connection at a time, of this name.
        case only(String)
        /// One connection of each name at a time; callers without a name are never in each other's way.
        case each
        /// Any number of connections, of this name; empty: of any.
        case many(String)
    }

    /// The place that a caller holds between `enter` and `leave`.
    struct Place: Equatable, Sendable {
        var number: Int
        /// The key that nobody else may hold; nil for a caller in nobody's way.
        var key: String?
        /// The caller's.
        var host: [UInt8]
    }

    enum Entry: Equatable, Sendable {
        case place(Place, isTakeOver: Bool)
        /// With one of `SRTRejection`'s codes.
        case refused(Int32)
    }

    let rules: Rules
    private let state = Mutex(State())

    private struct State {
        /// The number of the caller that holds each key.
        var holders: [String: Int] = [:]
        /// Hosts of callers that have sent nothing for a while, by the numbers of their places.
        var silent: [Int: [UInt8]] = [:]
        var count = 0
        var next = 1
        var latency: Int?
        /// Let in by `judge` and not come yet, and when the lane saw them first.
        var handshakes: [(caller: SRTListener.Caller, since: Instant?)] = []
        var refused: [(SRTListener.Caller, Int32)] = []
        var untold = 0
    }

    /// Refused callers whose words are kept until the lane looks: who calls again and again must not fill the memory.
    private static let mostRefused = 64

    init(_ rules: Rules) { self.rules = rules }

    /// The latency that the next caller gets, in ms; nil leaves it to the listener's options.
    var latency: Int? {
        get { state.withLock { $0.latency } }
        set { state.withLock { $0.latency = newValue } }
    }

    // MARK: On libsrt's thread

    func judge(_ caller: SRTListener.Caller) -> SRTListener.Verdict {
        let asked = key(caller)
        return state.withLock { state in
            let verdict = judge(asked, caller, state)
            if case .refuse(let reason) = verdict {
                if state.refused.count < Admission.mostRefused {
                    state.refused.append((caller, reason))
                } else {
                    state.untold += 1
                }
            } else {
                state.handshakes.append((caller, nil))
            }
            return verdict
        }
    }

    private func judge(_ asked: Asked, _ caller: SRTListener.Caller, _ state: State) -> SRTListener.Verdict {
        guard case .key(let key) = asked else {
            if case .refused(let reason) = asked { return .refuse(reason) }
            return .refuse(SRTRejection.badRequest)
        }
        // Without a passphrase a caller in the handshake comes in for sure.
        let coming = rules.isEncrypted ? 0 : state.handshakes.count
        if state.count + coming >= rules.most, !replaces(key, caller, state) { return .refuse(SRTRejection.overload) }
        if let key, state.holders[key] != nil, !replaces(key, caller, state) { return .refuse(SRTRejection.conflict) }
        if rules.isEncrypted {
            let neighbours = state.handshakes.lazy.filter { $0.caller.address.hasHost(of: caller.address) }.count
            if state.handshakes.count >= rules.mostHandshakes || neighbours >= max(1, rules.mostHandshakes / 4) {
                return .refuse(SRTRejection.unavailable)
            }
        }
        return .accept(latencyMilliseconds: state.latency)
    }

    /// It would not be one more.
    private func replaces(_ key: String?, _ caller: SRTListener.Caller, _ state: State) -> Bool {
        guard let key, let holder = state.holders[key] else { return false }
        return rules.takesOver || state.silent[holder] == caller.address.hostBytes
    }

    private enum Asked {
        case key(String?)
        case refused(Int32)
    }

    /// The key that a caller would hold.
    private func key(_ caller: SRTListener.Caller) -> Asked {
        guard let id = StreamID(caller.streamID) else { return .refused(SRTRejection.badRequest) }
        var key: String? = ""
        switch rules.names {
        case .any: break
        case .only(let wanted): if id.name != wanted { return .refused(SRTRejection.notFound) }
        case .many(let wanted):
            if !wanted.isEmpty, id.name != wanted { return .refused(SRTRejection.notFound) }
            key = nil
        case .each:
            guard Admission.isUsable(id.name) else { return .refused(SRTRejection.badRequest) }
            key = id.name.isEmpty ? nil : id.name
        }
        // A caller does the other thing than this side.
        return id.direction == rules.direction ? .refused(SRTRejection.badMode) : .key(key)
    }

    /// A name goes into parameters of nodes, where it may become part of a path.
    static func isUsable(_ name: String) -> Bool {
        name.utf8.count <= 64 && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                    || [0x2d, 0x2e, 0x5f].contains($0)
            }
    }

    // MARK: On the lane

    /// The connection of `caller` stands.
    func enter(_ caller: SRTListener.Caller) -> Entry {
        let asked = key(caller)
        return state.withLock { state in
            state.handshakes.removeAll { $0.caller.address == caller.address }
            guard case .key(let key) = asked else {
                if case .refused(let reason) = asked { return .refused(reason) }
                return .refused(SRTRejection.badRequest)
            }
            let isTakeOver = key.map { state.holders[$0] != nil } ?? false
            if isTakeOver && !replaces(key, caller, state) { return .refused(SRTRejection.conflict) }
            if state.count >= rules.most && !isTakeOver { return .refused(SRTRejection.overload) }
            let place = Place(number: state.next, key: key, host: caller.address.hostBytes)
            state.next += 1
            state.count += 1
            if let key { state.holders[key] = place.number }
            return .place(place, isTakeOver: isTakeOver)
        }
    }

    /// From any thread; once.
    func leave(_ place: Place) {
        state.withLock { state in
            state.count -= 1
            state.silent[place.number] = nil
            if let key = place.key, state.holders[key] == place.number { state.holders[key] = nil }
        }
    }

    /// The caller of `place` sends nothing any more, or does again. A sender that is gone without a word comes back
    /// before libsrt notices, which takes it over five seconds: its host may replace it, and no other.
    func note(silent isSilent: Bool, _ place: Place) {
        state.withLock { state in
            state.silent[place.number] = isSilent ? place.host : nil
        }
    }

    /// Those who were let in `patience` ago and have not come: the handshake went no further. Each is told once.
    func lostInHandshake(
        _ now: Instant, patience: Interval = .milliseconds(1_500)
    ) -> [SRTListener.Caller] {
        state.withLock { state in
            var late: [SRTListener.Caller] = []
            for index in state.handshakes.indices.reversed() {
                if let since = state.handshakes[index].since {
                    if now - since >= patience { late.append(state.handshakes.remove(at: index).caller) }
                } else {
                    state.handshakes[index].since = now
                }
            }
            return late
        }
    }

    /// Somebody was let in and has not come yet: look again soon.
    var isSomebodyComing: Bool { state.withLock { !$0.handshakes.isEmpty } }

    /// The callers that were refused since the last call, each with its code; and how many more there were.
    func takeRefused() -> (callers: [(SRTListener.Caller, Int32)], more: Int) {
        state.withLock { state in
            defer { (state.refused, state.untold) = ([], 0) }
            return (state.refused, state.untold)
        }
    }

    /// Why it was refused.
    func words(_ caller: SRTListener.Caller, _ reason: Int32) -> String {
        let name = StreamID.shown(caller.streamID)
        switch (reason, rules.names) {
        case (SRTRejection.badRequest, .each) where StreamID(caller.streamID) != nil:
            return "\(name) is no name: letters, digits, \"-\", \"_\" and \".\", at most 64, not with a \".\" first"
        case (SRTRejection.badRequest, _): return "its stream id makes no sense"
        case (SRTRejection.notFound, .only(let wanted)), (SRTRejection.notFound, .many(let wanted)):
            return "it asks for \(name), and here is \"\(wanted)\""
        case (SRTRejection.badMode, _):
            return rules.direction == .read
                ? "it wants to read \(name), and here is published" : "it wants to publish \(name), and here is read"
        case (SRTRejection.conflict, .each): return "somebody publishes \(name) already"
        case (SRTRejection.conflict, _): return "another caller is connected (\(name))"
        case (SRTRejection.overload, .many): return "\(rules.most) readers are connected, and no more may be"
        case (SRTRejection.overload, _): return "\(rules.most) callers are connected, and no more may be"
        case (SRTRejection.unavailable, _):
            return "callers before it, of its host or of all, have not got past the handshake; "
                + "their passphrase may be another"
        default: return "reason \(reason)"
        }
    }
}

extension SocketAddress {
    /// The same host, whatever the port.
    func hasHost(of other: SocketAddress) -> Bool { family == other.family && hostBytes == other.hostBytes }
}
