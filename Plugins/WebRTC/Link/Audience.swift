import RTP
import Sluice
import Synchronization

/// Those who are sent a stream as it comes, one behind the other and with no edge between: a viewer costs little more
/// than its packets. From any thread.
final class Audience: Sendable {
    /// One viewer's end of the stream. The node of its session has the other calls of it, on a lane of its own.
    final class Member: @unchecked Sendable {
        private let turn: SessionTurn
        private let stream: SentStream
        private let node: NodeContext.Handle
        private let report: ((Instant) -> Instant)?
        // Within turns of the session, so exclusivity need not be checked at run time.
        @exclusivity(unchecked) private var reportDue: Instant

        /// `report`, where there is one, is called within a turn with the first frame that comes at the time which it
        /// gave last: reports of ours go out with media and cost no call of their own.
        init(
            _ stream: SentStream, _ turn: SessionTurn, _ node: NodeContext.Handle,
            report: ((Instant) -> Instant)? = nil
        ) {
            (self.stream, self.turn, self.node, self.report) = (stream, turn, node, report)
            reportDue = report == nil ? .distantFuture : Instant(nanoseconds: .min)
        }

        fileprivate func take(_ frame: SharedStream.Frame, now: Instant) {
            let needsNode = turn.take {
                stream.take(frame, now: now)
                if let report, now >= reportDue { reportDue = report(now) }
                return stream.needsNode
            }
            if needsNode { node.post() }
        }
    }

    private let members = Mutex<[Member]>([])
    private let waiting = Mutex<[@Sendable () -> Void]>([])
    /// More than so much of what waits is done at once.
    private static let mostWaiting = 1_024

    /// From the next frame on. Not within a turn of the session.
    func add(_ member: Member) { members.withLock { $0.append(member) } }

    /// No frame comes after this. Not within a turn of the session.
    func remove(_ member: Member) { members.withLock { $0.removeAll { $0 === member } } }

    /// Datagrams wait in the thread's outbox until that is flushed.
    func send(_ frame: SharedStream.Frame, now: Instant) {
        members.withLock { members in
            for member in members { member.take(frame, now: now) }
        }
        for work in waiting.withLock({ waiting in
            defer { if !waiting.isEmpty { waiting = [] } }
            return waiting
        }) { work() }
    }

    /// Does `work` behind the next frame, on the lane that sends it, which is awake then: to wake a lane costs as much
    /// as ten packets. From any thread.
    func afterNextFrame(_ work: @escaping @Sendable () -> Void) {
        let hasRoom = waiting.withLock { waiting in
            guard waiting.count < Audience.mostWaiting else { return false }
            waiting.append(work)
            return true
        }
        if !hasRoom { work() }
    }

    var isEmpty: Bool { members.withLock { $0.isEmpty } }
}

/// The streams of one session are used by two lanes in turn: that of its node, and that of the stream's source.
final class SessionTurn: Sendable {
    private let lock = Mutex<Void>(())

    func take<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock { _ in try body() }
    }
}
