/// The producer's side of an edge, on the producer's lane.
extension EdgeState {
    /// Written by the producer's lane alone.
    @usableFromInline
    struct ProducerSide: ~Copyable {
        @usableFromInline var overflow: EdgePolicy.Overflow
        /// The file left the policy of a shared output to the media, which are not known yet.
        var isOverflowOpen: Bool
        /// 1 once the media have made `dropOldest` of an open policy; for other threads.
        let settled = Counter()
        /// Packets depend on each other: after a loss nothing passes until a keyframe. Known with the first format.
        @usableFromInline var isDependent = false
        @usableFromInline let pushed = Counter()
        @usableFromInline let dropped = Counter()
        @usableFromInline let pushedTicks = Counter()
        @usableFromInline let droppedTicks = Counter()
        /// Pushed.
        @usableFromInline let bytes = Counter()
        @usableFromInline let droppedBytes = Counter()
        @usableFromInline var lastTicks = 0
        @usableFromInline var lastBytes = 0
        /// The consumer's head, ticks and bytes as last seen: looked up afresh only when the edge seems full.
        @usableFromInline var knownHead = 0
        @usableFromInline var knownGoneTicks = 0
        @usableFromInline var knownGoneBytes = 0
        /// Position of the last keyframe pushed, or −1.
        @usableFromInline var keyframe = -1
        /// A loss broke the chain: only a keyframe may be pushed.
        @usableFromInline var refusesDependent = false
        /// One more than the position of the last fence, for the consumer; 0 where there was none.
        let fence = Counter()

        init(_ overflow: EdgePolicy.Overflow, isOpen: Bool) { (self.overflow, isOverflowOpen) = (overflow, isOpen) }
    }

    @inlinable @inline(__always)
    var overflow: EdgePolicy.Overflow { producer.pointee.overflow }

    /// The kind of media is known: dropping to a keyframe is for packets that depend on each other.
    func settle(_ kind: MediaFormat.Kind) {
        producer.pointee.isDependent = kind.hasDependentPackets
        guard producer.pointee.isOverflowOpen else { return }
        producer.pointee.isOverflowOpen = false
        guard !kind.hasDependentPackets else { return }
        producer.pointee.overflow = .dropOldest
        producer.pointee.settled.set(1)
    }

    /// In the ring, as far as the consumer's progress is known.
    @inlinable @inline(__always)
    var knownCount: Int { ring.tailForProducer &- producer.pointee.knownHead }
    @inlinable @inline(__always)
    var knownTicks: Int {
        producer.pointee.pushedTicks.count &- producer.pointee.droppedTicks.count &- producer.pointee.knownGoneTicks
    }
    @inlinable @inline(__always)
    var knownBytes: Int {
        producer.pointee.bytes.count &- producer.pointee.droppedBytes.count &- producer.pointee.knownGoneBytes
    }

    @inlinable @inline(__always)
    func lookAtConsumer() {
        producer.pointee.knownHead = ring.head
        producer.pointee.knownGoneTicks = consumer.pointee.goneTicks.count
        producer.pointee.knownGoneBytes = consumer.pointee.goneBytes.count
    }

    @inlinable @inline(__always)
    var seemsFull: Bool {
        let count = knownCount
        if count >= itemLimit { return true }
        return count > 0
            && (knownTicks &+ producer.pointee.lastTicks > tickLimit
                || knownBytes &+ producer.pointee.lastBytes > byteLimit)
    }

    /// Looks the consumer's progress up where the edge seems full.
    @inlinable
    var isFull: Bool {
        // Of an edge whose consumer has left nothing goes out any more, and what comes is dropped.
        guard seemsFull, !ring.isClosed else { return false }
        lookAtConsumer()
        return seemsFull
    }

    /// Appends `item`, a reference that the edge now owns and whose duration is known, as the overflow policy allows. A
    /// `block` edge is not looked at: the caller has seen room.
    @inlinable @inline(__always)
    func push(_ item: Unmanaged<MediaItem>, _ header: MediaItem.Header, bytes: Int, at now: Int) {
        let ticks = header.duration.isKnown ? Int(header.duration.ticks) : 0
        producer.pointee.lastTicks = ticks
        producer.pointee.lastBytes = bytes
        producer.pointee.pushed.add(1)
        producer.pointee.pushedTicks.add(ticks)
        producer.pointee.bytes.add(bytes)
        let signal = ring.consumerSignal
        if overflow != .block || signal > 1 {
            guard makeRoom(isKeyframe: header.flags.contains(.keyframe)) else {
                producer.pointee.dropped.add(1)
                producer.pointee.droppedTicks.add(ticks)
                producer.pointee.droppedBytes.add(bytes)
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

    /// `isFull` for an item that is counted in `pushedTicks` and `bytes` already.
    @inlinable
    var isFullWithPushed: Bool {
        func full() -> Bool {
            let count = knownCount
            return count >= itemLimit || count > 0 && (knownTicks > tickLimit || knownBytes > byteLimit)
        }
        guard full() else { return false }
        lookAtConsumer()
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
        producer.pointee.droppedBytes.add(item.byteCount)
        if item.header.duration.isKnown { producer.pointee.droppedTicks.add(Int(item.header.duration.ticks)) }
    }

    @inlinable
    func requestKeyframe() { keyframeTarget?.postRequest() }

    @inlinable
    func wakeWaitingConsumer() {
        guard ring.takeItemsWanted() else { return }
        consumerEnd._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wake(.input) }
    }

    /// In the middle of a dispatch; what is not woken here is at its end, which is near where the budget is used up.
    @inlinable
    func wakeConsumerEarly() {
        let isEarly = producerEnd._withUnsafeGuaranteedRef {
            $0.hot.pointee.wakesEarly && $0.hot.pointee.budget > 0 && consumer.pointee.isForProducer.count == 0
        }
        if isLocal || isEarly { wakeWaitingConsumer() }
    }

    /// At the end of a dispatch, after the fence; `rouseConsumer` follows. A consumer that was woken earlier and has
    /// taken everything waits for more; it is left alone.
    func wakeConsumerThatWaits() {
        guard ring.consumerSignal == 1, ring.head != ring.tailForProducer, ring.takeItemsWanted() else { return }
        consumerEnd._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wakeAsleep(.input) }
    }

    /// A fence stands behind what was pushed so far: both sides learn when the consumer has come to it.
    func placeFence() {
        ring.placeFence()
        producer.pointee.fence.set(ring.tailForProducer &+ 1)
        consumerEnd._withUnsafeGuaranteedRef { isLocal ? $0.wakeLocal(.input) : $0.wake(.input) }
    }

    /// The consumer's lane runs if it has reason to.
    func rouseConsumer() {
        guard !isLocal else { return }
        producerEnd._withUnsafeGuaranteedRef { producer in
            consumerEnd._withUnsafeGuaranteedRef { producer.rouse($0) }
        }
    }
}
