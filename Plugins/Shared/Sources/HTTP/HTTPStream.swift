import Synchronization

/// An answer that goes on: pieces behind its body, as they come, until it ends. Server-sent events are such. Give it to
/// `HTTPResponse.stream`, and keep it: it ends with its owner too. From any thread; nothing waits.
public final class HTTPStream: Sendable {
    /// Pieces that may wait for a reader.
    public static let most = 64
    /// Bytes that may wait for a reader.
    public static let mostBytes = 1 << 20

    /// The service's end.
    public let pieces = Pieces()

    /// One that nobody reads yet: pieces wait until it is answered with.
    public init() {}

    /// Queues one piece. False where it is over, the other end has gone, or does not read: then nothing more is sent.
    @discardableResult
    public func send(_ text: String) -> Bool { pieces.put(Array(text.utf8)) }

    /// Behind what was sent.
    public func end() { pieces.end() }

    /// Whether somebody may still read it.
    public var isOpen: Bool { pieces.isOpen }

    deinit { end() }
}

extension HTTPStream {
    /// The pieces of one answer, as the service takes them.
    public final class Pieces: Sendable {
        /// The next thing to write.
        public enum Next: Equatable, Sendable {
            case piece([UInt8])
            /// Nothing now.
            case nothing
            /// Nothing any more.
            case over
        }

        private struct State {
            var waiting: [[UInt8]] = []
            var taken = 0
            var bytes = 0
            var isEnded = false
            var isClosed = false
            var isStuck = false
            /// The service is on its way.
            var isWoken = false
            var wake: (@Sendable () -> Void)?
            var count: Int { waiting.count - taken }
        }

        private let state = Mutex(State())

        fileprivate init() {}

        fileprivate var isOpen: Bool { state.withLock { !$0.isEnded && !$0.isClosed } }

        fileprivate func put(_ bytes: [UInt8]) -> Bool {
            change { state in
                guard !state.isEnded, !state.isClosed else { return false }
                guard state.count < HTTPStream.most, state.bytes + bytes.count <= HTTPStream.mostBytes else {
                    // The service is told, also where it waits for room to write.
                    (state.isStuck, state.isClosed, state.isWoken) = (true, true, false)
                    return false
                }
                // An empty chunk would be the last one.
                guard !bytes.isEmpty else { return true }
                state.waiting.append(bytes)
                state.bytes += bytes.count
                return true
            }
        }

        fileprivate func end() { change { $0.isEnded = true } }

        /// Wakes the service where it does not know yet that there is something.
        private func change<Result: Sendable>(_ body: (inout sending State) -> sending Result) -> Result {
            let (result, wake) = state.withLock { state -> (Result, (@Sendable () -> Void)?) in
                let result = body(&state)
                guard !state.isWoken, let wake = state.wake else { return (result, nil) }
                state.isWoken = true
                return (result, wake)
            }
            wake?()
            return result
        }

        /// The service takes them from now on; `wake` is called on the thread that sends.
        public func attach(wake: @escaping @Sendable () -> Void) { state.withLock { $0.wake = wake } }

        /// More came than may wait: the other end does not read.
        public var isStuck: Bool { state.withLock { $0.isStuck } }

        /// The next one to write.
        public func take() -> Next {
            state.withLock { state in
                guard state.count > 0 else {
                    state.isWoken = false
                    return state.isEnded || state.isClosed ? .over : .nothing
                }
                let bytes = state.waiting[state.taken]
                state.taken += 1
                state.bytes -= bytes.count
                if state.taken == state.waiting.count { (state.waiting, state.taken) = ([], 0) }
                return .piece(bytes)
            }
        }

        /// Nobody reads them any more.
        public func close() {
            state.withLock { state in
                let isStuck = state.isStuck
                state = State(isClosed: true)
                state.isStuck = isStuck
            }
        }
    }
}
