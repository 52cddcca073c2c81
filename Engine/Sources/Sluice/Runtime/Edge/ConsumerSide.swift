/// The consumer's side of an edge, on the consumer's lane.
extension EdgeState {
    /// Written by the consumer's lane alone.
    @usableFromInline
    struct ConsumerSide: ~Copyable {
        @usableFromInline let popped = Counter()
        /// 1 while the input holds an item that the node has seen at most: it is out of the ring, and still on the
        /// edge.
        @usableFromInline let peeked = Counter()
        @usableFromInline let flushed = Counter()
        @usableFromInline let dropped = Counter()
        /// Dropped by both sides before the first item came through.
        let droppedBefore = Counter()
        /// Ticks that were popped, flushed or dropped by this side.
        @usableFromInline let goneTicks = Counter()
        /// Bytes of the same.
        @usableFromInline let goneBytes = Counter()
        @usableFromInline let depthMax = Counter()
        @usableFromInline let depthMaxTicks = Counter()
        @usableFromInline let depthMaxBytes = Counter()
        @usableFromInline let transit = Histogram()
        /// 1 where the lane that sends had better run this side's node than wake another thread.
        @usableFromInline let isForProducer = Counter()
        @usableFromInline let slot = ReferenceSlot()
        @usableFromInline var knownTail = 0
        /// The present epoch as the consumer's dispatch sees it, less one; 0, which makes nothing stale, on an edge
        /// that keeps. So one comparison of `epoch &- 1` finds what is stale, and 0 never is.
        @usableFromInline var staleBelow: UInt32 = 0
        /// A flush broke the chain: only a keyframe may pass.
        @usableFromInline var awaitsKeyframe = false
        /// The last fence that the node was told of.
        var takenFence = 0
        @usableFromInline init() {}
    }

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
            consumer.pointee.goneBytes.add(item.byteCount)
            if item.header.epoch &- 1 < consumer.pointee.staleBelow {
                flush(item)
                continue
            }
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

    /// It is older than the session's present epoch, on an edge that flushes.
    @usableFromInline
    func isStale(_ item: MediaItem) -> Bool { item.header.epoch &- 1 < consumer.pointee.staleBelow }

    /// Whether a peeked item has become stale: then it counts as flushed and is no longer held.
    @usableFromInline
    func flushes(peeked item: MediaItem) -> Bool {
        guard isStale(item) else { return false }
        consumer.pointee.peeked.set(0)
        flush(item)
        return true
    }

    /// A peeked item is let go of.
    func dropPeeked() {
        consumer.pointee.peeked.set(0)
        consumer.pointee.dropped.add(1)
    }

    /// The first item comes through, or the first one that may pass.
    @usableFromInline
    func noteFirst() {
        consumer.pointee.droppedBefore.set(producer.pointee.dropped.count &+ consumer.pointee.dropped.count)
    }

    @inlinable
    func noteDepth() {
        if consumer.pointee.popped.count == 0 { noteFirst() }
        consumer.pointee.depthMax.raise(to: consumer.pointee.knownTail &- ring.head &+ 1)
        consumer.pointee.depthMaxTicks.raise(
            to: producer.pointee.pushedTicks.count &- producer.pointee.droppedTicks.count
                &- consumer.pointee.goneTicks.count)
        consumer.pointee.depthMaxBytes.raise(
            to: producer.pointee.bytes.count &- producer.pointee.droppedBytes.count &- consumer.pointee.goneBytes.count)
    }

    /// A dispatch of the consumer begins: what is stale is decided now and stays so until its end.
    func see(_ view: inout EpochView) {
        guard let epoch else { return }
        consumer.pointee.staleBelow = view.epoch(of: epoch) &- 1
    }

    /// Counts a stale item.
    @usableFromInline
    func flush(_ item: MediaItem) {
        consumer.pointee.flushed.add(1)
        if item.format.kind.hasDependentPackets && !consumer.pointee.awaitsKeyframe {
            consumer.pointee.awaitsKeyframe = true
            requestKeyframe()
        }
    }

    @inlinable
    func endsWait(_ item: MediaItem) -> Bool {
        if item.header.flags.contains(.keyframe) {
            consumer.pointee.awaitsKeyframe = false
            return true
        }
        consumer.pointee.dropped.add(1)
        if consumer.pointee.popped.count == 0 { noteFirst() }
        return false
    }

    /// The consumer leaves: what is held is dropped, and so is all that comes.
    func close() {
        ring.close()
        var tail = ring.tail
        while let (raw, _) = ring.pop(knownTail: &tail) {
            let item = EdgeState.owned(raw).takeRetainedValue()
            consumer.pointee.dropped.add(1)
            consumer.pointee.goneBytes.add(item.byteCount)
            if item.header.duration.isKnown { consumer.pointee.goneTicks.add(Int(item.header.duration.ticks)) }
        }
        producerEnd._withUnsafeGuaranteedRef { $0.wake(ring.takePassedFence() ? [.room, .fence] : .room) }
    }

    /// Answers a fence that the consumer has passed.
    @usableFromInline
    func answerFence() {
        guard ring.takePassedFence() else { return }
        producerEnd._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.fence) : $0.wake(.fence) }
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
        producerEnd._withUnsafeGuaranteedRef { producer in
            guard !isLocal else {
                producer.wakeLocal(.room)
                return
            }
            producer.wakeAsleep(.room)
            consumerEnd._withUnsafeGuaranteedRef { $0.rouse(producer) }
        }
    }

    @inlinable
    func wakeWaitingProducer() {
        guard ring.takeRoomWanted() else { return }
        producerEnd._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.room) : $0.wake(.room) }
    }

    /// In the middle of a dispatch, which may be long: lets the producer go on once half of the edge is free.
    @inlinable
    func wakeProducerEarly() {
        if !isLocal && (ring.tail &- ring.head) &* 2 <= itemLimit { wakeWaitingProducer() }
    }

    /// At the end of a dispatch after which the consumer goes on. A producer on another lane that is woken for each
    /// item costs both a wake-up an item. So it waits until half of the edge is free.
    var mayLetProducerWait: Bool { !isLocal && (ring.tail &- ring.head) &* 2 > itemLimit }

    /// All items were taken and no more come.
    @inlinable
    var isEnded: Bool {
        let end = ring.end
        return end >= 0 && ring.head >= end
    }
}
