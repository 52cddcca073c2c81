import CSys
import Synchronization

/// The working part of an output: its edges in plain memory.
public struct OutputState: ~Copyable {
    @usableFromInline let slot = ReferenceSlot()
    @usableFromInline var links: UnsafeMutablePointer<UnsafeMutablePointer<EdgeState>>
    @usableFromInline var count = 0
    private var capacity = 1
    @usableFromInline var hot: UnsafeMutablePointer<NodeCore.Hot> = NodeCore.idle
    var format: MediaFormat?
    /// The same, for other threads.
    let published = Mutex<MediaFormat?>(nil)
    @usableFromInline var formatID: ObjectIdentifier?
    /// At least one edge blocks.
    @usableFromInline var isBlocking = false
    /// A blocking edge was full when last looked at: the node holds its inputs.
    @usableFromInline var isFull = false
    /// Sent although full: goes out before the node is called again.
    @usableFromInline var spill: [MediaItem] = []
    @usableFromInline var sentCount = 0
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

    mutating func add(_ edge: UnsafeMutablePointer<EdgeState>, isBlocking blocks: Bool) {
        if count == capacity {
            let larger = UnsafeMutablePointer<UnsafeMutablePointer<EdgeState>>.allocate(capacity: capacity * 2)
            larger.moveInitialize(from: links, count: count)
            links.deallocate()
            links = larger
            capacity *= 2
        }
        (links + count).initialize(to: edge)
        count += 1
        isBlocking = isBlocking || blocks
    }

    mutating func remove(_ edge: UnsafeMutablePointer<EdgeState>) {
        guard let index = (0..<count).first(where: { links[$0] == edge }) else { return }
        for later in (index + 1)..<max(count, index + 1) { links[later - 1] = links[later] }
        count -= 1
        isBlocking = (0..<count).contains { links[$0].pointee.overflow == .block }
        _ = refreshFull()
    }

    /// Whether every blocking edge has room and nothing waits to go out.
    @inlinable
    mutating func refreshFull() -> Bool {
        let full =
            !spill.isEmpty
            || isBlocking && (0..<count).contains { links[$0].pointee.overflow == .block && links[$0].pointee.isFull }
        if full != isFull {
            isFull = full
            hot.pointee.fullOutputs &+= full ? 1 : -1
        }
        return full
    }

    /// Before the fence: says that the node waits for room. True if an edge leads to another lane and something changed.
    func announce() -> Bool {
        guard sentItems || isFull else { return false }
        if isFull, let last = (0..<count).last(where: { blocks(links[$0]) && links[$0].pointee.seemsFull }) {
            links[last].pointee.ring.announceRoomWanted()
        }
        return (0..<count).contains { !links[$0].pointee.isLocal }
    }

    private func blocks(_ edge: UnsafeMutablePointer<EdgeState>) -> Bool { edge.pointee.overflow == .block }

    /// After the fence. The node waits for one of its full edges at a time, or each of many would wake it in vain: for the
    /// last, which has got its items last. False if all have room.
    private func waitsForRoom() -> Bool {
        while let last = (0..<count).last(where: { blocks(links[$0]) && links[$0].pointee.isFull }) {
            if links[last].pointee.ring.isRoomWanted { return true }
            links[last].pointee.ring.announceRoomWanted()
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
            for index in 0..<count { links[index].pointee.wakeConsumerThatWaits() }
            for index in 0..<count { links[index].pointee.rouseConsumer() }
            for index in 0..<count where links[index].pointee.ring.hasFence {
                if links[index].pointee.ring.takePassedFence() { why.insert(.fence) }
            }
        }
        if isFull && !waitsForRoom() { why.insert(.room) }
        return why
    }

    mutating func placeFence() {
        fenceBehind = spill.isEmpty ? -1 : spill.count
        guard spill.isEmpty else { return }
        for index in 0..<count { links[index].pointee.placeFence() }
        // The end of the dispatch looks whether it is passed already.
        sentItems = true
    }

    var isFencePassed: Bool {
        fenceBehind < 0 && !(0..<count).contains { links[$0].pointee.ring.isFenceAhead }
    }

    /// Whether every blocking edge has room, though something may wait to go out.
    var hasRoomAgain: Bool {
        !(0..<count).contains { links[$0].pointee.overflow == .block && links[$0].pointee.isFull }
    }

    mutating func drainSpill() -> Bool {
        guard isFull else { return true }
        var sent = 0
        while sent < spill.count, hasRoomAgain {
            sentItems = true
            push(.passRetained(spill[sent]))
            sent += 1
            if fenceBehind == sent { for index in 0..<count { links[index].pointee.placeFence() } }
        }
        spill.removeFirst(sent)
        fenceBehind = max(-1, fenceBehind <= sent ? -1 : fenceBehind - sent)
        _ = refreshFull()
        return spill.isEmpty
    }

    mutating func note(_ new: MediaFormat) {
        format = new
        published.withLock { $0 = new }
        formatID = ObjectIdentifier(new)
        for index in 0..<count { links[index].pointee.settle(new.kind) }
    }

    /// Fills a missing duration as `Header.duration` says. The item is new then, so nobody else sees it.
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

    /// What only some items need: a duration, a new format, the mark of a restart.
    @usableFromInline
    mutating func complete(_ item: MediaItem) {
        if !item.header.duration.isKnown { fillDuration(item) }
        if formatID != item.formatID { note(item.format) }
        if marksDiscontinuity {
            item.header.flags.insert(.discontinuity)
            marksDiscontinuity = false
        }
    }

    /// `word` is an owned reference. Not inlined: the conversion to a word is, into the node's code, so that a reference
    /// that the node gives away is not counted up and down around the call.
    @inlinable @inline(never)
    mutating func send(_ word: Int) {
        let item = EdgeState.owned(word)
        item._withUnsafeGuaranteedRef {
            if !$0.header.duration.isKnown || formatID != $0.formatID || marksDiscontinuity { complete($0) }
            lastDts = $0.header.dts
            lastDuration = $0.header.duration
        }
        sentItems = true
        sentCount &+= 1
        hot.pointee.spend()
        if isFull {
            spill.append(item.takeRetainedValue())
            return
        }
        push(item)
        if isBlocking { _ = refreshFull() }
    }

    @usableFromInline
    static func retain(_ item: Unmanaged<MediaItem>, times: Int) {
        sys_retain(item.toOpaque(), UInt32(truncatingIfNeeded: times))
    }

    /// To every edge, each with a reference of its own.
    @inlinable @inline(__always)
    func push(_ item: Unmanaged<MediaItem>) {
        let now = hot.pointee.now
        let header = item._withUnsafeGuaranteedRef { $0.header }
        guard count > 0 else {
            item.release()
            return
        }
        if count > 1 { OutputState.retain(item, times: count &- 1) }
        for index in 0..<count { links[index].pointee.push(item, header, at: now) }
    }
}
