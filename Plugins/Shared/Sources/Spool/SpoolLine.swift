import Sluice

/// A chunk of a session's audio: one WAV file, mono of 16 bits at 16 kHz.
public struct SpoolChunk: Equatable, Sendable {
    /// The way of a chunk.
    public enum State: String, Sendable {
        /// It is being written, or was when its process ended.
        case open
        /// All of it is on the disk.
        case whole
        /// Nobody speaks in it: it has a time and no file.
        case silent
        /// Its text is stored, and its file removed.
        case gone
    }

    /// From 1 on.
    public let number: Int
    /// Samples from the beginning of the session.
    public let first: Int64
    /// Samples, 0 while it is open.
    public var count = 0
    /// `SpoolHash` of its samples.
    public var hash = ""
    /// The sample of the session, within it, at which a batch is cut with the least harm: in a pause.
    public var cut: Int64
    /// Open from the beginning.
    public var state = State.open

    /// One that begins.
    public init(_ number: Int, first: Int64) { (self.number, self.first, cut) = (number, first, first) }

    /// The sample behind its last one.
    public var end: Int64 { first + Int64(count) }
}

/// A batch: chunks that are written in one piece, and the samples of them. Its chunks are its key.
public struct SpoolJob: Equatable, Sendable {
    /// The numbers of its first and of its last chunk.
    public struct Key: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// From 1 on.
        public let first: Int
        /// Not before `first`.
        public let last: Int
        /// Of chunks by their numbers.
        public init(_ first: Int, _ last: Int) { (self.first, self.last) = (first, last) }
        public static func < (a: Key, b: Key) -> Bool { (a.first, a.last) < (b.first, b.last) }
        public var description: String { "\(first)-\(last)" }
    }

    /// The way of a batch.
    public enum State: String, Sendable {
        /// There is no text of it yet.
        case waiting
        /// Its text is stored.
        case stored
        /// It was tried as often as a job is.
        case dead
    }

    /// Within its session it tells it from others.
    public let key: Key
    /// Samples of the session. A chunk in which one batch ends and the next begins belongs to both.
    public let samples: Range<Int64>
    /// How often it was tried in vain.
    public var tries = 0
    /// It waits from the beginning.
    public var state = State.waiting

    /// One that waits.
    public init(_ key: Key, samples: Range<Int64>) { (self.key, self.samples) = (key, samples) }
}

/// The way of a session's summary. Pure.
public struct SpoolDigest: Equatable, Sendable {
    /// As of a batch.
    public var state = SpoolJob.State.waiting
    /// How often it was tried in vain.
    public var tries = 0

    /// One that waits.
    public init() {}
}

/// A line of a session's index. Pure.
public enum SpoolLine: Equatable, Sendable {
    /// The first one: the name, and the media time in s of sample 0.
    case session(name: String, origin: Double)
    case chunk(SpoolChunk)
    case job(SpoolJob)
    /// All texts are there, and a summary of them is wanted.
    case digest(SpoolDigest)
    /// Nothing more is recorded.
    case ended

    /// Of the spool's form. Another one is left alone.
    public static let version = 1

    static let limits = JSONValue.Limits.standard

    /// As it stands in the file, with its line feed.
    public var bytes: [UInt8] {
        let members: [JSONValue.Member] =
            switch self {
            case .session(let name, let origin):
                [
                    .init("spool", .init(.integer(SpoolLine.version))), .init("session", .init(.string(name))),
                    .init("origin_s", .init(.number(origin.isFinite ? origin : 0))),
                ]
            case .chunk(let chunk):
                [
                    .init("chunk", .init(.integer(chunk.number))), .init("first", .init(.integer(Int(chunk.first)))),
                    .init("count", .init(.integer(chunk.count))), .init("hash", .init(.string(chunk.hash))),
                    .init("cut", .init(.integer(Int(chunk.cut)))), .init("state", .init(.string(chunk.state.rawValue))),
                ]
            case .job(let job):
                [
                    .init("job", .init(.array([.init(.integer(job.key.first)), .init(.integer(job.key.last))]))),
                    .init("from", .init(.integer(Int(job.samples.lowerBound)))),
                    .init("to", .init(.integer(Int(job.samples.upperBound)))),
                    .init("tries", .init(.integer(job.tries))), .init("state", .init(.string(job.state.rawValue))),
                ]
            case .digest(let digest):
                [
                    .init("summary", .init(.string(digest.state.rawValue))),
                    .init("tries", .init(.integer(digest.tries))),
                ]
            case .ended: [.init("state", .init(.string("ended")))]
            }
        return Array((JSONValue(.object(members)).line + "\n").utf8)
    }

    /// nil where it is none of these, or its numbers make no sense.
    public init?(_ value: JSONValue) {
        let state = value["state"]?.string ?? ""
        if let name = value["session"]?.string, value["spool"]?.integer == SpoolLine.version {
            self = .session(name: name, origin: value["origin_s"]?.number ?? 0)
        } else if let number = value["chunk"]?.integer {
            guard number > 0, let first = SpoolLine.place(value["first"]), let kind = SpoolChunk.State(rawValue: state),
                let count = value["count"]?.integer, 0...SpoolLine.mostSamples ~= count,
                let cut = SpoolLine.place(value["cut"])
            else { return nil }
            var chunk = SpoolChunk(number, first: first)
            (chunk.count, chunk.hash, chunk.state) = (count, value["hash"]?.string ?? "", kind)
            chunk.cut = min(max(cut, first), chunk.end)
            self = .chunk(chunk)
        } else if let key = value["job"]?.array {
            guard key.count == 2, let first = key[0].integer, let last = key[1].integer, 0 < first, first <= last,
                let from = SpoolLine.place(value["from"]), let to = SpoolLine.place(value["to"]), from <= to,
                let kind = SpoolJob.State(rawValue: state)
            else { return nil }
            var job = SpoolJob(.init(first, last), samples: from..<to)
            (job.tries, job.state) = (max(0, value["tries"]?.integer ?? 0), kind)
            self = .job(job)
        } else if let word = value["summary"]?.string, let kind = SpoolJob.State(rawValue: word) {
            var digest = SpoolDigest()
            (digest.state, digest.tries) = (kind, max(0, value["tries"]?.integer ?? 0))
            self = .digest(digest)
        } else if state == "ended" {
            self = .ended
        } else {
            return nil
        }
    }

    /// In a chunk: an hour.
    static let mostSamples = 3_600 * 16_000

    /// Up to a year.
    private static func place(_ value: JSONValue?) -> Int64? {
        guard let number = value?.integer, 0...504_576_000_000 ~= number else { return nil }
        return Int64(number)
    }
}
