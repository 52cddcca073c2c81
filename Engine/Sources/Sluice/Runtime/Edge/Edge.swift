/// A bounded ring from one output to one input, with the names of its ends. See `EdgeState` for how it works.
@usableFromInline final class Edge: @unchecked Sendable {
    @usableFromInline let state: UnsafeMutablePointer<EdgeState>
    let plan: EdgePlan
    let identity: EdgeIdentity
    var from: String { identity.from }
    var to: String { identity.to }
    /// Held so that the ring may name them from either side; cleared when both lanes have let go of the edge.
    private(set) var producerEnd: EdgeEnd?
    private(set) var consumerEnd: EdgeEnd?

    init(_ plan: EdgePlan, from producer: EdgeEnd, to consumer: EdgeEnd, epoch: EpochCell?) {
        self.plan = plan
        producerEnd = producer
        consumerEnd = consumer
        identity = EdgeIdentity(plan, from: producer, to: consumer)
        state = .allocate(capacity: 1)
        state.initialize(
            to: EdgeState(
                self, capacity: plan.capacity, overflow: plan.overflow, isOverflowOpen: plan.isOverflowStandard,
                epoch: plan.epoch == .flush ? epoch : nil, from: producer, to: consumer))
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Breaks the cycle between edge and nodes. Both lanes have answered by then.
    func release() {
        producerEnd = nil
        consumerEnd = nil
        state.pointee.keyframeTarget = nil
    }

    /// Settled once the media are known, where the file leaves it open. On the producer's lane.
    var overflow: EdgePolicy.Overflow { state.pointee.overflow }
    /// The same, from any thread.
    var overflowFromOutside: EdgePolicy.Overflow {
        state.pointee.producer.pointee.settled.count == 1 ? .dropOldest : plan.overflow
    }
    func flushes(with epoch: EpochCell) -> Bool { state.pointee.epoch === epoch }
    var pushed: Int { state.pointee.producer.pointee.pushed.count }
    var popped: Int { state.pointee.consumer.pointee.popped.count }
    var dropped: Int { state.pointee.producer.pointee.dropped.count + state.pointee.consumer.pointee.dropped.count }
    /// Before the first item came through: the beginning is not part of what is kept.
    var droppedBefore: Int { state.pointee.consumer.pointee.droppedBefore.count }
    var flushed: Int { state.pointee.consumer.pointee.flushed.count }
    /// In the ring, and peeked at.
    var held: Int {
        state.pointee.ring.tail - state.pointee.ring.head + state.pointee.consumer.pointee.peeked.count
    }
    /// Media held, in milliseconds.
    var heldMilliseconds: Int { Int(heldTime.milliseconds) }
    var heldTime: MediaTime {
        let gone = state.pointee.consumer.pointee.goneTicks.count
        let there =
            state.pointee.producer.pointee.pushedTicks.count - state.pointee.producer.pointee.droppedTicks.count - gone
        return MediaTime(ticks: Int64(max(0, there)))
    }
    /// Payload held, in bytes.
    var heldBytes: Int {
        let gone = state.pointee.consumer.pointee.goneBytes.count
        let producer = state.pointee.producer
        return max(0, producer.pointee.bytes.count - producer.pointee.droppedBytes.count - gone)
    }
}
