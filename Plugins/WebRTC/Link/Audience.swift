import RTP
import Sluice
import Synchronization

/// Those who are sent a stream as it comes, one behind the other and with no edge between: a viewer costs little more
/// than its packets. From any thread.
final class Audience: Sendable {
    /// One viewer's end of the stream. The node of its session has the other calls of it, on a lane of its own.
    final class Member: @unchecked Sendable {
        private let turn: SessionTurn
        let stream: SentStream
        private let node: NodeContext.Handle
        // Within turns of the session, so exclusivity need not be checked at run time.
        @exclusivity(unchecked) private var reportDue = Instant.distantFuture
        /// Called within a turn with the first frame that comes at the time which it gave last: reports of ours go out
        /// with media and cost no call of their own. Set within a turn.
        @exclusivity(unchecked) var report: ((Instant) -> Instant)? {
            didSet { reportDue = report == nil ? .distantFuture : Instant(nanoseconds: .min) }
        }

        init(_ stream: SentStream, _ turn: SessionTurn, _ node: NodeContext.Handle) {
            (self.stream, self.turn, self.node) = (stream, turn, node)
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
    private struct Waiting {
        var work: [@Sendable () -> Void] = []
        /// When the first of it came.
        var since = Instant(nanoseconds: 0)

        mutating func take() -> [@Sendable () -> Void] {
            defer { if !work.isEmpty { work = [] } }
            return work
        }
    }

    private let waiting = Mutex(Waiting())
    /// A stream may pause, or never begin, while another one of its viewers goes on: nothing waits for it any longer.
    static let patience = Interval.seconds(1)

    /// From the next frame on. Not within a turn of the session.
    func add(_ member: Member) { members.withLock { $0.append(member) } }

    /// No frame comes after this. Not within a turn of the session.
    func remove(_ member: Member) { members.withLock { $0.removeAll { $0 === member } } }

    /// Datagrams wait in the thread's outbox until that is flushed.
    func send(_ frame: SharedStream.Frame, now: Instant) {
        members.withLock { members in
            for member in members { member.take(frame, now: now) }
        }
        for work in waiting.withLock({ $0.take() }) { work() }
    }

    /// Does `work` behind the next frame, on the lane that sends it, which is awake then: to wake a lane costs as much
    /// as ten packets. Where no frame has come for `patience` it is done by the next call. From any thread.
    func afterNextFrame(_ now: Instant, _ work: @escaping @Sendable () -> Void) {
        let due = waiting.withLock { waiting in
            if waiting.work.isEmpty { waiting.since = now }
            waiting.work.append(work)
            return now - waiting.since >= Audience.patience ? waiting.take() : []
        }
        for work in due { work() }
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
