import Sluice
import Synchronization

/// Who may come in at a listening link, where one connection stands at a time. Asked on libsrt's thread.
final class Door: Sendable {
    /// The name that a caller has to give; empty lets every name in.
    private let wanted: String
    private let direction: StreamID.Direction
    private let takesOver: Bool
    private let state = Mutex(State())

    private struct State {
        /// A caller was let in who has not left.
        var isTaken = false
        var latency: Int?
    }

    init(_ streamID: String, direction: StreamID.Direction, takesOver: Bool) {
        wanted = StreamID(streamID)?.name ?? streamID
        (self.direction, self.takesOver) = (direction, takesOver)
    }

    /// What the next caller gets, in ms.
    var latency: Int? {
        get { state.withLock { $0.latency } }
        set { state.withLock { $0.latency = newValue } }
    }

    func judge(_ caller: SRTListener.Caller) -> SRTListener.Verdict {
        guard let id = StreamID(caller.streamID) else { return .refuse(SRTRejection.badRequest) }
        if !wanted.isEmpty && id.name != wanted { return .refuse(SRTRejection.notFound) }
        // A caller does the other thing than this side.
        if let asked = id.direction, asked == direction { return .refuse(SRTRejection.badMode) }
        return state.withLock { state in
            if state.isTaken && !takesOver { return .refuse(SRTRejection.conflict) }
            return .accept(latencyMilliseconds: state.latency)
        }
    }

    func enter() { state.withLock { $0.isTaken = true } }
    func leave() { state.withLock { $0.isTaken = false } }

    /// Why it was refused.
    func words(_ caller: SRTListener.Caller, _ reason: Int32) -> String {
        let name = StreamID.shown(caller.streamID)
        switch reason {
        case SRTRejection.badRequest: return "its stream id makes no sense"
        case SRTRejection.notFound: return "it asks for \(name), and here is \"\(wanted)\""
        case SRTRejection.badMode:
            return direction == .read
                ? "it wants to read \(name), and here is published" : "it wants to publish \(name), and here is read"
        case SRTRejection.conflict: return "another caller is connected (\(name))"
        default: return "reason \(reason)"
        }
    }
}
