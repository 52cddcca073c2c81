import Sluice
import Synchronization

/// Under which names callers publish just now, where each gets a session of its own. Shared by libsrt's thread, which
/// judges who may come in, and the sessions, which give their name back.
final class CallerNames: Sendable {
    private let direction = StreamID.Direction.read
    private let takesOver: Bool
    private let most: Int
    private let state = Mutex(State())

    private struct State {
        /// The call that holds each name.
        var holders: [String: Int] = [:]
        var count = 0
        var next = 1
        var latency: Int?
    }

    init(takesOver: Bool, most: Int) { (self.takesOver, self.most) = (takesOver, most) }

    var latency: Int? {
        get { state.withLock { $0.latency } }
        set { state.withLock { $0.latency = newValue } }
    }

    /// A name goes into parameters of nodes, where it may become part of a path.
    static func isUsable(_ name: String) -> Bool {
        name.utf8.count <= 64 && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                    || [0x2d, 0x2e, 0x5f].contains($0)
            }
    }

    func judge(_ caller: SRTListener.Caller) -> SRTListener.Verdict {
        guard let id = StreamID(caller.streamID), CallerNames.isUsable(id.name) else {
            return .refuse(SRTRejection.badRequest)
        }
        if id.direction == direction { return .refuse(SRTRejection.badMode) }
        return state.withLock { state in
            if state.count >= most { return .refuse(SRTRejection.overload) }
            if !takesOver && state.holders[id.name] != nil { return .refuse(SRTRejection.conflict) }
            return .accept(latencyMilliseconds: state.latency)
        }
    }

    /// A caller came in. The number of its call, and whether another has held the name until now. Callers without a name
    /// are never in each other's way.
    func enter(_ name: String) -> (call: Int, isTakeOver: Bool) {
        state.withLock { state in
            let call = state.next
            state.next += 1
            state.count += 1
            guard !name.isEmpty else { return (call, false) }
            let isTakeOver = state.holders.updateValue(call, forKey: name) != nil
            return (call, isTakeOver)
        }
    }

    func leave(_ call: Int, _ name: String) {
        state.withLock { state in
            state.count -= 1
            if state.holders[name] == call { state.holders[name] = nil }
        }
    }

    func words(_ caller: SRTListener.Caller, _ reason: Int32) -> String {
        let name = StreamID.shown(caller.streamID)
        switch reason {
        case SRTRejection.badRequest:
            return "\(name) is no name: letters, digits, \"-\", \"_\" and \".\", at most 64, not with a \".\" first"
        case SRTRejection.badMode: return "it wants to read \(name), and here is published"
        case SRTRejection.conflict: return "somebody publishes \(name) already"
        case SRTRejection.overload: return "\(most) callers are connected, and no more may be"
        default: return "reason \(reason)"
        }
    }
}

/// One accepted caller on its way into the session that is started for it.
final class SRTCall: Sendable {
    let socket: SRTSocket
    let number: Int
    let name: String
    /// For messages.
    let peer: String
    private let names: CallerNames
    private let hasLeft = Atomic<Bool>(false)

    init(_ socket: SRTSocket, number: Int, name: String, peer: String, names: CallerNames) {
        (self.socket, self.number, self.name, self.peer, self.names) = (socket, number, name, peer, names)
    }

    /// The session is done with it. Any thread; once is enough.
    func leave() {
        guard !hasLeft.exchange(true, ordering: .relaxed) else { return }
        names.leave(number, name)
    }

    deinit { leave() }
}
