import Sluice
import Testing

@testable import Spool

/// A session from its first sample to its last text, and what is left of it wherever its process is killed.
@Suite struct SpoolSessionTests {
    /// Samples that say which they are.
    private func samples(_ range: Range<Int>) -> [Int16] { range.map { Int16($0) } }

    /// Chunks of 100 samples, cut at their 80th, each in pieces of 25.
    private func record(_ session: SpoolSession, chunks: Range<Int>, silent: Set<Int> = []) throws {
        for number in chunks {
            try session.begin(at: Int64(number * 100))
            for piece in 0..<4 {
                try session.append(samples(number * 100 + piece * 25..<number * 100 + piece * 25 + 25))
            }
            try session.endChunk()?()
            try session.closed(cut: Int64(number * 100 + 80))
            try session.decide(isSilent: silent.contains(number))
        }
    }

    private func text(_ words: String) -> JSONValue { .init(.object([.init("text", .init(.string(words)))])) }

    /// Writes all that waits, each batch as its samples.
    private func deliver(_ session: SpoolSession, batch: Int = 2) throws {
        while try session.plan(of: batch) != nil {}
        for job in session.index.orderedJobs where job.state == .waiting {
            let audio = session.audio(of: job)()
            try session.store([text("\(audio.samples)")], of: job.key)
        }
    }

    /// The samples of all texts, in the order of the batches.
    private func stored(_ session: SpoolSession) throws -> [Int] {
        try session.readTexts().sorted { $0.key < $1.key }.flatMap { stored in
            stored.texts.flatMap { text in
                (text["text"]?.string ?? "").split { !$0.isNumber }.compactMap { Int($0) }
            }
        }
    }

    @Test func batchesEndInAPauseAndTheNextBeginsThere() throws {
        let disk = MemoryDisk()
        let session = try SpoolSession("talk", origin: 0, disk)
        try record(session, chunks: 0..<5)
        let first = try #require(try session.plan(of: 2))
        #expect(first.key == .init(1, 2) && first.samples == 0..<180)
        let second = try #require(try session.plan(of: 2))
        #expect(second.key == .init(2, 4) && second.samples == 180..<380)
        #expect(try session.plan(of: 2) == nil)
        try session.finish()
        let last = try #require(try session.plan(of: 2))
        #expect(last.key == .init(4, 5) && last.samples == 380..<500)
        #expect(session.audio(of: second)().samples == samples(180..<380))
        #expect(session.audio(of: second)().place(10) == 190)
        // A chunk that two batches share goes with the second of them.
        try session.store([text("a")], of: first.key)
        #expect(session.index.chunks[1]?.state == .gone && session.index.chunks[2]?.state == .whole)
        try session.store([text("b")], of: second.key)
        #expect(session.index.chunks[2]?.state == .gone)
        try session.store([text("c")], of: last.key)
        #expect(session.index.isDelivered && session.bytes == 0)
        #expect(!disk.files.keys.contains { $0.contains(".wav") })
    }

    @Test func chunksWithoutSpeechHaveATimeAndNoFile() throws {
        let disk = MemoryDisk()
        let session = try SpoolSession("talk", origin: 0, disk)
        try record(session, chunks: 0..<4, silent: [0, 2])
        #expect(disk.files.keys.filter { $0.hasSuffix(".wav") }.sorted() == ["talk/00000002.wav", "talk/00000004.wav"])
        try session.finish()
        let job = try #require(try session.plan(of: 10))
        let audio = session.audio(of: job)()
        #expect(audio.samples == samples(100..<200) + samples(300..<400))
        #expect(audio.place(0) == 100 && audio.place(99) == 199 && audio.place(100) == 300)
        // A session of silence alone needs nobody to write it.
        let quiet = try SpoolSession("quiet", origin: 0, disk)
        try record(quiet, chunks: 0..<2, silent: [0, 1])
        try quiet.finish()
        #expect(try quiet.plan(of: 10) == nil && quiet.index.isDelivered)
    }

    @Test func aTextIsStoredOnce() throws {
        let session = try SpoolSession("talk", origin: 0, MemoryDisk())
        try record(session, chunks: 0..<1)
        try session.finish()
        let job = try #require(try session.plan(of: 10))
        #expect(try session.store([text("a")], of: job.key))
        #expect(try !session.store([text("b")], of: job.key))
        #expect(try !session.store([text("b")], of: .init(7, 9)))
        #expect(try session.readTexts().map(\.texts) == [[text("a")]])
    }

    @Test func aNameThatIsThereGetsANumber() throws {
        let disk = MemoryDisk()
        let names = try (0..<3).map { _ in try SpoolSession("talk", origin: 0, disk).folder }
        #expect(names == ["talk", "talk.2", "talk.3"])
    }

    /// All that reached the disk is written, once, wherever the process is killed: in each of its calls, which is half
    /// done.
    @Test func aProcessThatIsKilledAtAnyMomentLosesNothingThatWasRecorded() throws {
        func run(_ disk: MemoryDisk, _ recorded: inout Int) throws {
            let session = try SpoolSession("talk", origin: 0, disk)
            for number in 0..<5 {
                try session.begin(at: Int64(number * 100))
                for piece in 0..<4 {
                    let first = number * 100 + piece * 25
                    try session.append(samples(first..<first + 25))
                    recorded = first + 25
                }
                try session.endChunk()?()
                try session.closed(cut: Int64(number * 100 + 80))
                try session.decide(isSilent: false)
                try deliver(session)
            }
            try session.finish()
            try deliver(session)
        }
        let whole = MemoryDisk()
        var all = 0
        try run(whole, &all)
        let calls = whole.state.withLock { $0.calls }
        #expect(calls > 60 && all == 500)
        for kill in 1...calls {
            let disk = MemoryDisk()
            disk.state.withLock { $0.left = kill }
            var recorded = 0
            #expect(throws: (any Error).self) { try run(disk, &recorded) }
            // The next one is killed too, in its recovery.
            let again = disk.restarted()
            again.state.withLock { $0.left = 1 + kill % 7 }
            if let session = try? SpoolSession(recovering: "talk", again) { try? deliver(session) }
            let last = again.restarted()
            do {
                let session = try SpoolSession(recovering: "talk", last)
                try deliver(session)
                let texts = try stored(session)
                #expect(texts == Array(0..<texts.count), "killed in call \(kill)")
                #expect(texts.count >= recorded && texts.count <= recorded + 25, "killed in call \(kill)")
                #expect(session.index.isDelivered && session.faults.isEmpty, "killed in call \(kill)")
            } catch SpoolSession.Fault.index(.empty) {
                #expect(recorded == 0)
            } catch SpoolSession.Fault.disk {
                #expect(recorded == 0)
            }
        }
    }

    @Test func aFullDiskCostsNothingThatIsThereAlready() throws {
        for most in stride(from: 200, through: 2_600, by: 100) {
            let disk = MemoryDisk()
            disk.state.withLock { $0.most = most }
            var appended: [Int16] = []
            let session = try? SpoolSession("talk", origin: 0, disk)
            for number in 0..<5 {
                guard let session, (try? session.begin(at: Int64(number * 100))) != nil else { continue }
                for piece in 0..<4 {
                    let new = samples(number * 100 + piece * 25..<number * 100 + piece * 25 + 25)
                    if (try? session.append(new)) != nil { appended += new } else { break }
                }
                _ = try? session.endChunk()?()
                _ = try? session.closed(cut: Int64(number * 100 + 80))
                _ = try? session.decide(isSilent: false)
            }
            // Room is made, and the process goes on.
            disk.state.withLock { $0.most = nil }
            guard let session else { continue }
            session.close()
            let next = try SpoolSession(recovering: "talk", disk.restarted())
            try deliver(next)
            #expect(try stored(next).map { Int16($0) } == appended, "\(most) bytes")
            #expect(next.index.damaged == 0)
        }
    }
}
