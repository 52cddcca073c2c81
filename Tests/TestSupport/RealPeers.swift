import Foundation
import Testing

/// Tests with real sockets, processes and clocks: each needs a part of the machine for some seconds, so few run at a
/// time. A test that waits for its turn holds no thread, and its time limit has not begun.
///
///     @Suite(.realPeers) struct SocketTests {
public struct RealPeers: SuiteTrait, TestTrait, TestScoping {
    public let isRecursive = true

    public func scopeProvider(for test: Test, testCase: Test.Case?) -> RealPeers? {
        // Around a function with all its cases: what is around a case counts as its time.
        test.isSuite || testCase != nil ? nil : self
    }

    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Turns.shared.take()
        do {
            try await function()
            await Turns.shared.give()
        } catch {
            await Turns.shared.give()
            throw error
        }
    }
}

extension Trait where Self == RealPeers {
    public static var realPeers: RealPeers { RealPeers() }
}

/// So many at a time, in the order in which they came.
private actor Turns {
    static let shared = Turns(max(1, min(4, ProcessInfo.processInfo.activeProcessorCount / 2)))

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        guard !waiting.isEmpty else {
            free += 1
            return
        }
        waiting.removeFirst().resume()
    }
}
