import Sluice
import Synchronization

/// How a pacer plays a source: the source's time `source` goes out at `at` with the timestamp `out`, and the source is
/// taken `ppm` parts per million faster than it says.
public struct Playout: Equatable, Sendable {
    /// A time of the source.
    public var source: MediaTime
    /// When it goes out, on the graph's clock.
    public var at: Instant
    /// The timestamp that it goes out with.
    public var out: MediaTime
    /// How much faster the source is taken than it says, in parts per million.
    public var ppm: Double
    /// The source has nothing there at the moment: media of a time before `source` that come now go out at `at`, if
    /// they are still wanted.
    public var isDry: Bool

    /// `source` goes out at `at` with the timestamp `out`.
    public init(source: MediaTime, at: Instant, out: MediaTime, ppm: Double, isDry: Bool = false) {
        self.source = source
        self.at = at
        self.out = out
        self.ppm = ppm
        self.isDry = isDry
    }

    /// Source times further off than this (a minute) are not of this source: nil.
    private func ahead(_ time: MediaTime) -> Double? {
        let step = time.ticks.subtractingReportingOverflow(source.ticks)
        guard !step.overflow, step.partialValue.magnitude < UInt64(MediaTime.ticksPerSecond) * 60 else { return nil }
        return Double(step.partialValue) / (1 + ppm / 1e6)
    }

    /// When media of this time are due; nil where the source is far from there.
    public func instant(of time: MediaTime) -> Instant? {
        ahead(time).map { at + Interval(MediaTime(ticks: Int64($0.rounded()))) }
    }

    /// The timestamp that media of this time get; nil where the source is far from there.
    public func timestamp(of time: MediaTime) -> MediaTime? {
        ahead(time).map { out + MediaTime(ticks: Int64($0.rounded())) }
    }
}

/// A `Playout` that one lane writes and others read: how the pictures of a source follow its audio. One writer. No
/// locks: a reader that meets a write tries again (a sequence lock; Boehm, "Can seqlocks get along with programming
/// language memory models?", MSPC 2012).
public final class SharedPlayout: Sendable {
    private let sequence = Atomic<Int>(0)
    private let source = Atomic<Int64>(0)
    private let at = Atomic<Int64>(0)
    private let out = Atomic<Int64>(0)
    private let ppm = Atomic<UInt64>(0)
    private let dry = Atomic<Bool>(false)
    private let claimed = Atomic<Bool>(false)

    /// Nothing is written yet.
    public init() {}

    /// A pacer of audio writes here from now on; false if another does.
    @discardableResult
    public func claim() -> Bool { !claimed.exchange(true, ordering: .acquiringAndReleasing) }
    /// It does no longer.
    public func release() { claimed.store(false, ordering: .releasing) }
    /// A pacer of audio writes here. From any thread.
    public var isClaimed: Bool { claimed.load(ordering: .acquiring) }

    /// On the lane of the one writer. Readers see all of it or nothing.
    public func write(_ new: Playout) {
        let number = sequence.load(ordering: .relaxed)
        sequence.store(number + 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        source.store(new.source.ticks, ordering: .relaxed)
        at.store(new.at.nanoseconds, ordering: .relaxed)
        out.store(new.out.ticks, ordering: .relaxed)
        ppm.store(new.ppm.bitPattern, ordering: .relaxed)
        dry.store(new.isDry, ordering: .relaxed)
        sequence.store(number + 2, ordering: .releasing)
    }

    /// nil before the first write, and where a writer is met three times in a row: the next item asks again.
    public func read() -> Playout? {
        for _ in 0..<3 {
            let before = sequence.load(ordering: .acquiring)
            guard before > 0 else { return nil }
            guard before % 2 == 0 else { continue }
            let found = Playout(
                source: MediaTime(ticks: source.load(ordering: .relaxed)),
                at: Instant(nanoseconds: at.load(ordering: .relaxed)),
                out: MediaTime(ticks: out.load(ordering: .relaxed)),
                ppm: Double(bitPattern: ppm.load(ordering: .relaxed)), isDry: dry.load(ordering: .relaxed))
            atomicMemoryFence(ordering: .acquiring)
            if sequence.load(ordering: .relaxed) == before { return found }
        }
        return nil
    }
}
