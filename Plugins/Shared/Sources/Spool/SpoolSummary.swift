import Sluice

/// The contents of a spool, for those who only look. Pure but for the disk, which it leaves as it is.
public struct SpoolSummary: Sendable {
    /// One directory.
    public struct Session: Sendable {
        /// Of the directory.
        public var name = ""
        /// Another process has it, which records or delivers.
        public var isInUse = false
        /// Nothing more is recorded.
        public var isEnded = false
        /// Chunks on the disk.
        public var chunks = 0
        /// Their audio in s.
        public var seconds = 0.0
        /// Batches that wait.
        public var waiting = 0
        /// Batches whose text is stored.
        public var stored = 0
        /// Batches that are not tried again.
        public var dead: [Dead] = []
        /// The summary, where one is wanted.
        public var digest: SpoolDigest?
        /// It cannot be read: a sentence's middle.
        public var fault: String?

        /// Nothing of it lacks its text.
        public var isDelivered: Bool {
            fault == nil && chunks == 0 && waiting == 0 && dead.isEmpty && digest.map { $0.state == .stored } ?? true
        }
    }

    /// A batch that was tried as often as one is.
    public struct Dead: Sendable {
        /// As the index has it.
        public let job: SpoolJob
        /// The middle of a sentence.
        public let why: String
    }

    /// By their names.
    public private(set) var sessions: [Session] = []

    /// Nothing lacks its text.
    public var isDelivered: Bool { sessions.allSatisfy(\.isDelivered) }

    /// Throws `DiskFault` where the directory cannot be read.
    public init(_ disk: any SpoolDisk) throws {
        for name in try SpoolSummary.names(disk) { sessions.append(SpoolSummary.session(name, disk)) }
    }

    /// Of the directories that hold a session, sorted. Throws `DiskFault`.
    public static func names(_ disk: any SpoolDisk) throws -> [String] {
        try disk.names(in: "").filter { disk.size("\($0)/\(SpoolSession.indexName)") != nil }.sorted()
    }

    private static func session(_ name: String, _ disk: any SpoolDisk) -> Session {
        var session = Session()
        session.name = name
        do {
            if try disk.lock("\(name)/lock") { disk.unlock("\(name)/lock") } else { session.isInUse = true }
            let index = try SpoolIndex(try disk.read("\(name)/\(SpoolSession.indexName)", most: 64 << 20))
            (session.isEnded, session.digest) = (index.isEnded, index.digest)
            for chunk in index.chunks.values where [.open, .whole].contains(chunk.state) {
                let digits = String(chunk.number)
                let stem = "\(name)/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".wav"
                guard let size = disk.size(stem) ?? disk.size(stem + ".part"), size > WaveHeader.size else { continue }
                session.chunks += 1
                session.seconds += Double(size - WaveHeader.size) / 2 / Double(SpoolSession.rate)
            }
            for job in index.orderedJobs {
                switch job.state {
                case .waiting: session.waiting += 1
                case .stored: session.stored += 1
                case .dead:
                    let path = "\(name)/\(SpoolSession.deadName)/\(job.key).json"
                    let value = (try? disk.read(path, most: 1 << 16)).flatMap {
                        try? JSONValue.parse(Array($0.prefix { $0 != UInt8(ascii: "\n") }), limits: SpoolLine.limits)
                    }
                    session.dead.append(Dead(job: job, why: value?["why"]?.string ?? ""))
                }
            }
        } catch let fault as SpoolIndex.Fault {
            session.fault = fault.words
        } catch {
            session.fault = "\(error)"
        }
        return session
    }
}

extension SpoolIndex.Fault {
    /// The middle of a sentence.
    public var words: String {
        switch self {
        case .empty: "its index has no first line"
        case .version(let number?): "it is of version \(number), and this is \(SpoolLine.version)"
        case .version(nil): "its index is of no known form"
        }
    }
}
