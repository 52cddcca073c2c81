import Synchronization

/// The working part of an edge: the ring, what each side knows, and what a full or stale edge does.
///
/// Counters are written by one side each, so that pushed = popped + dropped + flushed + held at every moment when both
/// sides are quiet. Depth in milliseconds is the sum of durations pushed − dropped − gone, never a difference of
/// timestamps; depth in bytes is the same sum of payloads. A block edge has room while fewer than the bound of items
/// are held and one more like the last stays within the bounds of time and of bytes. An empty edge always has room.
@usableFromInline struct EdgeState: ~Copyable {
    @usableFromInline let ring: Ring<HardwareWord>
    @usableFromInline let producer: UnsafeMutablePointer<ProducerSide>
    @usableFromInline let consumer: UnsafeMutablePointer<ConsumerSide>
    @usableFromInline let itemLimit: Int
    @usableFromInline let tickLimit: Int
    @usableFromInline let byteLimit: Int
    /// nil on an edge that keeps what is stale.
    let epoch: EpochCell?
    /// Both ends run on one lane.
    @usableFromInline let isLocal: Bool
    @usableFromInline let producerEnd: Unmanaged<EdgeEnd>
    @usableFromInline let consumerEnd: Unmanaged<EdgeEnd>
    /// For messages: the edge that this is part of, which outlives it.
    unowned(unsafe) let owner: Edge
    /// Its place among the edges of its output; −1 while it has none. Of the producer's lane.
    var place = -1
    /// Set once, before media flow: where to ask for a keyframe on this edge.
    @usableFromInline var keyframeTarget: ControlCell?

    init(
        _ owner: Edge, capacity: EdgePolicy.Capacity, overflow: EdgePolicy.Overflow, isOverflowOpen: Bool,
        epoch: EpochCell?, from producerEnd: EdgeEnd, to consumerEnd: EdgeEnd
    ) {
        let isLocal = producerEnd.sharesLane(with: consumerEnd)
        let producerDrops = overflow == .dropOldest || overflow == .dropToKeyframe
        // On one lane the two sides take turns: nobody else moves the head while the consumer does.
        ring = Ring(capacity: capacity.items, producerDrops: producerDrops && !isLocal)
        producer = .allocate(capacity: 1)
        producer.initialize(to: ProducerSide(overflow, isOpen: isOverflowOpen && overflow == .dropToKeyframe))
        consumer = .allocate(capacity: 1)
        consumer.initialize(to: ConsumerSide())
        itemLimit = capacity.items
        tickLimit = Int(MediaTime.milliseconds(Int64(capacity.milliseconds)).ticks)
        byteLimit = capacity.bytes
        self.epoch = epoch
        self.isLocal = isLocal
        self.producerEnd = .passUnretained(producerEnd)
        self.consumerEnd = .passUnretained(consumerEnd)
        self.owner = owner
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
}
