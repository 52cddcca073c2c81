import Sluice

/// A call as a library hands it over.
public struct Call: Sendable {
    public var number: Int
}

/// A library with a thread of its own.
public protocol CallLibrary: Sendable {
    func onCall(_ body: @escaping @Sendable (Call) -> Void)
}

/// Answers the calls of a library that calls back on a thread of its own.
open class CallAnswerer {
    private let library: any CallLibrary
    private let answered: Metric.Counter
    private var calls: NodeContext.Inbox<Call>?

    public init(library: any CallLibrary, answered: Metric.Counter) {
        self.library = library
        self.answered = answered
    }

    public func prepare(_ context: NodeContext) {
        let calls = context.inbox(of: Call.self, capacity: 64)
        self.calls = calls
        // On the library's thread.
        library.onCall { calls.post($0) }
    }

    public func process(now: Instant) {
        while let call = calls?.next() { answered.add(call.number) }
    }
}
