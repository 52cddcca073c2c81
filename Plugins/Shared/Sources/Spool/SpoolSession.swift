import Sluice

/// One session of a spool: a directory with an index of lines, the chunks that have no text yet, and the texts.
///
///     SPOOL/SESSION/index.jsonl       what there is, by appended lines
///                   00000003.wav      a chunk, `.part` while it is written
///                   texts.jsonl       a line a batch: its key, its texts
///                   dead/1-10.json    a batch that was tried as often as one is
///
/// At any moment the process may be killed. A chunk is told in the index before its file is made, its audio is appended
/// as it comes, and its end is a sync and a rename; texts are stored, by their batch, before its chunks are removed one
/// after the other. So what a killed process leaves is found again by `init(recovering:)`, and a batch whose text was
/// stored is not written twice. One thread at a time. The system's calls throw `DiskFault`.
public final class SpoolSession {
    /// Why one cannot be taken.
    public enum Fault: Error, Equatable, Sendable {
        case index(SpoolIndex.Fault)
        case disk(DiskFault)
        /// Another process has it.
        case taken
    }

    static let indexName = "index.jsonl"
    static let textsName = "texts.jsonl"
    static let deadName = "dead"
    static let digestName = "summary.txt"
    private static let mostIndex = 64 << 20
    private static let mostTexts = 256 << 20

    /// The directory's name.
    public let folder: String
    /// All that is known of it.
    public private(set) var index: SpoolIndex
    /// Rises with each change of what is known of chunks and batches.
    public private(set) var revision = 0
    /// Of chunks that are on the disk.
    public private(set) var bytes = 0
    /// Sentences about what a recovery has found.
    public private(set) var faults: [String] = []
    /// Its process had ended well, with all texts.
    public private(set) var wasDelivered = false
    /// Texts that are stored.
    public private(set) var textCount = 0

    private let disk: any SpoolDisk
    private var hash = SpoolHash()
    private var current: Int?
    /// Closed, and perhaps silent.
    private var undecided: Int?

    // MARK: Beginning

    /// A new one in a directory of its own: `name`, or `name.2` where that is there already. Throws `DiskFault`.
    public init(_ name: String, origin: Double, _ disk: any SpoolDisk) throws {
        let taken = Set(try disk.names(in: ""))
        var folder = name
        var number = 1
        while taken.contains(folder) {
            number += 1
            folder = "\(name).\(number)"
        }
        (self.folder, self.disk) = (folder, disk)
        index = SpoolIndex(name: folder, origin: origin)
        try disk.makeFolder(folder)
        _ = try disk.lock(path("lock"))
        try note(.session(name: folder, origin: origin))
        try disk.sync(path(SpoolSession.indexName))
    }

    /// One that another process has left. Nothing more is recorded of it. Throws `Fault`.
    public init(recovering folder: String, _ disk: any SpoolDisk) throws(Fault) {
        (self.folder, self.disk) = (folder, disk)
        do {
            guard try disk.lock("\(folder)/lock") else { throw Fault.taken }
            index = try SpoolIndex(
                try disk.read("\(folder)/\(SpoolSession.indexName)", most: SpoolSession.mostIndex))
            try recover()
        } catch let fault as SpoolIndex.Fault {
            disk.unlock("\(folder)/lock")
            throw .index(fault)
        } catch let fault as DiskFault {
            disk.unlock("\(folder)/lock")
            throw .disk(fault)
        } catch {
            throw .taken
        }
    }

    /// Others may have it.
    public func close() { disk.unlock(path("lock")) }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func file(_ number: Int, isOpen: Bool = false) -> String {
        let digits = String(number)
        return path(
            String(repeating: "0", count: max(0, 8 - digits.count)) + digits + (isOpen ? ".wav.part" : ".wav"))
    }

    /// Half a line would spoil the next one.
    private func note(_ line: SpoolLine) throws {
        let name = path(SpoolSession.indexName)
        do { try disk.append(line.bytes, to: name) } catch {
            try? disk.cut(name, to: index.size)
            throw error
        }
        index.take(line, written: true)
        revision += 1
    }

    private func recover() throws {
        if index.damaged > 0 { faults.append("\(index.damaged) lines of its index make no sense and are left out") }
        if let size = disk.size(path(SpoolSession.indexName)), size > index.size {
            try disk.cut(path(SpoolSession.indexName), to: index.size)
        }
        for var chunk in index.orderedChunks where chunk.state == .open { try recover(&chunk) }
        let wasEnded = index.isEnded
        if !wasEnded { try note(.ended) }
        let stored = Set(try readTexts().map(\.key))
        for var job in index.orderedJobs where stored.contains(job.key) && job.state != .stored {
            job.state = .stored
            try note(.job(job))
        }
        for chunk in index.orderedChunks where chunk.state == .whole {
            bytes += disk.size(file(chunk.number)) ?? 0
        }
        try sweep()
        if var digest = index.digest, digest.state != .stored, disk.size(path(SpoolSession.digestName)) != nil {
            digest.state = .stored
            try note(.digest(digest))
        }
        wasDelivered = wasEnded && index.isDelivered
    }

    /// It was being written: what is there of it is all of it.
    private func recover(_ chunk: inout SpoolChunk) throws {
        let (part, whole) = (file(chunk.number, isOpen: true), file(chunk.number))
        let isRenamed = disk.size(whole) != nil
        let samples = max(0, (disk.size(isRenamed ? whole : part) ?? 0) - WaveHeader.size) / 2
        guard samples > 0 else {
            try disk.remove(part)
            chunk.state = .gone
            return try note(.chunk(chunk))
        }
        if !isRenamed {
            try disk.cut(part, to: WaveHeader.size + samples * 2)
            try disk.write(WaveHeader.bytes(samples: samples, rate: SpoolSession.rate), to: part, at: 0)
            try disk.sync(part)
            try disk.rename(part, to: whole)
        }
        var hash = SpoolHash()
        hash.take(try disk.read(whole, most: WaveHeader.size + samples * 2).dropFirst(WaveHeader.size))
        (chunk.count, chunk.hash, chunk.state) = (min(samples, SpoolLine.mostSamples), hash.text, .whole)
        chunk.cut = chunk.end
        try note(.chunk(chunk))
    }

    /// Samples a second of all chunks.
    public static let rate = 16_000

    // MARK: Audio

    /// A chunk begins, at that sample of the session. Throws `DiskFault`.
    public func begin(at first: Int64) throws {
        let chunk = SpoolChunk(index.lastNumber + 1, first: first)
        try note(.chunk(chunk))
        try disk.append(
            WaveHeader.bytes(samples: 0, rate: SpoolSession.rate), to: file(chunk.number, isOpen: true))
        (current, hash) = (chunk.number, SpoolHash())
        bytes += WaveHeader.size
    }

    /// The samples that come next. Throws `DiskFault`; then none of them is in it.
    public func append(_ samples: [Int16]) throws {
        guard let current, var chunk = index.chunks[current] else { return }
        let (name, new) = (file(current, isOpen: true), WaveHeader.bytes(samples))
        do { try disk.append(new, to: name) } catch {
            try? disk.cut(name, to: WaveHeader.size + chunk.count * 2)
            throw error
        }
        hash.take(new)
        bytes += new.count
        chunk.count += samples.count
        // The index on the disk has its length when it is whole.
        index.take(.chunk(chunk))
    }

    /// The chunk is over. `cut` is its pause, a sample of the session. Gives what makes it safe, which may take
    /// seconds and may run on another thread, before `closed`.
    public func endChunk() -> (@Sendable () throws -> Void)? {
        guard let current, let chunk = index.chunks[current] else { return nil }
        self.current = nil
        let (disk, part, whole) = (disk, file(current, isOpen: true), file(current))
        let header = WaveHeader.bytes(samples: chunk.count, rate: SpoolSession.rate)
        closing = (chunk, hash.text)
        return {
            // It may be asked twice.
            guard disk.size(whole) == nil else { return try disk.sync(whole) }
            try disk.write(header, to: part, at: 0)
            try disk.sync(part)
            try disk.rename(part, to: whole)
            try disk.sync(whole)
        }
    }

    private var closing: (chunk: SpoolChunk, hash: String)?
    /// Of the one that is being made safe.
    private var decision: Bool?

    /// A chunk is being made safe: the next may be written, and not be ended.
    public var isClosing: Bool { closing != nil }

    /// The sample behind the last one of the chunk that is being written; nil where none is.
    public var end: Int64? { current.flatMap { index.chunks[$0]?.end } }

    /// Samples of it.
    public var length: Int { current.flatMap { index.chunks[$0]?.count } ?? 0 }

    /// It is safe. Throws `DiskFault`.
    public func closed(cut: Int64) throws {
        guard var (chunk, hash) = closing else { return }
        (chunk.hash, chunk.state, chunk.cut) = (hash, .whole, min(max(cut, chunk.first), chunk.end))
        try note(.chunk(chunk))
        closing = nil
        undecided = chunk.number
        if let decision { try decide(isSilent: decision) }
    }

    /// Of the chunk that was closed last. One that nobody speaks in keeps its time and no file. Throws `DiskFault`.
    public func decide(isSilent: Bool) throws {
        guard closing == nil else {
            decision = isSilent
            return
        }
        guard let number = undecided, var chunk = index.chunks[number] else { return }
        (undecided, decision) = (nil, nil)
        revision += 1
        guard isSilent else { return }
        chunk.state = .silent
        try note(.chunk(chunk))
        try remove(chunk)
    }

    /// Nothing more comes. Throws `DiskFault`.
    public func finish() throws {
        undecided = nil
        revision += 1
        if !index.isEnded { try note(.ended) }
        try disk.sync(path(SpoolSession.indexName))
    }

    // MARK: Batches

    /// The next batch of `size` chunks, from now on one that waits. Throws `DiskFault`.
    public func plan(of size: Int) throws -> SpoolJob? {
        while let job = index.nextJob(of: size, undecided: undecided) {
            guard index.chunks(of: job).isEmpty else {
                try note(.job(job))
                return job
            }
            // Nobody speaks in it.
            var done = job
            done.state = .stored
            try note(.job(done))
        }
        return nil
    }

    /// Where its audio lies.
    public func parts(of job: SpoolJob) -> [SpoolAudio.Part] {
        index.chunks(of: job).map { .init(path: file($0.number), chunk: $0, samples: job.samples) }
    }

    /// Reads and joins it, which may take a second: on any thread.
    public func audio(of job: SpoolJob) -> @Sendable () -> SpoolAudio {
        let (parts, disk) = (parts(of: job), disk)
        return { SpoolAudio(parts, disk) }
    }

    /// Stores the texts of a batch, each an object, once; then its chunks are removed. False where they are stored
    /// already. Throws `DiskFault`: then they may be stored.
    @discardableResult
    public func store(_ texts: [JSONValue], of key: SpoolJob.Key) throws -> Bool {
        guard var job = index.jobs[key], job.state != .stored else { return false }
        let line = JSONValue(
            .object([
                .init("job", .init(.array([.init(.integer(key.first)), .init(.integer(key.last))]))),
                .init("texts", .init(.array(texts))),
            ])
        ).line
        let name = path(SpoolSession.textsName)
        let size = disk.size(name) ?? 0
        do {
            try disk.append(Array((line + "\n").utf8), to: name)
            try disk.sync(name)
        } catch {
            try? disk.cut(name, to: size)
            throw error
        }
        textCount += texts.count
        job.state = .stored
        try note(.job(job))
        try sweep()
        return true
    }

    /// It was tried once more. Throws `DiskFault`.
    public func tried(_ key: SpoolJob.Key) throws {
        guard var job = index.jobs[key], job.state == .waiting else { return }
        job.tries += 1
        try note(.job(job))
    }

    /// It is not tried again. `why` is the middle of a sentence. Throws `DiskFault`.
    public func bury(_ key: SpoolJob.Key, _ why: String) throws {
        guard var job = index.jobs[key], job.state == .waiting else { return }
        try disk.makeFolder(path(SpoolSession.deadName))
        let words = JSONValue(
            .object([
                .init("job", .init(.array([.init(.integer(key.first)), .init(.integer(key.last))]))),
                .init("tries", .init(.integer(job.tries))), .init("why", .init(.string(why))),
            ]))
        try disk.append(Array((words.line + "\n").utf8), to: path("\(SpoolSession.deadName)/\(key).json"))
        job.state = .dead
        try note(.job(job))
    }

    // MARK: Summary

    /// A summary is wanted: from now on the session waits for it too. Throws `DiskFault`.
    public func wantDigest() throws {
        if index.digest == nil { try note(.digest(SpoolDigest())) }
    }

    /// Stores it in `summary.txt`, once. Throws `DiskFault`.
    public func storeDigest(_ text: String) throws {
        guard var digest = index.digest, digest.state != .stored else { return }
        let (part, whole) = (path(SpoolSession.digestName + ".part"), path(SpoolSession.digestName))
        try disk.remove(part)
        try disk.append(Array(text.utf8), to: part)
        try disk.sync(part)
        try disk.rename(part, to: whole)
        digest.state = .stored
        try note(.digest(digest))
    }

    /// It was tried once more. Throws `DiskFault`.
    public func triedDigest() throws {
        guard var digest = index.digest, digest.state == .waiting else { return }
        digest.tries += 1
        try note(.digest(digest))
    }

    /// It is not tried again. `why` is the middle of a sentence. Throws `DiskFault`.
    public func buryDigest(_ why: String) throws {
        guard var digest = index.digest, digest.state == .waiting else { return }
        try disk.makeFolder(path(SpoolSession.deadName))
        let words = JSONValue(
            .object([.init("tries", .init(.integer(digest.tries))), .init("why", .init(.string(why)))]))
        try disk.append(Array((words.line + "\n").utf8), to: path("\(SpoolSession.deadName)/summary.json"))
        digest.state = .dead
        try note(.digest(digest))
    }

    // MARK: Once more

    /// Those that are dead wait again, a summary too. Their number. Throws `DiskFault`.
    public func revive() throws -> Int {
        let dead = index.orderedJobs.filter { $0.state == .dead }
        if index.digest?.state == .dead {
            try note(.digest(SpoolDigest()))
            try disk.remove(path("\(SpoolSession.deadName)/summary.json"))
            return try 1 + revive()
        }
        for var job in dead {
            (job.state, job.tries) = (.waiting, 0)
            try note(.job(job))
            try disk.remove(path("\(SpoolSession.deadName)/\(job.key).json"))
        }
        return dead.count
    }

    /// All that is stored, in the order in which it was. Cuts off a line that was not written to its end. Throws
    /// `DiskFault`.
    public func readTexts() throws -> [(key: SpoolJob.Key, texts: [JSONValue])] {
        let name = path(SpoolSession.textsName)
        guard disk.size(name) != nil else { return [] }
        let bytes = try disk.read(name, most: SpoolSession.mostTexts)
        var found: [(SpoolJob.Key, [JSONValue])] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let value = try? JSONValue.parse(Array(bytes[start..<end]), limits: SpoolSession.textLimits)
            start = end + 1
            guard let key = value?["job"]?.array, key.count == 2, let first = key[0].integer,
                let last = key[1].integer, let texts = value?["texts"]?.array
            else { continue }
            found.append((.init(first, last), texts))
        }
        if start < bytes.count { try disk.cut(name, to: start) }
        textCount = found.reduce(0) { $0 + $1.1.count }
        return found
    }

    private static let textLimits = JSONValue.Limits.standard

    private func sweep() throws {
        for chunk in index.orderedChunks where chunk.state == .whole && index.isDone(chunk) {
            var chunk = chunk
            // The file first: a chunk without one, whose text is stored, is gone.
            try remove(chunk)
            chunk.state = .gone
            try note(.chunk(chunk))
        }
    }

    private func remove(_ chunk: SpoolChunk) throws {
        let size = disk.size(file(chunk.number)) ?? 0
        try disk.remove(file(chunk.number))
        bytes = max(0, bytes - size)
    }
}
