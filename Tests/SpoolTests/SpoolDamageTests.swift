import Sluice
import Testing

@testable import Spool

/// A spool that others have damaged, or that another version has written: nothing crashes, and each thing is told.
@Suite struct SpoolDamageTests {
    private func left(chunks: Int = 2) throws -> MemoryDisk {
        let disk = MemoryDisk()
        let session = try SpoolSession("talk", origin: 2.5, disk)
        for number in 0..<chunks {
            try session.begin(at: Int64(number * 1_600))
            try session.append([Int16](repeating: Int16(number + 1), count: 1_600))
            try session.endChunk()?()
            try session.closed(cut: Int64(number * 1_600 + 800))
        }
        return disk.restarted()
    }

    private func recovered(_ disk: MemoryDisk) throws -> (session: SpoolSession, audio: SpoolAudio) {
        let session = try SpoolSession(recovering: "talk", disk)
        let job = try session.plan(of: 10) ?? session.index.orderedJobs.first
        return (session, job.map { session.audio(of: $0)() } ?? SpoolAudio())
    }

    @Test func whatIsLeftIsWhole() throws {
        let (session, audio) = try recovered(left())
        #expect(audio.samples.count == 3_200 && audio.faults.isEmpty && session.index.origin == 2.5)
        #expect(session.index.isEnded && !session.wasDelivered)
    }

    @Test func anIndexThatIsCutInMidLineLosesThatLineAlone() throws {
        let whole = try left()
        let bytes = whole.files["talk/index.jsonl"] ?? []
        let first = (bytes.firstIndex(of: 10) ?? 0) + 1
        for size in first..<bytes.count {
            let disk = try left()
            disk.files["talk/index.jsonl"] = Array(bytes.prefix(size))
            // A chunk whose end is not told is as long as its file.
            let (session, audio) = try recovered(disk)
            #expect(session.faults.isEmpty && audio.faults.isEmpty)
            let told = session.index.chunks.values.filter { $0.state == .whole }.count
            #expect(audio.samples.count == 1_600 * told, "cut after \(size) bytes")
            // It is a spool again.
            #expect(throws: Never.self) { try SpoolIndex(disk.files["talk/index.jsonl"] ?? []) }
        }
    }

    @Test func linesThatMakeNoSenseAreLeftOutAndTold() throws {
        let disk = try left()
        let lines = #"""
            {"chunk": -1, "state": "whole"}
            {"chunk": 9, "first": 0, "count": 99999999999, "hash": "", "cut": 0, "state": "whole"}
            {"job": [5, 2], "from": 0, "to": 1, "tries": 0, "state": "waiting"}
            {"job": [1, 2], "from": 9, "to": 1, "tries": 0, "state": "waiting"}
            no JSON

            """#
        disk.files["talk/index.jsonl", default: []] += Array(lines.utf8)
        let (session, audio) = try recovered(disk)
        #expect(session.faults == ["5 lines of its index make no sense and are left out"])
        #expect(audio.samples.count == 3_200)
    }

    @Test func aMissingChunkLeavesItsTimeAndIsTold() throws {
        let disk = try left()
        disk.files["talk/00000001.wav"] = nil
        let (_, audio) = try recovered(disk)
        #expect(audio.samples == [Int16](repeating: 2, count: 1_600) && audio.place(0) == 1_600)
        #expect(audio.faults == ["chunk 1 is missing: its 0.1 s stay unwritten"])
    }

    @Test func aChunkThatIsLongerOrShorterOrOtherThanTheIndexSaysIsTold() throws {
        for (change, samples, words) in [
            ({ (file: inout [UInt8]) in file += [1, 2, 3] }, 3_200, "longer than the index says"),
            ({ file in file.removeLast(320) }, 3_040, "shorter than the index says: 0.0 s"),
            ({ file in file[100] ^= 1 }, 3_200, "is not as it was written"),
        ] {
            let disk = try left()
            change(&disk.files["talk/00000001.wav", default: []])
            let (_, audio) = try recovered(disk)
            #expect(audio.samples.count == samples && audio.faults.count == 1 && audio.faults[0].contains(words))
            // The next one has its own time.
            #expect(audio.place(audio.samples.count - 1) == 3_199)
        }
    }

    @Test func aHeaderThatLiesAboutItsLengthIsNotAsked() throws {
        let disk = try left()
        for index in 40..<44 { disk.files["talk/00000001.wav", default: []][index] = 0xff }
        let (_, audio) = try recovered(disk)
        #expect(audio.samples.count == 3_200 && audio.faults.isEmpty)
    }

    @Test(arguments: [
        (#"{"spool": 2, "session": "talk"}"#, "it is of version 2, and this is 1"),
        (#"{"anything": 1}"#, "its index is of no known form"), ("RIFF", "its index is of no known form"),
    ])
    func anotherVersionIsLeftAsItIs(line: String, words: String) throws {
        let disk = try left()
        let before = Array("\(line)\n".utf8)
        disk.files["talk/index.jsonl"] = before
        do {
            _ = try SpoolSession(recovering: "talk", disk)
            Issue.record("it was read")
        } catch SpoolSession.Fault.index(let fault) {
            #expect(fault.words == words)
        }
        #expect(disk.files["talk/index.jsonl"] == before && disk.files["talk/00000001.wav"] != nil)
        #expect(try SpoolSummary(disk).sessions.first?.fault == words)
        #expect(try !SpoolSummary(disk).isDelivered)
    }

    @Test func aTextThatWasNotWrittenToItsEndIsWrittenAnew() throws {
        let disk = try left()
        let (session, _) = try recovered(disk)
        let key = SpoolJob.Key(1, 2)
        try session.store([.init(.object([.init("text", .init(.string("words")))]))], of: key)
        let whole = disk.files["talk/texts.jsonl"] ?? []
        // As it was before the text: its line, half of it.
        let next = try left()
        next.files["talk/texts.jsonl"] = Array(whole.prefix(whole.count / 2))
        let (again, audio) = try recovered(next)
        #expect(audio.samples.count == 3_200 && next.files["talk/texts.jsonl"] == [])
        #expect(try again.store([], of: key))
        // The text was stored and the index was not told: it is not written twice.
        let last = try left()
        let (before, _) = try recovered(last)
        #expect(before.index.jobs[key]?.state == .waiting)
        let told = last.restarted()
        told.files["talk/texts.jsonl"] = whole
        let stored = try SpoolSession(recovering: "talk", told)
        #expect(stored.index.jobs[key]?.state == .stored && stored.index.isDelivered)
    }

    @Test func whatADeadBatchIsIsSeenAndItMayWaitAgain() throws {
        let disk = try left()
        let (session, _) = try recovered(disk)
        let key = SpoolJob.Key(1, 2)
        for _ in 0..<8 { try session.tried(key) }
        try session.bury(key, "the server refuses the request (400)")
        #expect(disk.files["talk/dead/1-2.json"] != nil && disk.files["talk/00000001.wav"] != nil)
        var summary = try #require(try SpoolSummary(disk).sessions.first)
        #expect(summary.isInUse && !summary.isDelivered && summary.dead.first?.why.hasSuffix("(400)") == true)
        #expect(summary.dead.first?.job.tries == 8 && summary.chunks == 2)
        #expect(try session.revive() == 1)
        summary = try #require(try SpoolSummary(disk).sessions.first)
        #expect(summary.dead.isEmpty && summary.waiting == 1 && disk.files["talk/dead/1-2.json"] == nil)
        try session.store([], of: key)
        session.close()
        summary = try #require(try SpoolSummary(disk).sessions.first)
        #expect(summary.isDelivered && !summary.isInUse && summary.stored == 1)
    }

    @Test func aSummaryIsStoredOnceAndADeadOneMayWaitAgain() throws {
        let disk = try left()
        let (session, _) = try recovered(disk)
        try session.store([], of: .init(1, 2))
        #expect(session.index.isDelivered)
        try session.wantDigest()
        #expect(!session.index.isDelivered && session.index.isWritten)
        for _ in 0..<8 { try session.triedDigest() }
        try session.buryDigest("the server does not sum up (400)")
        #expect(try SpoolSummary(disk).sessions.first?.digest?.state == .dead && !SpoolSummary(disk).isDelivered)
        #expect(try session.revive() == 1 && session.index.digest == SpoolDigest())
        try session.storeDigest("short")
        try session.storeDigest("other")
        #expect(disk.files["talk/summary.txt"] == Array("short".utf8) && session.index.isDelivered)
        // It was stored, and the index was not told.
        let killed = disk.restarted()
        let lines = killed.files["talk/index.jsonl"] ?? []
        killed.files["talk/index.jsonl"] =
            Array(
                String(decoding: lines, as: UTF8.self).split(separator: "\n").dropLast().joined(separator: "\n").utf8)
            + [10]
        #expect(try SpoolSession(recovering: "talk", killed).index.digest?.state == .stored)
    }

    @Test func oneThatAnotherProcessHasIsLeftToIt() throws {
        let disk = MemoryDisk()
        let session = try SpoolSession("talk", origin: 0, disk)
        #expect(throws: SpoolSession.Fault.taken) { try SpoolSession(recovering: "talk", disk) }
        session.close()
        #expect(throws: Never.self) { try SpoolSession(recovering: "talk", disk) }
    }
}
