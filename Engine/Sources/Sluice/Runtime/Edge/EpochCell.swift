import Synchronization

/// The current epoch of a session. Only rises; one atomic store makes everything older stale.
public final class EpochCell: Sendable {
    @usableFromInline let value = Atomic<UInt32>(1)

    init() {}

    @inlinable public var current: UInt32 { value.load(ordering: .relaxed) }

    /// Raises the epoch by one, or to `epoch` where that is higher. False if `epoch` is not above the current one.
    @discardableResult
    func raise(to epoch: UInt32? = nil) -> Bool {
        var current = value.load(ordering: .relaxed)
        while true {
            let next = epoch ?? current &+ 1
            guard next > current else { return false }
            let (exchanged, original) = value.weakCompareExchange(
                expected: current, desired: next, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            current = original
        }
    }
}
