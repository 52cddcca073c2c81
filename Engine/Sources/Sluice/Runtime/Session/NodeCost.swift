/// How long one item takes a node, over its last dispatches: it decides how many the next one may take, whether the
/// node wakes others in the middle of a dispatch, and whether another lane may run it. Pure; of the node's lane.
struct NodeCost {
    /// Items that the next dispatch may take: so many, or as many as were worth 200 µs lately. It stays whole in
    /// virtual time, where nothing is noted, so runs repeat there.
    private(set) var allowance = NodeCost.itemBudget
    private var nanosecondsPerItem = 0

    private static let itemBudget = 32
    private static let timeBudget = 200_000
    /// Nanoseconds. Below it a whole dispatch costs less than the wake-ups across lanes that it would cause if each
    /// item woke the next node at once, which sleeps again before the second one comes.
    private static let longItem = 5_000
    /// Nanoseconds: about what a wake-up takes on an idle core.
    #if WITHOUT_REUSE
        // In the build of the thread sanitizer, where nodes are ten and more times as slow: it is to see them lent.
        private static let lendableItem = 1_000_000
    #else
        private static let lendableItem = 30_000
    #endif

    /// A dispatch took `elapsed` nanoseconds for so many items. False where there were none, and nothing is known.
    mutating func note(_ elapsed: Int, items: Int) -> Bool {
        guard items > 0 else { return false }
        nanosecondsPerItem += (elapsed / items - nanosecondsPerItem) / 8
        allowance = max(1, min(NodeCost.itemBudget, NodeCost.timeBudget / max(1, nanosecondsPerItem)))
        return true
    }

    /// The next dispatch may take long.
    var isLong: Bool { nanosecondsPerItem > NodeCost.longItem }

    /// It is known to take less than it costs to wake another thread for it.
    var isLendable: Bool { nanosecondsPerItem > 0 && nanosecondsPerItem <= NodeCost.lendableItem }

    /// Bytes of another core that one fetches in a nanosecond.
    private static let fetchedBytes = 25
    /// Bytes. Smaller items cost a wake-up at most.
    private static let largeItem = 1 << 16
    /// Without the time in which items were fetched.
    private var nanosecondsOfWork = 0

    /// A dispatch took `elapsed` nanoseconds for so many items of so many bytes each, which came from another core
    /// where `isFetched`. Whether such an item takes less than to wake another thread and to fetch it there.
    mutating func noteLarge(_ elapsed: Int, items: Int, bytes: Int, isFetched: Bool) -> Bool {
        guard items > 0, bytes >= NodeCost.largeItem else { return false }
        let fetching = bytes / NodeCost.fetchedBytes
        let work = max(1, elapsed / items - (isFetched ? fetching : 0))
        nanosecondsOfWork += nanosecondsOfWork == 0 ? work : (work - nanosecondsOfWork) / 8
        return nanosecondsOfWork <= NodeCost.lendableItem + fetching
    }
}
