/// The working part of an input: no reference counting and no exclusivity checks on the path of an item.
@usableFromInline struct InputState: ~Copyable {
    @usableFromInline var edge: UnsafeMutablePointer<EdgeState>?
    @usableFromInline var hot: UnsafeMutablePointer<DispatchState> = DispatchState.idle
    /// Popped from the ring but not handed out.
    @usableFromInline var peeked: MediaItem?
    /// Nanoseconds: when the last item popped was pushed.
    @usableFromInline var arrival = 0
    /// The format that the producer announced in its `prepare`.
    var announced: MediaFormat?
    /// The format of the last item that the node got.
    var handedOut: MediaFormat?
    @usableFromInline var handedOutID: ObjectIdentifier?
    @usableFromInline var formatChanged = false
    /// Said empty to the node in this dispatch, so the node waits for items.
    @usableFromInline var sawEmpty = false
    /// Items were taken in this dispatch, so the producer may wait for the room.
    @usableFromInline var tookItems = false
    /// The node was woken for the end of the edge.
    var wasToldEnd = false

    /// The formats that the port takes in its node.
    var formats: FormatSet
    /// The last format that was found to fit, kept so that its identity stays its own.
    private var admitted: MediaFormat?
    @usableFromInline var admittedID: ObjectIdentifier?
    @usableFromInline var admittedClass: ObjectIdentifier?
    /// The class of the port's items.
    private let itemClass: MediaItem.Type

    init(takes formats: FormatSet, in itemClass: MediaItem.Type) {
        self.formats = formats
        self.itemClass = itemClass
    }

    /// The next item as the node is to see it; ignores budget and held outputs.
    @inlinable @inline(__always)
    mutating func advance() -> MediaItem? {
        guard let edge else { return nil }
        if peeked != nil, let item = takePeeked() {
            edge.pointee.notePeeked(false)
            return item
        }
        guard let item = edge.pointee.take(now: hot.pointee.now, arrival: &arrival) else {
            // Stale items may have gone, so there may be room for a producer that waits for it.
            (sawEmpty, tookItems) = (true, true)
            return nil
        }
        tookItems = true
        if edge.pointee.ring.isRoomWanted && hot.pointee.wakesEarly { edge.pointee.wakeProducerEarly() }
        return item
    }

    @inlinable
    mutating func takePeeked() -> MediaItem? {
        guard let edge, let item = peeked.take(), !edge.pointee.flushes(peeked: item) else { return nil }
        return item
    }

    /// The item that `advance` would give, kept for it.
    @usableFromInline
    mutating func look() -> MediaItem? {
        peeked = advance()
        if peeked != nil { edge?.pointee.notePeeked(true) }
        return peeked
    }

    @inlinable
    var isEnded: Bool {
        guard let edge else { return true }
        return peeked == nil && edge.pointee.isEnded
    }

    /// Before the fence: says that the node waits. True if the edge leads to another lane and something changed.
    func announce() -> Bool {
        guard let edge else { return false }
        if sawEmpty { edge.pointee.ring.announceItemsWanted() }
        return (sawEmpty || tookItems) && !edge.pointee.isLocal
    }

    /// After the fence: wakes a producer that waits for the room made; true if items came meanwhile.
    mutating func lookAgain() -> Bool {
        guard let edge else { return false }
        if tookItems {
            tookItems = false
            if edge.pointee.ring.isRoomWanted {
                // A node that is dispatched again looks again then.
                if hot.pointee.budget <= 0 && edge.pointee.mayLetProducerWait {
                    tookItems = true
                } else {
                    edge.pointee.wakeProducerThatWaits()
                }
            }
            if edge.pointee.ring.hasFence { edge.pointee.answerFence() }
        }
        guard sawEmpty else { return false }
        sawEmpty = false
        if edge.pointee.isEnded {
            // Once: a node that goes on with other inputs finds this one empty every time it looks.
            guard !wasToldEnd else { return false }
            wasToldEnd = true
        }
        return edge.pointee.ring.findsNews()
    }

    /// Another format than the last item's: identity first, equality where that differs.
    @usableFromInline
    mutating func note(_ new: MediaFormat) {
        formatChanged = handedOut.map { $0 != new } ?? true
        handedOut = new
        handedOutID = ObjectIdentifier(new)
    }

    /// An item of a format or a class that was not looked at yet. False if the port does not take it, or it is not of
    /// the class that its format says; then the node fails with both ends named.
    @usableFromInline
    mutating func admit(_ item: MediaItem) -> Bool {
        guard let edge else { return false }
        guard formats.contains(item.format) else {
            hot.pointee.fail(.format(item.format, at: edge, takes: formats))
            return false
        }
        guard item.isWhatItSays, itemClass == MediaItem.self || type(of: item) == itemClass else {
            hot.pointee.fail(.itemClass(item, at: edge, takes: itemClass))
            return false
        }
        // The format of the item handed out last is no longer the one that was looked at.
        handedOutID = nil
        admitted = item.format
        admittedID = item.formatID
        admittedClass = ObjectIdentifier(type(of: item))
        return true
    }

    @inlinable @inline(__always)
    func hasAdmitted(_ item: MediaItem) -> Bool {
        admittedID == item.formatID && admittedClass == ObjectIdentifier(type(of: item))
    }

    /// Nothing about it differs from the item that was handed out last.
    @inlinable @inline(__always)
    func isAsBefore(_ item: MediaItem) -> Bool {
        handedOutID == item.formatID && admittedClass == ObjectIdentifier(type(of: item))
    }

    /// The item that was peeked at is lost.
    @usableFromInline
    mutating func dropPeeked() { if peeked.take() != nil { edge?.pointee.dropPeeked() } }

    /// A dispatch begins.
    func see(_ view: inout EpochView) { edge?.pointee.see(&view) }
}
