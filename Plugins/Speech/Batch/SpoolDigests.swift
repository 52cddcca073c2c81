import HTTPClient
import Sluice
import Spool
import Synchronization

/// Has the texts of sessions summed up when all of them are there, and stores the answers beside them. A summary is
/// tried again as a batch is. One lane only; requests wait on workers.
final class SpoolDigests {
    private struct Reply: Sendable {
        var answer: HTTPCall.Answer?
        var wasReached: Bool
    }

    private let context: NodeContext
    private let form: SummaryForm
    private let patience: Interval
    private let place: String
    private(set) var schedule = BatchSchedule(most: 1)
    private var known: Set<Int> = []
    private var running: (id: BatchSchedule.ID, call: HTTPCall, answer: NodeContext.Answer<Reply>)?
    /// One that could not be stored.
    private var unstored: (id: BatchSchedule.ID, text: String)?
    private var due: Instant?
    private var hasToldDisk = false

    /// `place` is the spool as messages name it.
    init(_ context: NodeContext, _ form: SummaryForm, patience: Interval, place: String) {
        (self.context, self.form, self.patience, self.place) = (context, form, patience, place)
    }

    var isEmpty: Bool { schedule.isEmpty && unstored == nil }
    var isIdle: Bool { schedule.isIdle }
    var wake: Instant { min(schedule.wake, due ?? .distantFuture) }

    func step(_ sessions: [SpoolSession], _ now: Instant) {
        if let running, let result = running.answer.take() {
            self.running = nil
            take(result, of: running.id, sessions[running.id.session], now)
        }
        if due.map({ $0 <= now }) ?? true {
            due = nil
            if let (id, text) = unstored {
                unstored = nil
                store(text, of: id, sessions[id.session], now)
            }
            for (number, session) in sessions.enumerated() where !known.contains(number) && session.index.isWritten {
                want(session, number, now)
            }
        }
        guard unstored == nil, let id = schedule.next(now) else { return }
        start(id, sessions[id.session], now)
    }

    private func want(_ session: SpoolSession, _ number: Int, _ now: Instant) {
        guard session.textCount > 0 else { return }
        do {
            try session.wantDigest()
            known.insert(number)
            guard let digest = session.index.digest, digest.state == .waiting else { return }
            schedule.add(.init(session: number, key: .init(0, 0)), tries: digest.tries)
        } catch { tellDisk(error, now) }
    }

    private func start(_ id: BatchSchedule.ID, _ session: SpoolSession, _ now: Instant) {
        guard let texts = try? session.readTexts().flatMap(\.texts) else {
            _ = schedule.unreachable(id, wish: nil, now, chance: 1)
            return
        }
        let call = form.call(SummaryForm.text(of: texts), patience: patience)
        running = (
            id, call,
            context.ask {
                let answer = try? call.perform()
                return Reply(answer: answer, wasReached: call.wasReached)
            }
        )
    }

    private func take(
        _ result: Result<Reply, any Error>, of id: BatchSchedule.ID, _ session: SpoolSession, _ now: Instant
    ) {
        let reply = (try? result.get()) ?? Reply(wasReached: false)
        do throws(SummaryForm.Refusal) {
            guard let answer = reply.answer else {
                throw .init(
                    why: reply.wasReached ? "gave no whole answer in time" : "cannot be reached",
                    isOfTheServer: !reply.wasReached)
            }
            let text = try form.read(answer)
            _ = schedule.written(id)
            store(text, of: id, session, now)
        } catch {
            refuse(error, id, session, now)
        }
    }

    private func refuse(
        _ refusal: SummaryForm.Refusal, _ id: BatchSchedule.ID, _ session: SpoolSession, _ now: Instant
    ) {
        let chance = Double.random(in: 0...1)
        guard !refusal.isOfTheServer else {
            if schedule.unreachable(id, wish: refusal.retryAfter, now, chance: chance) {
                context.log(.warning, "the server of summaries \(refusal.why): it is asked again")
            }
            return
        }
        do { try session.triedDigest() } catch { tellDisk(error, now) }
        guard schedule.failed(id, wish: refusal.retryAfter, isFinal: false, now, chance: chance) else { return }
        do { try session.buryDigest("the server of summaries \(refusal.why)") } catch { tellDisk(error, now) }
        context.log(
            .error,
            "the summary of session \(session.folder) is dead after \(BatchSchedule.tries) tries: the server "
                + "\(refusal.why); the texts stay, and sluice spool \(place) --retry lets it wait again")
    }

    private func store(_ text: String, of id: BatchSchedule.ID, _ session: SpoolSession, _ now: Instant) {
        do {
            try session.storeDigest(text)
            context.log(.info, "the summary of session \(session.folder) is in \(place)/\(session.folder)/summary.txt")
        } catch {
            unstored = (id, text)
            tellDisk(error, now)
        }
    }

    private func tellDisk(_ error: any Error, _ now: Instant) {
        due = now + .seconds(1)
        guard !hasToldDisk else { return }
        hasToldDisk = true
        context.log(.warning, "a summary cannot be stored: \((error as? DiskFault)?.words ?? "\(error)")")
    }

    func close() { running?.call.cancel() }
}
