import Sluice
import Synchronization
import WebSocketClient

/// Connections that are open before somebody wants them, for the next stream of the process, which waits for none.
/// A provider that takes a message as a sign of life gets it. Others close them after a time without audio, and each is
/// made anew at once. From any thread.
final class WarmLines: Sendable {
    typealias Deliver = @Sendable (WebSocketCall.Event) -> Void
    typealias Make = @Sendable (@escaping Deliver) throws -> WebSocketCall

    private struct Pool {
        var wanted = 0
        var make: Make
        /// By numbers, those that are being opened with them.
        var lines: [Int: (call: WebSocketCall, isOpen: Bool)] = [:]
        /// Of lines that did not come about, since one did.
        var failures = 0
    }

    static let shared = WarmLines()
    /// A provider that takes no more is left alone until a stream opens there again.
    private static let tries = 3

    private let state = Mutex<(pools: [String: Pool], last: Int)>(([:], 0))

    /// Keeps so many ready that are the same as one that a stream has just opened.
    func keep(_ count: Int, _ key: String, make: @escaping Make) {
        state.withLock { state in
            state.pools[key, default: Pool(make: make)].make = make
            state.pools[key]?.wanted = count
            state.pools[key]?.failures = 0
        }
        fill(key)
    }

    /// One that is open. Its events come to `deliver` from now on.
    func take(_ key: String, deliver: @escaping Deliver) -> WebSocketCall? {
        while true {
            let found = state.withLock { state -> WebSocketCall? in
                guard let (number, line) = state.pools[key]?.lines.first(where: { $0.value.isOpen }) else { return nil }
                state.pools[key]?.lines[number] = nil
                return line.call
            }
            guard let found else { return nil }
            found.redirect(deliver)
            // Its end may have been told to nobody.
            guard found.isOver else { return found }
        }
    }

    private func fill(_ key: String) {
        while true {
            let next = state.withLock { state -> (number: Int, make: Make)? in
                guard let pool = state.pools[key], pool.lines.count < pool.wanted, pool.failures < WarmLines.tries
                else { return nil }
                state.last += 1
                return (state.last, pool.make)
            }
            guard let (number, make) = next else { return }
            let call = try? make { [weak self] event in self?.heard(event, number, key) }
            guard let call else { return }
            state.withLock { state in
                // It may be open, or gone, already.
                if call.isOver {
                    state.pools[key]?.failures += 1
                } else {
                    state.pools[key]?.lines[number] = (call, call.isOpen)
                }
            }
        }
    }

    private func heard(_ event: WebSocketCall.Event, _ number: Int, _ key: String) {
        switch event {
        case .opened:
            state.withLock { state in
                state.pools[key]?.lines[number]?.isOpen = true
                state.pools[key]?.failures = 0
            }
        case .closed, .refused:
            state.withLock { state in
                let line = state.pools[key]?.lines.removeValue(forKey: number)
                if line?.isOpen != true { state.pools[key]?.failures += 1 }
            }
            fill(key)
        case .text, .pong: break
        }
    }
}
