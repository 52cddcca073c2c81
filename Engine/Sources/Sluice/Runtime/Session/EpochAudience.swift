import Synchronization

/// The nodes that look at what they hold when an epoch is raised: those of the sessions whose epoch it is, and
/// elsewhere those that edges with it lead to. Sessions come and go in the same time, however many there are.
final class EpochAudience: Sendable {
    private let members = Mutex<Roster<Member>>(Roster())

    /// One session's part.
    final class Member: Sendable {
        let cores: [NodeCore]
        init(_ cores: [NodeCore]) { self.cores = cores }
    }

    func add(_ member: Member) { members.withLock { $0.add(member) } }

    /// Afterwards none of its nodes is woken from here any more, so its lanes may go.
    func remove(_ member: Member) { members.withLock { _ = $0.remove(member) } }

    /// From any thread.
    func wake() { members.withLock { all in for member in all { for core in member.cores { core.wake(.epoch) } } } }
}
