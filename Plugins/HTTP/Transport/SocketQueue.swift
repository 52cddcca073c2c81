import Synchronization

/// Messages that wait to be written to one WebSocket. Any thread puts, the service's takes.
final class SocketQueue: Sendable {
    enum Item: Equatable {
        case text(String)
        case close(Int, String)
    }

    static let most = 64
    static let mostBytes = 4_194_304

    private struct State {
        var texts: [String] = []
        var taken = 0
        var bytes = 0
        var end: Item?
        /// More came than may wait: the other end does not read.
        var isStuck = false
        /// Nothing is taken in any more.
        var isOver = false
        /// The service's thread is on its way.
        var isWoken = false
        var count: Int { texts.count - taken }
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// `wake` is called on the thread that puts: there is something to take.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// False where it is over, or full; then it ends.
    func put(_ text: String) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isOver else { return (false, false) }
            let size = text.utf8.count
            if state.count < SocketQueue.most, state.bytes + size <= SocketQueue.mostBytes {
                state.texts.append(text)
                state.bytes += size
            } else {
                (state.isStuck, state.isOver) = (true, true)
            }
            defer { state.isWoken = true }
            // The service is told of a full queue, also where it waits for room to write.
            return (!state.isStuck, state.isStuck || !state.isWoken)
        }
        if wakes { wake() }
        return isTaken
    }

    /// Closes the socket behind what waits.
    func end(_ code: Int, _ reason: String) {
        let wakes = state.withLock { state -> Bool in
            guard !state.isOver else { return false }
            state.isOver = true
            state.end = .close(code, reason)
            defer { state.isWoken = true }
            return !state.isWoken
        }
        if wakes { wake() }
    }

    /// More came than may wait: the socket is to be closed at once.
    var isStuck: Bool { state.withLock { $0.isStuck } }

    /// The next one to write.
    func take() -> Item? {
        state.withLock { state in
            guard state.count > 0 else {
                state.isWoken = false
                defer { state.end = nil }
                return state.end
            }
            let text = state.texts[state.taken]
            state.taken += 1
            state.bytes -= text.utf8.count
            if state.taken == state.texts.count { (state.texts, state.taken) = ([], 0) }
            return .text(text)
        }
    }

    /// The socket is closed.
    func close() { state.withLock { $0 = State(isOver: true, isWoken: true) } }
}
