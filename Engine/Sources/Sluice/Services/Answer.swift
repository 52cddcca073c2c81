import Synchronization

extension NodeContext {
    /// The answer of a worker: there is none until `take` gives it, once. A node that drops it does not care any more;
    /// a call that has not begun by then is left out.
    public final class Answer<Value: Sendable>: Sendable {
        private let given = Mutex<Result<Value, any Error>?>(nil)

        init() {}

        /// On the node's lane: the answer when it has come, then nil again.
        public func take() -> Result<Value, any Error>? { given.withLock { $0.take() } }

        func give(_ result: Result<Value, any Error>) { given.withLock { $0 = result } }
    }
}

extension NodeContext {
    /// Runs `call`, which may wait, on one of the worker's few threads; the node is woken with `.post` when its answer
    /// is there. For names, files and servers. A call that no worker takes is answered at once with the reason.
    ///
    ///     lookup = context.ask { try SocketAddress.find(host, port: port) }
    ///     …
    ///     if let found = lookup?.take() { … }          // in `process`
    public func ask<Value: Sendable>(_ call: @escaping @Sendable () throws -> Value) -> Answer<Value> {
        let answer = Answer<Value>()
        let node = handle
        do {
            try Worker.shared.run { [weak answer] in
                guard let answer else { return }
                answer.give(Result { try call() })
                node.post()
            }
        } catch {
            answer.give(.failure(error))
            node.post()
        }
        return answer
    }
}
