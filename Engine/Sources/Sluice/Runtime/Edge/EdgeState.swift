import Synchronization

/// The working part of an edge: the ring, what each side knows, and what a full or stale edge does.
///
/// Counters are written by one side each, so that pushed = popped + dropped + flushed + held at every moment when both
/// sides are quiet. Depth in milliseconds is the sum of durations pushed − dropped − gone, never a difference of
/// timestamps. A block edge has room while fewer than the bound of items are held and one more of the last duration
/// stays within the bound of time; an empty edge always has room.
public struct EdgeState: ~Copyable {
    @usableFromInline let ring: Ring<HardwareWord>
    @usableFromInline let producer: UnsafeMutablePointer<ProducerSide>
    @usableFromInline let consumer: UnsafeMutablePointer<ConsumerSide>
    @usableFromInline let itemLimit: Int
    @usableFromInline let tickLimit: Int64
    /// nil on an edge that keeps what is stale.
    @usableFromInline let epoch: Unmanaged<EpochCell>?
    /// Both ends run on one lane.
    @usableFromInline let isLocal: Bool
    @usableFromInline let producerCore: Unmanaged<NodeCore>
    @usableFromInline let consumerCore: Unmanaged<NodeCore>
    /// Set once, before media flow: who can make a keyframe for this edge.
    @usableFromInline var keyframeTarget: RequestInput?

    /// Written by the producer's lane alone.
    @usableFromInline
    struct ProducerSide: ~Copyable {
        @usableFromInline var overflow: Overflow
        /// The file left the policy of a shared output to the media, which are not known yet.
        var isOverflowOpen: Bool
        /// Packets depend on each other: after a loss nothing passes until a keyframe. Known with the first format.
        @usableFromInline var isDependent = false
        @usableFromInline let pushed = Counter()
        @usableFromInline let dropped = Counter()
        @usableFromInline let pushedTicks = Counter()
        @usableFromInline let droppedTicks = Counter()
        @usableFromInline let bytes = Counter()
        @usableFromInline var lastDts = MediaTime.none
        @usableFromInline var lastDuration: Int64 = 0
        /// The consumer's head and ticks as last seen: looked up afresh only when the edge seems full.
        @usableFromInline var knownHead = 0
        @usableFromInline var knownGone = 0
        /// Position of the last keyframe pushed, or −1.
        @usableFromInline var keyframe = -1
        /// A loss broke the chain: only a keyframe may be pushed.
        @usableFromInline var refusesDependent = false
        /// One more than the position of the last fence, for the consumer; 0 where there was none.
        let fence = Counter()

        init(_ overflow: Overflow, isOpen: Bool) { (self.overflow, isOverflowOpen) = (overflow, isOpen) }
    }

    /// Written by the consumer's lane alone.
    @usableFromInline
    struct ConsumerSide: ~Copyable {
        @usableFromInline let popped = Counter()
        /// 1 while the input holds an item that the node has seen at most: it is out of the ring, and still on the edge.
        @usableFromInline let peeked = Counter()
        @usableFromInline let flushed = Counter()
        @usableFromInline let dropped = Counter()
        /// Ticks that were popped, flushed or dropped by this side.
        @usableFromInline let goneTicks = Counter()
        @usableFromInline let depthMax = Counter()
        @usableFromInline let depthMaxTicks = Counter()
        @usableFromInline let transit = Histogram()
        @usableFromInline let slot = ReferenceSlot()
        @usableFromInline var knownTail = 0
        /// A flush broke the chain: only a keyframe may pass.
        @usableFromInline var awaitsKeyframe = false
        /// The last fence that the node was told of.
        var takenFence = 0
        @usableFromInline init() {}
    }

    init(
        capacity: EdgeCapacity, overflow: Overflow, isOverflowOpen: Bool, epoch: EpochCell?,
        from producerCore: NodeCore,
        to consumerCore: NodeCore
    ) {
        let isLocal = producerCore.lane === consumerCore.lane
        let producerDrops = overflow == .dropOldest || overflow == .dropToKeyframe
        // On one lane the two sides take turns: nobody else moves the head while the consumer does.
        ring = Ring(capacity: capacity.items, producerDrops: producerDrops && !isLocal)
        producer = .allocate(capacity: 1)
        producer.initialize(to: ProducerSide(overflow, isOpen: isOverflowOpen && overflow == .dropToKeyframe))
        consumer = .allocate(capacity: 1)
        consumer.initialize(to: ConsumerSide())
        itemLimit = capacity.items
        tickLimit = MediaTime.milliseconds(Int64(capacity.milliseconds)).ticks
        self.epoch = epoch.map { Unmanaged.passUnretained($0) }
        self.isLocal = isLocal
        self.producerCore = .passUnretained(producerCore)
        self.consumerCore = .passUnretained(consumerCore)
    }

    deinit {
        var tail = 0
        tail = ring.tail
        while let (item, _) = ring.pop(knownTail: &tail) { EdgeState.owned(item).release() }
        producer.deinitialize(count: 1)
        producer.deallocate()
        consumer.deinitialize(count: 1)
        consumer.deallocate()
    }

    @inlinable @inline(__always)
    static func owned(_ item: Int) -> Unmanaged<MediaItem> {
        Unmanaged.fromOpaque(UnsafeRawPointer(bitPattern: item).unsafelyUnwrapped)
    }

    // MARK: The producer's lane

    @inlinable @inline(__always)
    var overflow: Overflow { producer.pointee.overflow }

    /// The kind of media is known: dropping to a keyframe is for packets that depend on each other.
    func settle(_ kind: MediaKind) {
        producer.pointee.isDependent = kind.hasDependentPackets
        guard producer.pointee.isOverflowOpen else { return }
        producer.pointee.isOverflowOpen = false
        if !kind.hasDependentPackets { producer.pointee.overflow = .dropOldest }
    }

    @inlinable @inline(__always)
    var seemsFull: Bool {
        let count = ring.tailForProducer &- producer.pointee.knownHead
        if count >= itemLimit { return true }
        let ticks =
            producer.pointee.pushedTicks.count &- producer.pointee.droppedTicks.count &- producer.pointee.knownGone
        return Int64(ticks) &+ producer.pointee.lastDuration > tickLimit && count > 0
    }

    /// Looks the consumer's progress up where the edge seems full.
    @inlinable
    var isFull: Bool {
        // Of an edge whose consumer has left nothing goes out any more, and what comes is dropped.
        guard seemsFull, !ring.isClosed else { return false }
        producer.pointee.knownHead = ring.head
        producer.pointee.knownGone = consumer.pointee.goneTicks.count
        return seemsFull
    }

    /// Appends `item`, a reference that the edge now owns and whose duration is known, as the overflow policy allows. A
    /// `block` edge is not looked at: the caller has seen room.
    @inlinable @inline(__always)
    func push(_ item: Unmanaged<MediaItem>, _ header: Header, at now: Int) {
        let ticks = header.duration.isKnown ? header.duration.ticks : 0
        producer.pointee.lastDuration = ticks
        producer.pointee.pushed.add(1)
        producer.pointee.pushedTicks.add(Int(ticks))
        producer.pointee.bytes.add(header.byteCount)
        let signal = ring.consumerSignal
        if overflow != .block || signal > 1 {
            guard makeRoom(isKeyframe: header.flags.contains(.keyframe)) else {
                producer.pointee.dropped.add(1)
                producer.pointee.droppedTicks.add(Int(ticks))
                item.release()
                return
            }
        }
        if producer.pointee.isDependent && header.flags.contains(.keyframe) {
            producer.pointee.keyframe = ring.tailForProducer
        }
        ring.push(Int(bitPattern: item.toOpaque()), at: now)
        if signal != 0 { wakeConsumerEarly() }
    }

    /// Drops what the policy says until there is room for the item that is pushed just now. False if that is the one to
    /// go.
    @inlinable
    func makeRoom(isKeyframe: Bool) -> Bool {
        if ring.isClosed { return false }
        if producer.pointee.refusesDependent {
            guard isKeyframe else { return false }
            producer.pointee.refusesDependent = false
        }
        guard isFullWithPushed else { return true }
        switch overflow {
        case .block: return true
        case .dropNewest: return false
        case .dropOldest:
            repeat {
                guard dropHead() else { return true }
            } while isFullWithPushed
            return true
        case .dropToKeyframe:
            let keyframe = producer.pointee.keyframe
            if !isKeyframe && keyframe > ring.head {
                ring.drop(before: keyframe) { noteDropped($0) }
                if !isFullWithPushed { return true }
            }
            ring.drop(before: ring.tailForProducer) { noteDropped($0) }
            if isKeyframe { return true }
            producer.pointee.refusesDependent = true
            requestKeyframe()
            return false
        }
    }

    /// `isFull` for an item that is counted in `pushedTicks` already.
    @inlinable
    var isFullWithPushed: Bool {
        func full() -> Bool {
            let count = ring.tailForProducer &- producer.pointee.knownHead
            let ticks =
                producer.pointee.pushedTicks.count &- producer.pointee.droppedTicks.count &- producer.pointee.knownGone
            return count >= itemLimit || count > 0 && Int64(ticks) > tickLimit
        }
        guard full() else { return false }
        producer.pointee.knownHead = ring.head
        producer.pointee.knownGone = consumer.pointee.goneTicks.count
        return full()
    }

    /// Takes the oldest item away; false if there was none.
    @inlinable
    func dropHead() -> Bool {
        let raw = ring.dropHead()
        guard raw != 0 else { return false }
        noteDropped(raw)
        return true
    }

    /// The producer won the item and lets it go.
    @usableFromInline
    func noteDropped(_ raw: Int) {
        let item = EdgeState.owned(raw).takeRetainedValue()
        producer.pointee.dropped.add(1)
        if item.header.duration.isKnown { producer.pointee.droppedTicks.add(Int(item.header.duration.ticks)) }
    }

    @inlinable
    func requestKeyframe() { keyframeTarget?.post() }

    @inlinable
    func wakeWaitingConsumer() {
        guard ring.takeItemsWanted() else { return }
        consumerCore._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wake(.input) }
    }

    /// In the middle of a dispatch; what is not woken here is at its end.
    @inlinable
    func wakeConsumerEarly() {
        if isLocal || producerCore._withUnsafeGuaranteedRef({ $0.hot.pointee.wakesEarly }) { wakeWaitingConsumer() }
    }

    /// At the end of a dispatch, after the fence; `rouseConsumer` follows. A consumer that was woken earlier and has taken
    /// everything waits for more; it is left alone.
    func wakeConsumerThatWaits() {
        guard ring.consumerSignal == 1, ring.head != ring.tailForProducer, ring.takeItemsWanted() else { return }
        consumerCore._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wakeAsleep(.input) }
    }

    /// A fence stands behind what was pushed so far: both sides learn when the consumer has come to it.
    func placeFence() {
        ring.placeFence()
        producer.pointee.fence.set(ring.tailForProducer &+ 1)
        consumerCore._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wake(.input) }
    }

    /// The consumer's lane runs if it has reason to.
    func rouseConsumer() {
        guard !isLocal else { return }
        producerCore._withUnsafeGuaranteedRef { producer in
            consumerCore._withUnsafeGuaranteedRef { producer.lane.rouseSoon($0.lane) }
        }
    }

    // MARK: The consumer's lane

    /// The next item that is neither stale nor undecodable, and when it was pushed.
    @inlinable @inline(__always)
    func take(now: Int, arrival: inout Int) -> MediaItem? {
        while true {
            var tail = consumer.pointee.knownTail
            guard let (raw, instant) = ring.pop(knownTail: &tail) else { return nil }
            if consumer.pointee.knownTail != tail {
                consumer.pointee.knownTail = tail
                noteDepth()
            }
            let item = consumer.pointee.slot.reference(raw)
            let ticks = item.header.duration.ticks
            if ticks != .min { consumer.pointee.goneTicks.add(Int(ticks)) }
            if item.header.epoch != 0 && isStale(item) { continue }
            if consumer.pointee.awaitsKeyframe && !endsWait(item) { continue }
            consumer.pointee.popped.add(1)
            consumer.pointee.transit.record(now &- instant)
            arrival = instant
            return item
        }
    }

    /// The item that was taken just now stays with the input for a while, or was taken by the node after all.
    @usableFromInline
    func notePeeked(_ isPeeked: Bool) {
        consumer.pointee.popped.add(isPeeked ? -1 : 1)
        consumer.pointee.peeked.set(isPeeked ? 1 : 0)
    }

    /// Whether a peeked item has become stale: then it counts as flushed and is no longer held.
    @usableFromInline
    func flushes(peeked item: MediaItem) -> Bool {
        guard item.header.epoch != 0, isStale(item) else { return false }
        consumer.pointee.peeked.set(0)
        return true
    }

    /// A peeked item is let go of.
    func dropPeeked() {
        consumer.pointee.peeked.set(0)
        consumer.pointee.dropped.add(1)
    }

    @inlinable
    func noteDepth() {
        consumer.pointee.depthMax.raise(to: consumer.pointee.knownTail &- ring.head &+ 1)
        consumer.pointee.depthMaxTicks.raise(
            to: producer.pointee.pushedTicks.count &- producer.pointee.droppedTicks.count
                &- consumer.pointee.goneTicks.count)
    }

    /// Counts a stale item as flushed.
    @inlinable
    func isStale(_ item: MediaItem) -> Bool {
        guard let epoch, item.header.epoch < epoch._withUnsafeGuaranteedRef({ $0.current }) else { return false }
        consumer.pointee.flushed.add(1)
        if item.format.kind.hasDependentPackets && !consumer.pointee.awaitsKeyframe {
            consumer.pointee.awaitsKeyframe = true
            requestKeyframe()
        }
        return true
    }

    @inlinable
    func endsWait(_ item: MediaItem) -> Bool {
        if item.header.flags.contains(.keyframe) {
            consumer.pointee.awaitsKeyframe = false
            return true
        }
        consumer.pointee.dropped.add(1)
        return false
    }

    /// The consumer leaves: what is held is dropped, and so is all that comes.
    func close() {
        ring.close()
        var tail = ring.tail
        while let (raw, _) = ring.pop(knownTail: &tail) {
            let item = EdgeState.owned(raw).takeRetainedValue()
            consumer.pointee.dropped.add(1)
            if item.header.duration.isKnown { consumer.pointee.goneTicks.add(Int(item.header.duration.ticks)) }
        }
        producerCore._withUnsafeGuaranteedRef { $0.wake(ring.takePassedFence() ? [.room, .fence] : .room) }
    }

    /// Answers a fence that the consumer has passed.
    @usableFromInline
    func answerFence() {
        guard ring.takePassedFence() else { return }
        producerCore._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.fence) : $0.wake(.fence) }
    }

    /// Everything before the last fence was popped, and nothing behind it; true once for each fence.
    func takeFence() -> Bool {
        let fence = producer.pointee.fence.count
        guard fence != consumer.pointee.takenFence, ring.head &+ 1 == fence else { return false }
        consumer.pointee.takenFence = fence
        return true
    }

    /// At the end of a dispatch, after the fence.
    func wakeProducerThatWaits() {
        guard ring.takeRoomWanted() else { return }
        producerCore._withUnsafeGuaranteedRef { producer in
            guard !isLocal else {
                producer.wakeLocal(.room)
                return
            }
            producer.wakeAsleep(.room)
            consumerCore._withUnsafeGuaranteedRef { $0.lane.rouseSoon(producer.lane) }
        }
    }

    @inlinable
    func wakeWaitingProducer() {
        guard ring.takeRoomWanted() else { return }
        producerCore._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.room) : $0.wake(.room) }
    }

    /// In the middle of a dispatch, which may be long: lets the producer go on once half of the edge is free.
    @inlinable
    func wakeProducerEarly() {
        if !isLocal && (ring.tail &- ring.head) &* 2 <= itemLimit { wakeWaitingProducer() }
    }

    /// All items were taken and no more come.
    @inlinable
    var isEnded: Bool {
        let end = ring.end
        return end >= 0 && ring.head >= end
    }
}
