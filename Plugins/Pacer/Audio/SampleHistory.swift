import Sluice

/// The last samples that were heard, as bytes: at least `count` of them once so many came. Appending costs one copy.
struct SampleHistory: ~Copyable {
    let count: Int
    private let sampleBytes: Int
    private let memory: UnsafeMutableRawPointer
    private var end = 0

    /// `sampleBytes`: of one sample of all channels.
    init(count: Int, sampleBytes: Int) {
        self.count = count
        self.sampleBytes = sampleBytes
        memory = .allocate(byteCount: max(1, 2 * count * sampleBytes), alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Samples there are, at most `count`.
    var held: Int { min(end, count) }

    /// The last `held` samples, the latest last.
    var bytes: UnsafeRawPointer { UnsafeRawPointer(memory + (end - held) * sampleBytes) }

    mutating func append(_ samples: UnsafeRawPointer, _ new: Int) {
        if new >= count {
            memory.copyMemory(from: samples + (new - count) * sampleBytes, byteCount: count * sampleBytes)
            end = count
            return
        }
        if end + new > 2 * count {
            memory.copyMemory(from: memory + (end - count) * sampleBytes, byteCount: count * sampleBytes)
            end = count
        }
        (memory + end * sampleBytes).copyMemory(from: samples, byteCount: new * sampleBytes)
        end += new
    }

    mutating func clear() { end = 0 }
}
