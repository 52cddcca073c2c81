import SluiceTesting

@testable import Sluice

/// An edge between two threads: the engine's own `Ring`, and around it what `InputState`, `OutputState`, `EdgeState`
/// and `NodeCore.settle` do with it, line by line but without media. `Flaw` leaves out or breaks one thing at a time,
/// to show that the explorer would notice.
final class EdgeModel {
    enum Flaw: Sendable {
        case none
        /// The end of a dispatch announces and waits without looking again.
        case noLookAgain
        /// Announcing and looking again without the fence in between.
        case noFence
        /// The consumer moves `head` by a plain store although the producer moves it too.
        case plainHead
        /// A gap up to a keyframe is dropped item by item.
        case dropsOneByOne
        /// Items that were flushed make no room as far as the producer is told.
        case silentFlush
        /// A full edge holds its producer although the consumer has left.
        case fullThoughClosed
        /// An announcement is read but not taken back.
        case wakeNotTaken
        /// A lane that wakes while it is lent goes on at once.
        case noWaitForBorrower
    }

    let explorer: Explorer
    let flaw: Flaw
    let capacity: Int
    let ring: Ring<ExplorerWord>
    let firstWord: Int
    let lastWord: Int
    /// The two nodes' wake-ups: not 0 once somebody woke them.
    let producerBell = ExplorerWord(0)
    let consumerBell = ExplorerWord(0)
    let epoch = ExplorerWord(1)
    /// Not 0 once the consumer has got all that it was to get.
    let receipt = ExplorerWord(0)

    // The history, known to the checks alone.
    var pushed = 0
    var popped: [Int] = []
    var dropped: [Int] = []
    var flushed: [Int] = []
    private var owned: Set<Int> = []

    init(_ explorer: Explorer, capacity: Int, producerDrops: Bool = false, flaw: Flaw = .none) {
        self.explorer = explorer
        self.flaw = flaw
        self.capacity = capacity
        firstWord = explorer.wordCount
        ring = Ring(capacity: capacity, producerDrops: producerDrops && flaw != .plainHead)
        lastWord = explorer.wordCount
    }

    /// The ring's memory is given back.
    func free() { explorer.free(from: firstWord, to: lastWord) }

    private func own(_ item: Int, _ list: ReferenceWritableKeyPath<EdgeModel, [Int]>) {
        explorer.check(item > 0 && item <= pushed, "\(item) was taken, which is no item")
        explorer.check(owned.insert(item).inserted, "item \(item) was taken twice")
        self[keyPath: list].append(item)
    }

    /// Every item is somewhere once: pushed = popped + dropped + flushed + held.
    func checkBalance() {
        var tail = ring.tail
        var held = 0
        while let (item, _) = ring.pop(knownTail: &tail) {
            explorer.check(owned.insert(item).inserted, "item \(item) is held and was taken")
            held += 1
        }
        let sum = popped.count + dropped.count + flushed.count + held
        explorer.check(pushed == sum, "pushed \(pushed), found again \(sum)")
        explorer.check(popped == popped.sorted(), "out of order: \(popped)")
    }

    // MARK: The producer

    private var sentItems = false
    /// Wakes the consumer in the middle of a dispatch already (`EdgeState.wakeConsumerEarly`).
    var wakesEarly = false

    /// `EdgeState.isFull`
    var isFull: Bool {
        guard ring.tailForProducer - ring.head >= capacity else { return false }
        return flaw == .fullThoughClosed || !ring.isClosed
    }

    /// `EdgeState.push` on a block edge.
    func push() {
        pushed += 1
        sentItems = true
        let signal = ring.consumerSignal
        if signal > 1 { return own(pushed, \.dropped) }
        ring.push(pushed, at: 0)
        if signal != 0 && wakesEarly { wakeWaitingConsumer() }
    }

    /// `EdgeState.push` where the producer drops the oldest.
    func pushDroppingOldest() {
        pushed += 1
        sentItems = true
        let signal = ring.consumerSignal
        while ring.tailForProducer - ring.head >= capacity {
            let item = ring.dropHead()
            if item == 0 { break }
            own(item, \.dropped)
        }
        ring.push(pushed, at: 0)
        if signal != 0 && wakesEarly { wakeWaitingConsumer() }
    }

    /// `EdgeState.push` where the producer drops up to `keyframe`, a position in the ring.
    func pushDropping(before keyframe: Int) {
        pushed += 1
        sentItems = true
        let signal = ring.consumerSignal
        if ring.tailForProducer - ring.head >= capacity {
            if flaw == .dropsOneByOne {
                while ring.head < keyframe {
                    let item = ring.dropHead()
                    if item != 0 { own(item, \.dropped) }
                }
            } else {
                ring.drop(before: keyframe) { own($0, \.dropped) }
            }
        }
        ring.push(pushed, at: 0)
        if signal != 0 && wakesEarly { wakeWaitingConsumer() }
    }

    private func wakeWaitingConsumer() {
        if flaw == .wakeNotTaken ? ring.consumerSignal == 1 : ring.takeItemsWanted() { wakeConsumer() }
    }

    /// `OutputState.announce`, the fence, `OutputState.lookAgain`. True if the producer need not wait. `wasFull`: what
    /// the dispatch found last.
    func producerSettles(wasFull: Bool) -> Bool {
        if wasFull { ring.announceRoomWanted() }
        if flaw != .noFence { ExplorerWord.fence() }
        var isFencePassed = false
        if sentItems {
            sentItems = false
            // `EdgeState.wakeConsumerThatWaits`
            if ring.consumerSignal == 1 && ring.head != ring.tailForProducer { wakeWaitingConsumer() }
            isFencePassed = ring.hasFence && ring.takePassedFence()
        }
        if flaw == .noLookAgain { return false }
        return isFencePassed || wasFull && !waitsForRoom()
    }

    /// `OutputState.waitsForRoom`
    private func waitsForRoom() -> Bool {
        while isFull {
            if ring.isRoomWanted { return true }
            ring.announceRoomWanted()
            ExplorerWord.fence()
        }
        return false
    }

    /// `OutputPort.end`
    func finish() {
        ring.finish()
        wakeConsumer()
    }

    func producerWaits() {
        producerBell.awaitNonzero()
        _ = producerBell.exchange(0)
    }

    /// Sends `count` items over a block edge, and ends it when all have been taken: a live stream, whose end comes too
    /// late to wake anybody up who missed an item.
    func produce(_ count: Int, sent: Int = 0) {
        var sent = sent
        while sent < count {
            if !isFull {
                push()
                sent += 1
            } else if !producerSettles(wasFull: true) {
                producerWaits()
            }
        }
        _ = producerSettles(wasFull: false)
        receipt.awaitNonzero()
        finish()
    }

    // MARK: The consumer

    private var tail = 0
    private var tookItems = false

    /// `EdgeState.take`: the next item that is not stale. Items carry epoch 1 up to number `lastOld`, then 2.
    func take(lastOld: Int = 0) -> Int? {
        while let (item, _) = ring.pop(knownTail: &tail) {
            if lastOld > 0 && (item <= lastOld ? 1 : 2) < epoch.load() {
                own(item, \.flushed)
                continue
            }
            own(item, \.popped)
            tookItems = true
            return item
        }
        if flaw != .silentFlush { tookItems = true }
        return nil
    }

    var isEnded: Bool {
        let end = ring.end
        return end >= 0 && ring.head >= end
    }

    /// `InputState.announce`, the fence, `InputState.lookAgain`. True if the consumer need not wait.
    func consumerSettles() -> Bool {
        ring.announceItemsWanted()
        if flaw != .noFence { ExplorerWord.fence() }
        if tookItems {
            tookItems = false
            if ring.isRoomWanted && ring.takeRoomWanted() { wakeProducer() }
            if ring.hasFence && ring.takePassedFence() { wakeProducer() }
        }
        return flaw == .noLookAgain ? false : ring.findsNews()
    }

    func consumerWaits() {
        consumerBell.awaitNonzero()
        _ = consumerBell.exchange(0)
    }

    /// Takes everything until the end of the edge. `last`: the item whose taking is acknowledged.
    func consume(last: Int = 0, lastOld: Int = 0) {
        while true {
            while let item = take(lastOld: lastOld) { if item == last { receipt.storeSequential(1) } }
            if isEnded { break }
            if !consumerSettles() { consumerWaits() }
        }
        close()
    }

    /// `EdgeState.close`
    func close() {
        ring.close()
        var tail = ring.tail
        while let (item, _) = ring.pop(knownTail: &tail) { own(item, \.dropped) }
        _ = ring.takePassedFence()
        receipt.storeSequential(1)
        wakeProducer()
    }

    // MARK: Both

    func wakeProducer() { producerBell.storeSequential(1) }
    func wakeConsumer() { consumerBell.storeSequential(1) }
}
