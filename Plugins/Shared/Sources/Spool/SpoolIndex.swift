import Sluice

/// A session as the lines of its index tell it. Pure.
///
/// Lines are only appended. A later one of a chunk or a job replaces the earlier one. The last line may be cut off by
/// the end of a process: it counts as not written.
public struct SpoolIndex: Equatable, Sendable {
    /// Why it cannot be read.
    public enum Fault: Error, Equatable, Sendable {
        /// It has no first line.
        case empty
        /// The number of the version that it has, nil where its first line is of no known form.
        case version(Int?)
    }

    /// The session's name.
    public private(set) var name = ""
    /// Media time in s of sample 0.
    public private(set) var origin = 0.0
    /// By their numbers.
    public private(set) var chunks: [Int: SpoolChunk] = [:]
    /// By their keys.
    public private(set) var jobs: [SpoolJob.Key: SpoolJob] = [:]
    /// Its summary, where one is wanted.
    public private(set) var digest: SpoolDigest?
    /// Nothing more is recorded.
    public private(set) var isEnded = false
    /// Bytes up to the end of the last whole line.
    public private(set) var size = 0
    /// Lines that make no sense, and were left out.
    public private(set) var damaged = 0

    /// A new one.
    public init(name: String, origin: Double) { (self.name, self.origin) = (name, origin) }

    /// Reads a file of lines.
    public init(_ bytes: [UInt8]) throws(Fault) {
        var start = 0
        var isFirst = true
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let value = try? JSONValue.parse(Array(bytes[start..<end]), limits: SpoolLine.limits)
            start = end + 1
            if isFirst {
                guard let value, case .session(let name, let origin)? = SpoolLine(value) else {
                    throw .version(value?["spool"]?.integer)
                }
                (self.name, self.origin, isFirst) = (name, origin, false)
            } else if let line = value.flatMap({ SpoolLine($0) }) {
                take(line)
            } else {
                damaged += 1
            }
        }
        guard !isFirst else { throw .empty }
        size = start
    }

    /// `written` where it stands in the file.
    public mutating func take(_ line: SpoolLine, written: Bool = false) {
        if written { size += line.bytes.count }
        switch line {
        case .session: break
        case .chunk(let chunk): chunks[chunk.number] = chunk
        case .job(let job): jobs[job.key] = job
        case .digest(let new): digest = new
        case .ended: isEnded = true
        }
    }

    /// In order.
    public var orderedChunks: [SpoolChunk] { chunks.values.sorted { $0.number < $1.number } }
    /// In order.
    public var orderedJobs: [SpoolJob] { jobs.values.sorted { $0.key < $1.key } }

    /// The sample up to which batches are made.
    public var planned: Int64 { jobs.values.reduce(0) { max($0, $1.samples.upperBound) } }

    /// Of the chunk that began last, 0 where none did.
    public var lastNumber: Int { chunks.keys.max() ?? 0 }

    /// The next batch of `size` chunks; nil where it is not there yet. With `isEnded` it may be a smaller one. A chunk
    /// that `undecided` names may still turn out to be silent.
    ///
    /// A batch ends where its last chunk has a pause. The next one begins there, so that no border cuts a word.
    public func nextJob(of size: Int, undecided: Int? = nil) -> SpoolJob? {
        let from = planned
        let closed = orderedChunks.filter { $0.state != .open && $0.end > from && $0.count > 0 }
        let ready = isEnded ? closed[...] : closed.prefix { $0.number != undecided }
        guard let first = ready.first else { return nil }
        // The rest of a chunk that the last batch shares does not count.
        let most = max(1, size) + (first.first < from ? 1 : 0)
        guard ready.count >= most || isEnded else { return nil }
        let part = ready.prefix(most)
        guard let last = part.last else { return nil }
        let isRest = isEnded && part.count == ready.count
        let isCut = !isRest && last.state == .whole && last.cut > max(from, first.first)
        let start = max(from, first.first)
        return SpoolJob(.init(first.number, last.number), samples: start..<max(start, isCut ? last.cut : last.end))
    }

    /// The chunks of which a batch has samples.
    public func chunks(of job: SpoolJob) -> [SpoolChunk] {
        orderedChunks.filter {
            $0.state == .whole && $0.first < job.samples.upperBound && $0.end > job.samples.lowerBound
        }
    }

    /// Nobody needs its audio any more.
    public func isDone(_ chunk: SpoolChunk) -> Bool {
        chunk.end <= planned
            && jobs.values.allSatisfy {
                $0.state == .stored || $0.samples.upperBound <= chunk.first || $0.samples.lowerBound >= chunk.end
            }
    }

    /// All that was recorded has its text, and these their summary where one is wanted.
    public var isDelivered: Bool { isWritten && digest.map { $0.state == .stored } ?? true }

    /// All that was recorded has its text.
    public var isWritten: Bool {
        isEnded && jobs.values.allSatisfy { $0.state == .stored } && nextJob(of: 1) == nil
    }
}
