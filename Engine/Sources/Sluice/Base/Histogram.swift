import Synchronization

/// Counts of non-negative values in buckets an eighth of a power of two wide: quantiles within 6.25 %, the maximum
/// exact. One thread records, any thread reads. Allocates once, when made.
@frozen
@usableFromInline struct Histogram: ~Copyable, @unchecked Sendable {
    @usableFromInline let buckets: UnsafeMutablePointer<Counter>
    @usableFromInline let largest: Counter

    /// 8 buckets for each of 61 powers of two, and the values below 8 one by one.
    @usableFromInline static var bucketCount: Int { 496 }

    @usableFromInline init() {
        largest = Counter()
        buckets = .allocate(capacity: Histogram.bucketCount)
        for index in 0..<Histogram.bucketCount { (buckets + index).initialize(to: Counter()) }
    }

    deinit {
        buckets.deinitialize(count: Histogram.bucketCount)
        buckets.deallocate()
    }

    @inlinable @inline(__always)
    func record(_ value: Int) {
        let value = value < 0 ? 0 : value
        buckets[Histogram.bucket(of: value)].add(1)
        largest.raise(to: value)
    }

    @inlinable @inline(__always)
    static func bucket(of value: Int) -> Int {
        if value < 8 { return value }
        let shift = 60 &- value.leadingZeroBitCount
        return (shift &+ 1) &* 8 &+ ((value &>> shift) & 7)
    }

    /// The middle of a bucket.
    static func value(of bucket: Int) -> Int {
        if bucket < 16 { return bucket }
        let shift = bucket / 8 - 1
        return ((8 + bucket % 8) << shift) + (1 << shift) / 2
    }

    /// The records of `other` count here too.
    func add(_ other: borrowing Histogram) {
        for index in 0..<Histogram.bucketCount { buckets[index].add(other.buckets[index].count) }
        largest.raise(to: other.largest.count)
    }

    @usableFromInline var count: Int { (0..<Histogram.bucketCount).reduce(0) { $0 + buckets[$1].count } }
    var max: Int { largest.count }

    /// The value that `fraction` of the recorded ones do not exceed (nearest rank); 0 when nothing was recorded.
    @usableFromInline func quantile(_ fraction: Double) -> Int {
        let total = count
        guard total > 0 else { return 0 }
        let rank = Swift.max(1, Int((Double(total) * fraction).rounded(.up)))
        var seen = 0
        for index in 0..<Histogram.bucketCount {
            seen += buckets[index].count
            if seen >= rank { return Swift.min(Histogram.value(of: index), max) }
        }
        return max
    }
}
