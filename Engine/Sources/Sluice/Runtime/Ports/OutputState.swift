import CSys
import Synchronization

/// The working part of an output: its edges in plain memory.
///
/// Edges come and go while media run, thousands of them at a relay. An item goes to them in the order in which they
/// came, so that runs repeat. One that leaves makes a hole. When half of the places are holes the rest moves together.
/// So to come and to go cost the same however many there are.
@usableFromInline struct OutputState: ~Copyable {
    @usableFromInline let slot = ReferenceSlot()
    /// Each holds its edge.
    @usableFromInline var links: UnsafeMutablePointer<UnsafeMutablePointer<EdgeState>?>
    /// Places in use, holes among them.
    @usableFromInline var count = 0
    /// Edges.
    @usableFromInline var live = 0
    private var blocking = 0
    private var capacity = 1
    @usableFromInline var hot: UnsafeMutablePointer<DispatchState> = DispatchState.idle
    var format: MediaFormat?
    /// The same, for other threads.
    let published = Mutex<MediaFormat?>(nil)
    @usableFromInline var formatID: ObjectIdentifier?
    /// At least one edge blocks.
    @usableFromInline var isBlocking = false
    /// A blocking edge was full when last looked at: the node holds its inputs.
    @usableFromInline var isFull = false
    /// Sent although full: goes out before the node is called again.
    var spill = Spill()
    /// The most that have waited so. Any thread reads it.
    let waitingMost = Counter()
    @usableFromInline let sentCount = Counter()
    @usableFromInline var lastDts = MediaTime.none
    @usableFromInline var lastDuration = MediaTime.zero
    /// The node was restarted: the first item says so.
    @usableFromInline var marksDiscontinuity = false
    /// Items were sent in this dispatch.
    @usableFromInline var sentItems = false
    /// The node ended the output while items waited.
    var endsAfterSpill = false
    /// Waiting items that a fence stands behind, or −1 when no fence waits for them.
    var fenceBehind = -1

    init() { links = .allocate(capacity: 1) }

    deinit {
        for index in 0..<count { if let edge = links[index] { OutputState.release(edge) } }
        links.deallocate()
    }

    private static func release(_ edge: UnsafeMutablePointer<EdgeState>) {
        edge.pointee.place = -1
        Unmanaged.passUnretained(edge.pointee.owner).release()
    }

    /// In the order in which they came.
    var edges: [Edge] { (0..<count).compactMap { links[$0]?.pointee.owner } }

    mutating func add(_ edge: Edge) {
        if count == capacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<EdgeState>?>.allocate(capacity: capacity * 2)
            larger.moveInitialize(from: links, count: count)
            links.deallocate()
            links = larger
            capacity *= 2
        }
        _ = Unmanaged.passRetained(edge)
        edge.state.pointee.place = count
        (links + count).initialize(to: edge.state)
        count += 1
        live += 1
        if edge.overflow == .block { blocking += 1 }
        isBlocking = blocking > 0
    }

    /// False if the edge was gone.
    mutating func remove(_ edge: Edge) -> Bool {
        let place = edge.state.pointee.place
        guard place >= 0, place < count, links[place] == edge.state else { return false }
        links[place] = nil
        live -= 1
        if edge.overflow == .block { blocking -= 1 }
        isBlocking = blocking > 0
        OutputState.release(edge.state)
        if count > 8 && live * 2 < count { close() }
        if isFull { _ = refreshFull() }
        return true
    }

    /// Moves the edges together.
    private mutating func close() {
        var next = 0
        for index in 0..<count {
            guard let edge = links[index] else { continue }
            links[next] = edge
            edge.pointee.place = next
            next += 1
        }
        count = next
    }

    mutating func removeAll() {
        for index in 0..<count { if let edge = links[index] { OutputState.release(edge) } }
        (count, live, blocking, isBlocking) = (0, 0, 0, false)
    }

    /// Whether every blocking edge has room and nothing waits to go out.
    @usableFromInline
    mutating func refreshFull() -> Bool {
        let full = isBlocking && !hasRoomAgain || !spill.isEmpty
        if full != isFull {
            isFull = full
            hot.pointee.fullOutputs &+= full ? 1 : -1
        }
        return full
    }

    /// Before the fence: says that the node waits for room. True if an edge leads to another lane and something
    /// changed.
    func announce() -> Bool {
        guard sentItems || isFull else { return false }
        if isFull { lastBlocking { $0.pointee.seemsFull }?.pointee.ring.announceRoomWanted() }
        return (0..<count).contains { links[$0]?.pointee.isLocal == false }
    }

    /// Of the edges that block the last for which `body` is true.
    private func lastBlocking(
        _ body: (UnsafeMutablePointer<EdgeState>) -> Bool
    ) -> UnsafeMutablePointer<EdgeState>? {
        for index in (0..<count).reversed() {
            if let edge = links[index], edge.pointee.overflow == .block, body(edge) { return edge }
        }
        return nil
    }

    /// After the fence. The node waits for one of its full edges at a time, or each of many would wake it in vain: for
    /// the last, which has got its items last. False if all have room.
    private func waitsForRoom() -> Bool {
        while let last = lastBlocking({ $0.pointee.isFull }) {
            if last.pointee.ring.isRoomWanted { return true }
            last.pointee.ring.announceRoomWanted()
            HardwareWord.fence()
        }
        return false
    }

    /// After the fence: wakes consumers that wait for the items sent; true if room came meanwhile.
    mutating func lookAgain() -> WakeReasons {
        var why: WakeReasons = []
        if sentItems {
            sentItems = false
            // First all nodes, then their lanes: a lane that runs at once finds all there is to do.
            for index in 0..<count { links[index]?.pointee.wakeConsumerThatWaits() }
            for index in 0..<count { links[index]?.pointee.rouseConsumer() }
            for index in 0..<count {
                guard let edge = links[index], edge.pointee.ring.hasFence else { continue }
                if edge.pointee.ring.takePassedFence() { why.insert(.fence) }
            }
        }
        if isFull && !waitsForRoom() { why.insert(.room) }
        return why
    }

    mutating func placeFence() {
        fenceBehind = spill.isEmpty ? -1 : spill.count
        guard spill.isEmpty else { return }
        for index in 0..<count { links[index]?.pointee.placeFence() }
        // The end of the dispatch looks whether it is passed already.
        sentItems = true
    }

    var isFencePassed: Bool {
        fenceBehind < 0 && !(0..<count).contains { links[$0]?.pointee.ring.isFenceAhead == true }
    }

    /// Whether every blocking edge has room, though something may wait to go out.
    @inline(__always)
    var hasRoomAgain: Bool {
        for index in 0..<count {
            if let edge = links[index], edge.pointee.overflow == .block, edge.pointee.isFull { return false }
        }
        return true
    }

    mutating func drainSpill() -> Bool {
        guard isFull else { return true }
        var sent = 0
        while hasRoomAgain, let item = spill.take() {
            sentItems = true
            push(.passRetained(item))
            sent += 1
            if fenceBehind == sent { for index in 0..<count { links[index]?.pointee.placeFence() } }
        }
        fenceBehind = max(-1, fenceBehind <= sent ? -1 : fenceBehind - sent)
        _ = refreshFull()
        return spill.isEmpty
    }

    mutating func note(_ new: MediaFormat) {
        format = new
        published.withLock { $0 = new }
        formatID = ObjectIdentifier(new)
        for index in 0..<count { links[index]?.pointee.settle(new.kind) }
    }

    /// Fills a missing duration as `MediaItem.Header.duration` says. The item is new then, so nobody else sees it.
    @usableFromInline
    mutating func fillDuration(_ item: MediaItem) {
        let step = item.header.dts.isKnown && lastDts.isKnown ? item.header.dts - lastDts : MediaTime.zero
        if step > .zero && step.ticks <= MediaTime.ticksPerSecond {
            item.header.duration = step
        } else {
            let nominal = item.format.nominalDuration
            item.header.duration = nominal.isKnown ? nominal : lastDuration
        }
    }

    /// The work that only some items need: a duration, a new format.
    @usableFromInline
    mutating func complete(_ item: MediaItem) {
        if !item.header.duration.isKnown { fillDuration(item) }
        if formatID != item.formatID { note(item.format) }
    }

    /// The first item after a restart, as one that does not continue what came before.
    @usableFromInline
    mutating func marked(_ item: Unmanaged<MediaItem>) -> Unmanaged<MediaItem> {
        marksDiscontinuity = false
        let copy = item.takeRetainedValue().withHeaderOfItsOwn()
        copy.header.flags.insert(.discontinuity)
        return .passRetained(copy)
    }

    /// `word` is an owned reference. Not inlined: the conversion to a word is, into the node's code, so that a
    /// reference that the node gives away is not counted up and down around the call.
    @inlinable @inline(never)
    mutating func send(_ word: Int) {
        var item = EdgeState.owned(word)
        if marksDiscontinuity { item = marked(item) }
        item._withUnsafeGuaranteedRef {
            if !$0.header.duration.isKnown || formatID != $0.formatID { complete($0) }
            lastDts = $0.header.dts
            lastDuration = $0.header.duration
        }
        sentItems = true
        hot.pointee.spend()
        if isFull {
            wait(item.takeRetainedValue())
            return
        }
        sentCount.add(1)
        push(item)
        if isBlocking { _ = refreshFull() }
    }

    /// A full edge: the item waits in the node, as long as not too many do.
    @usableFromInline
    mutating func wait(_ item: MediaItem) {
        guard spill.add(item) else {
            hot.pointee.fail(.overfull(items: spill.count, bytes: spill.bytes, at: fullEdge))
            return
        }
        waitingMost.raise(to: spill.count)
        sentCount.add(1)
    }

    /// One that holds the node.
    var fullEdge: UnsafeMutablePointer<EdgeState>? { lastBlocking { $0.pointee.seemsFull } }

    @usableFromInline
    static func retain(_ item: Unmanaged<MediaItem>, times: Int) {
        sys_retain(item.toOpaque(), UInt32(truncatingIfNeeded: times))
    }

    /// To every edge, each with a reference of its own.
    @inlinable @inline(__always)
    func push(_ item: Unmanaged<MediaItem>) {
        let now = hot.pointee.now
        let (header, bytes) = item._withUnsafeGuaranteedRef { ($0.header, $0.byteCount) }
        guard live > 0 else {
            item.release()
            return
        }
        if live > 1 { OutputState.retain(item, times: live &- 1) }
        for index in 0..<count {
            guard let edge = links[index] else { continue }
            edge.pointee.push(item, header, bytes: bytes, at: now)
        }
    }
}
