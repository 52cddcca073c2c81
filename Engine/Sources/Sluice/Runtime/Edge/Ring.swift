/// The bounded single-producer single-consumer ring under every edge, and the two handshakes around it.
///
/// **Slots.** A slot is one word, an owned reference; beside it stands the instant at which it was pushed. `head` and
/// `tail` only rise, so a position names a push for ever and compare-and-swap on `head` has no ABA. The producer alone
/// moves `tail`. On a `block` edge the consumer alone moves `head`, with a plain store. On a dropping edge both sides
/// advance `head` by compare-and-swap: each reads the slot first and owns the item only if its swap wins. The producer
/// may take several at once by one swap, where what lies between must not reach the consumer alone. A loser's
/// read may be of a slot that was overwritten meanwhile; it throws the word away unlooked at. The producer overwrites a
/// slot only after it has seen `head` pass it, so a winner's read was of the item at that position.
///
/// **Waiting for items, waiting for room.** Each side announces that it waits (`wanted`), then fences, then looks
/// again. The other side publishes, then fences, then looks for an announcement and takes it by compare-and-swap. The
/// later of the two fences sees the other's write, so either the waiter finds the item or the publisher finds the
/// waiter: no wake-up is lost, and the swap makes each announcement wake once. A publisher may also look without a
/// fence after every item: that wakes earlier, and what it misses the fenced look at the end of its dispatch finds.
///
/// **Fences.** A fence is the position that the producer asks to be told about. The side that moves `head` past it
/// answers, whether items were popped, dropped or flushed. It is the third word of that handshake.
///
/// **The end.** `end` holds the position after the last item, or −1; who sets it wakes the consumer in any case. The
/// consumer's announcement word also carries `closed`: it has left and what is pushed from then on is dropped by the
/// producer. An item pushed in the instant of closing stays held and is released with the ring.
@frozen
@usableFromInline struct Ring<Word: AtomicWord & ~Copyable>: ~Copyable {
    /// Control words, far enough apart that no two written by different sides share a cache line.
    @usableFromInline let words: UnsafeMutablePointer<Word>
    @usableFromInline let slots: UnsafeMutablePointer<Word>
    @usableFromInline let mask: Int
    @usableFromInline let isShared: Bool

    @usableFromInline static var tailWord: Int { 0 }
    @usableFromInline static var endWord: Int { 1 }
    @usableFromInline static var headWord: Int { 16 }
    @usableFromInline static var itemsWord: Int { 32 }
    @usableFromInline static var roomWord: Int { 33 }
    @usableFromInline static var fenceWord: Int { 34 }
    @usableFromInline static var wordCount: Int { 48 }

    /// The announcements of a waiting side.
    @usableFromInline static var quiet: Int { 0 }
    @usableFromInline static var wanted: Int { 1 }
    @usableFromInline static var closed: Int { 2 }

    /// Room for at least `capacity` items. `producerDrops`: the producer may take items from the head
    /// while the consumer, on another thread, does the same.
    @usableFromInline init(capacity: Int, producerDrops: Bool) {
        var size = 1
        while size < capacity { size *= 2 }
        mask = size - 1
        isShared = producerDrops
        words = .allocate(capacity: Ring.wordCount)
        for index in 0..<Ring.wordCount { (words + index).initialize(to: Word(index == Ring.endWord ? -1 : 0)) }
        slots = .allocate(capacity: size * 2)
        for index in 0..<size * 2 { (slots + index).initialize(to: Word(0)) }
    }

    deinit {
        words.deinitialize(count: Ring.wordCount)
        words.deallocate()
        slots.deinitialize(count: (mask + 1) * 2)
        slots.deallocate()
    }

    // MARK: Either side

    @inlinable @inline(__always)
    var head: Int { words[Ring.headWord].load() }
    @inlinable @inline(__always)
    var tail: Int { words[Ring.tailWord].load() }
    /// The position after the last item, or −1 while more may come.
    @inlinable @inline(__always)
    var end: Int { words[Ring.endWord].load() }

    // MARK: The producer

    /// Its own position: the next item's.
    @inlinable @inline(__always)
    var tailForProducer: Int { words[Ring.tailWord].loadRelaxed() }

    /// Appends `item`. The caller has seen that fewer than the capacity are held.
    @inlinable @inline(__always)
    func push(_ item: Int, at instant: Int) {
        let position = words[Ring.tailWord].loadRelaxed()
        let slot = (position & mask) &* 2
        slots[slot].storeRelaxed(item)
        slots[slot &+ 1].storeRelaxed(instant)
        words[Ring.tailWord].store(position &+ 1)
    }

    /// Takes the item at the head away from the consumer; 0 if the ring was found empty. Only on a ring whose producer
    /// drops, or whose two sides are one thread.
    @inlinable
    func dropHead() -> Int {
        while true {
            let position = words[Ring.headWord].load()
            if position == words[Ring.tailWord].loadRelaxed() { return 0 }
            let item = slots[(position & mask) &* 2].loadRelaxed()
            if words[Ring.headWord].compareExchange(expected: position, desired: position &+ 1) { return item }
        }
    }

    /// Takes every item before `position` away from the consumer in one step, so that nothing from behind the gap can
    /// reach it in between. Hands each to `body`, which owns it. Only on a shared ring.
    @inlinable
    func drop(before position: Int, _ body: (_ item: Int) -> Void) {
        while true {
            let first = words[Ring.headWord].load()
            if first >= position { return }
            guard words[Ring.headWord].compareExchange(expected: first, desired: position) else { continue }
            // Nobody but the producer overwrites a slot, so these are still the items it has won.
            for won in first..<position { body(slots[(won & mask) &* 2].loadRelaxed()) }
            return
        }
    }

    /// No item comes after those pushed so far.
    @inlinable
    func finish() { words[Ring.endWord].store(words[Ring.tailWord].loadRelaxed()) }

    /// True if the consumer had announced that it waits; the caller must now wake it.
    @inlinable @inline(__always)
    func takeItemsWanted() -> Bool {
        words[Ring.itemsWord].loadRelaxed() == Ring.wanted
            && words[Ring.itemsWord].compareExchange(expected: Ring.wanted, desired: Ring.quiet)
    }

    /// Announces that the producer waits for room. It must then fence and look at `head` again.
    @inlinable
    func announceRoomWanted() { words[Ring.roomWord].storeRelaxed(Ring.wanted) }

    /// Asks to be told when the consumer has passed what was pushed so far. One fence is kept, the last. The producer
    /// must then fence and look itself.
    @inlinable
    func placeFence() { words[Ring.fenceWord].storeRelaxed(words[Ring.tailWord].loadRelaxed()) }

    /// A fence stands, passed or not: nobody has answered it.
    @inlinable @inline(__always)
    var hasFence: Bool { words[Ring.fenceWord].loadRelaxed() != 0 }

    /// The consumer has not passed the fence.
    @inlinable
    var isFenceAhead: Bool { words[Ring.fenceWord].loadRelaxed() > head }

    /// True once for each fence, on the side that finds it passed first; that side wakes the producer.
    @inlinable
    func takePassedFence() -> Bool {
        let position = words[Ring.fenceWord].loadRelaxed()
        return position != 0 && head >= position
            && words[Ring.fenceWord].compareExchange(expected: position, desired: 0)
    }

    @inlinable @inline(__always)
    var isClosed: Bool { words[Ring.itemsWord].loadRelaxed() == Ring.closed }

    /// Whether the consumer waits or has left: one load that is 0 on the fast path.
    @inlinable @inline(__always)
    var consumerSignal: Int { words[Ring.itemsWord].loadRelaxed() }

    // MARK: The consumer

    /// Takes the item at the head and the instant it was pushed at; nil if the ring was found empty.
    @inlinable @inline(__always)
    func pop(knownTail: inout Int) -> (item: Int, instant: Int)? {
        while true {
            let position = isShared ? words[Ring.headWord].load() : words[Ring.headWord].loadRelaxed()
            if position >= knownTail {
                knownTail = words[Ring.tailWord].load()
                if position >= knownTail { return nil }
            }
            let slot = (position & mask) &* 2
            let item = slots[slot].loadRelaxed()
            let instant = slots[slot &+ 1].loadRelaxed()
            if isShared {
                if words[Ring.headWord].compareExchange(expected: position, desired: position &+ 1) {
                    return (item, instant)
                }
            } else {
                words[Ring.headWord].store(position &+ 1)
                return (item, instant)
            }
        }
    }

    /// Announces that the consumer waits for items. It must then fence and look at `tail` again.
    @inlinable
    func announceItemsWanted() { words[Ring.itemsWord].storeRelaxed(Ring.wanted) }

    /// After the fence: true if items came meanwhile, and nobody else is going to wake this side for them. The end is
    /// no part of this. The side that ends an edge wakes the consumer, announced or not. One that ended earlier is no
    /// news.
    @inlinable
    func findsNews() -> Bool { !isClosed && tail != head && takeItemsWanted() }

    /// The consumer leaves: nothing is announced after this.
    @inlinable
    func close() { words[Ring.itemsWord].store(Ring.closed) }

    @inlinable @inline(__always)
    var isRoomWanted: Bool { words[Ring.roomWord].loadRelaxed() == Ring.wanted }

    /// True if the producer had announced that it waits; the caller must now wake it.
    @inlinable @inline(__always)
    func takeRoomWanted() -> Bool {
        words[Ring.roomWord].loadRelaxed() == Ring.wanted
            && words[Ring.roomWord].compareExchange(expected: Ring.wanted, desired: Ring.quiet)
    }
}
