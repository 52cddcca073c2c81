import Foundation
import HTTP

/// Requests that nobody answers.
final class Held: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [HTTPExchange] = []

    func take(_ exchange: HTTPExchange) -> Bool {
        lock.withLock { all.append(exchange) }
        return true
    }

    var count: Int { lock.withLock { all.count } }
}
