import Sluice
import Spool

/// The sessions of a spool whose texts are being made: what is planned, asked for, stored, and told. One lane only.
final class SpoolDelivery {
    private struct Unstored {
        let id: BatchSchedule.ID
        let texts: [Transcript]
    }

    /// Of the chunks of a session that are closed and have no text, and of its dead batches.
    private struct Sums {
        var revision = 0
        var chunks = 0
        var samples = 0
        var dead = 0
    }

    private let context: NodeContext
    private let metrics: BatchMetrics
    private let template: Transcript
    private let writer: any BatchWriter
    /// Chunks of a batch.
    private let batch: Int
    private let place: String
    private var sessions: [SpoolSession] = []
    private(set) var schedule: BatchSchedule
    /// Texts whose storing failed.
    private var unstored: [Unstored] = []
    private var due: Instant?
    private var began: [BatchSchedule.ID: Instant] = [:]
    private var hasToldDisk = false
    /// The revisions of sessions at which nothing more could be planned.
    private var planned: [Int: Int] = [:]
    /// The sums of sessions, each as it was at a revision.
    private var seen: [Int: Sums] = [:]
    /// Texts for the nodes behind.
    private(set) var news: [DataItem] = []
    /// When something was stored last.
    private(set) var lastStored: Instant?
    /// Where summaries are wanted.
    var digests: SpoolDigests?
    /// Batches that were given to the writer, and the end of whose recording is known.
    var endOf: (Int) -> Instant? = { _ in nil }

    /// `place` is the spool as messages name it.
    init(
        _ context: NodeContext, _ metrics: BatchMetrics, _ template: Transcript, _ writer: any BatchWriter,
        batch: Int, concurrency: Int, place: String
    ) {
        (self.context, self.metrics, self.template, self.writer) = (context, metrics, template, writer)
        (self.batch, self.place) = (batch, place)
        schedule = BatchSchedule(most: concurrency)
    }

    var bytes: Int { sessions.reduce(0) { $0 + $1.bytes } }
    var isEmpty: Bool { schedule.isEmpty && unstored.isEmpty && digests?.isEmpty ?? true }
    var wake: Instant { min(schedule.wake, due ?? .distantFuture, digests?.wake ?? .distantFuture) }
    /// Nothing goes on: a server, or the disk, is waited for.
    func isHeld(_ now: Instant) -> Bool { schedule.isIdle && digests?.isIdle ?? true && wake > now }

    // MARK: Sessions

    /// Finds what others have left, those that have it not yet.
    func recover(_ disk: any SpoolDisk) throws {
        for name in try SpoolSummary.names(disk) {
            do {
                let session = try SpoolSession(recovering: name, disk)
                for fault in session.faults { context.log(.warning, "session \(name): \(fault)") }
                guard !session.wasDelivered else {
                    session.close()
                    continue
                }
                let count = sessions.count
                sessions.append(session)
                for stored in try session.readTexts() { tell(stored.texts) }
                for job in session.index.orderedJobs where job.state == .waiting {
                    schedule.add(.init(session: count, key: job.key), tries: job.tries)
                }
                let dead = session.index.orderedJobs.filter { $0.state == .dead }.count
                let again = dead > 0 ? "; \(dead) dead batches stay so until sluice spool --retry" : ""
                context.log(.info, "session \(name) was left in the spool and is delivered now\(again)")
            } catch SpoolSession.Fault.taken {
                continue
            } catch SpoolSession.Fault.index(let fault) {
                context.log(.warning, "session \(name) is left as it is: \(fault.words)")
            } catch SpoolSession.Fault.disk(let fault) {
                context.log(.warning, "session \(name) is left as it is: \(fault.words)")
            }
        }
    }

    func add(_ session: SpoolSession) {
        guard !sessions.contains(where: { $0 === session }) else { return }
        sessions.append(session)
    }

    func close() {
        writer.close()
        digests?.close()
        for session in sessions { session.close() }
        sessions = []
    }

    func nextText() -> DataItem? { news.isEmpty ? nil : news.removeFirst() }

    // MARK: Batches

    func step(_ now: Instant) {
        for answer in writer.take() { take(answer, now) }
        if due.map({ $0 <= now }) ?? true {
            due = nil
            let again = unstored
            unstored = []
            for one in again { store(one, now) }
            for (number, session) in sessions.enumerated() where planned[number] != session.revision {
                plan(session, number, now)
            }
        }
        while let id = schedule.next(now) {
            guard sessions.indices.contains(id.session), let job = sessions[id.session].index.jobs[id.key] else {
                _ = schedule.written(id)
                continue
            }
            began[id] = now
            writer.start(id, sessions[id.session].audio(of: job))
            // The engine in virtual time has the answer at once.
            for answer in writer.take() { take(answer, now) }
        }
        digests?.step(sessions, now)
        note()
    }

    private func plan(_ session: SpoolSession, _ number: Int, _ now: Instant) {
        do {
            while let job = try session.plan(of: batch) {
                schedule.add(.init(session: number, key: job.key), tries: 0)
            }
            planned[number] = session.revision
        } catch { tellDisk(error, now) }
    }

    private func take(_ answer: BatchAnswer, _ now: Instant) {
        let id = answer.id
        let session = sessions[id.session]
        let took = began.removeValue(forKey: id).map { now - $0 } ?? .zero
        for fault in answer.audio.faults { context.log(.warning, "session \(session.folder): \(fault)") }
        let chance = context.isVirtual ? 1 : Double.random(in: 0...1)
        switch answer.outcome {
        case .written(let parts):
            metrics.engine.add(Int(took.milliseconds))
            metrics.written.add(answer.audio.samples.count / 16)
            let texts = texts(parts, answer.audio, session)
            if schedule.written(id) { context.log(.info, "\(writer.name) answers again") }
            store(Unstored(id: id, texts: texts), now)
        case .unreachable(let why, let wish):
            guard schedule.unreachable(id, wish: wish, now, chance: chance) else { return }
            context.log(
                .warning, "\(writer.name) \(why): speech stays in the spool \"\(place)\" until it answers")
        case .failed(let why, let wish, let isFinal):
            metrics.retries.add()
            do { try session.tried(id.key) } catch { tellDisk(error, now) }
            guard schedule.failed(id, wish: wish, isFinal: isFinal, now, chance: chance) else { return }
            do { try session.bury(id.key, "\(writer.name) \(why)") } catch { tellDisk(error, now) }
            context.log(
                .error,
                "batch \(id.key) of session \(session.folder) is dead after \(BatchSchedule.tries) tries: "
                    + "\(writer.name) \(why); its audio stays, and sluice spool \(place) --retry lets it wait again")
        }
    }

    private func texts(_ parts: [(sample: Int, Written)], _ audio: SpoolAudio, _ session: SpoolSession) -> [Transcript]
    {
        var template = template
        (template.session, template.provider, template.revision) = (session.folder, writer.name, 1)
        let origin = session.index.origin
        return parts.flatMap { sample, written in
            BatchTexts.of(written, template) { seconds in
                let within = sample + Int((seconds * Double(SpeechSamples.rate)).rounded())
                return origin + Double(audio.place(within)) / Double(SpeechSamples.rate)
            }
        }
    }

    private func store(_ one: Unstored, _ now: Instant) {
        let session = sessions[one.id.session]
        let fields = one.texts.enumerated().map { index, text in
            var text = text
            text.id = session.textCount + index + 1
            return JSONValue(.object(text.item.fields))
        }
        do {
            let end = session.index.jobs[one.id.key].flatMap { endOf($0.key.last) }
            guard try session.store(fields, of: one.id.key) else { return }
            metrics.stored.add()
            metrics.texts.add(fields.count)
            if let end { metrics.delay.record(Int((now - end).milliseconds)) }
            lastStored = now
            tell(fields)
        } catch {
            // Stored already where only what follows has failed.
            if session.index.jobs[one.id.key]?.state == .stored {
                lastStored = now
                tell(fields)
            } else {
                unstored.append(one)
            }
            tellDisk(error, now)
        }
    }

    private func tell(_ texts: [JSONValue]) {
        for text in texts {
            guard let fields = text.members else { continue }
            let item = DataItem(
                format: Transcript.format, at: .seconds(text["start_s"]?.number ?? 0), fields: fields)
            // One of another version may lack what a text has.
            if Transcript(item) != nil { news.append(item) }
        }
    }

    private func tellDisk(_ error: any Error, _ now: Instant) {
        due = now + .seconds(1)
        guard !hasToldDisk else { return }
        hasToldDisk = true
        context.log(
            .warning, "the spool cannot be written: \((error as? DiskFault)?.words ?? "\(error)"); it is tried again")
    }

    /// A session of a day has thousands of chunks, and a frame comes every 20 ms.
    private func note() {
        var (waiting, chunks, dead) = (0, 0, 0)
        for (number, session) in sessions.enumerated() {
            if seen[number]?.revision != session.revision { seen[number] = SpoolDelivery.sums(session) }
            let sums = seen[number] ?? Sums()
            waiting += sums.samples + session.length
            chunks += sums.chunks + (session.length > 0 ? 1 : 0)
            dead += sums.dead
        }
        metrics.waiting.set(waiting / 16)
        metrics.chunks.set(chunks)
        metrics.bytes.set(bytes)
        metrics.jobs.set(schedule.count)
        metrics.dead.set(dead)
    }

    private static func sums(_ session: SpoolSession) -> Sums {
        var sums = Sums(revision: session.revision)
        for chunk in session.index.chunks.values where chunk.state == .whole {
            sums.chunks += 1
            sums.samples += chunk.count
        }
        sums.dead = session.index.jobs.values.count { $0.state == .dead }
        return sums
    }

    /// A sentence about what stays in the spool.
    var rest: String {
        let seconds =
            Double(sessions.reduce(0) { $0 + SpoolDelivery.sums($1).samples }) / Double(SpeechSamples.rate)
        let count = schedule.count + unstored.count
        guard count > 0 else { return "summaries are not there yet" }
        let batches = count == 1 ? "1 batch" : "\(count) batches"
        return "\(batches) with \(Int(seconds.rounded())) s stay in the spool \"\(place)\""
    }
}
