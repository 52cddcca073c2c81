import CSys
import Synchronization

/// What every output shares. Created as a stored property of a node; connected by the engine.
public class OutputPort: @unchecked Sendable {
    /// The port as validation sees it.
    public let spec: PortSpec
    @usableFromInline let state: UnsafeMutablePointer<OutputState>
    private(set) var edges: [Edge] = []

    init(_ spec: PortSpec) {
        self.spec = spec
        state = .allocate(capacity: 1)
        state.initialize(to: OutputState())
    }

    /// `format` for another thread than the lane's.
    var formatFromOutside: MediaFormat? { state.pointee.published.withLock { $0 } }

    deinit {
        state.pointee.links.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Every port of a node shares its budget, connected or not.
    func bind(_ core: NodeCore) { state.pointee.hot = core.hot }

    /// On the node's lane, or before it runs.
    func connect(_ edge: Edge) {
        edges.append(edge)
        state.pointee.add(edge.state, isBlocking: edge.overflow == .block)
        if let format = state.pointee.format { edge.state.pointee.settle(format.kind) }
    }

    /// On the node's lane, or when it no longer runs. False if the edge was gone.
    func detach(_ edge: Edge) -> Bool {
        guard edges.contains(where: { $0 === edge }) else { return false }
        edges.removeAll { $0 === edge }
        state.pointee.remove(edge.state)
        return true
    }

    /// Takes over the edges of a failed instance and what it could not send.
    func takeOver(from other: OutputPort) {
        for edge in other.edges { connect(edge) }
        state.pointee.sentCount = other.state.pointee.sentCount
        state.pointee.fenceBehind = other.state.pointee.fenceBehind
        state.pointee.spill = other.state.pointee.spill
        other.state.pointee.spill = []
        state.pointee.isFull = false
        if other.state.pointee.isFull { state.pointee.hot.pointee.fullOutputs -= 1 }
        _ = state.pointee.refreshFull()
        other.edges = []
    }

    /// The next item says that it does not continue what came before.
    func markDiscontinuity() { state.pointee.marksDiscontinuity = true }

    /// Sends what waited in the node as far as there is room; true when nothing waits.
    func drainSpill() -> Bool {
        let isEmpty = state.pointee.drainSpill()
        if isEmpty && state.pointee.endsAfterSpill { end() }
        return isEmpty
    }

    public final var isConnected: Bool { !edges.isEmpty }
    /// The source that `prepare` opened has no such stream: optional edges vanish, others fail with both ends named.
    public private(set) final var isAbsent = false
    /// What was fixed in `prepare` or sent last; nil while open.
    public final var format: MediaFormat? { state.pointee.format }

    /// Fixes the format of what is going to be sent. In `prepare`; later the items' own formats tell.
    public final func fix(_ format: MediaFormat) { state.pointee.note(format) }

    /// In `prepare`: there is no such stream.
    public final func markAbsent() { isAbsent = true }

    /// Items sent that the next node has not taken: those waiting in this port and on the fullest of its edges. The next
    /// node may take some while this is looked at.
    public final var depth: Int { (edges.map(\.held).max() ?? 0) + state.pointee.spill.count }

    /// Items sent.
    var sent: Int { state.pointee.sentCount }

    /// Where an edge of packets that depend on each other begins when it joins in mid-stream: at a keyframe, which is asked
    /// for, or with the next packet whatever it is. In `prepare`.
    public final var joinsAtKeyframe = true

    /// How long media stay in the node on the way to this output, at least and at most. In `prepare`.
    public final var latency: Latency = .zero

    /// No more items come. The engine calls it when the node is done; a node may end one of several outputs earlier.
    public final func end() {
        state.pointee.endsAfterSpill = !state.pointee.spill.isEmpty
        guard !state.pointee.endsAfterSpill else { return }
        for edge in edges {
            edge.state.pointee.ring.finish()
            edge.consumer?.wake(.input)
        }
    }

    /// Asks to be woken, with `.fence`, when everything sent so far has left the edges: taken by the next node, dropped or
    /// flushed. One fence is kept, the last; on an output without edges it is passed at once. The next node sees it too, as
    /// `InputPort.takeFence`.
    public final func placeFence() { state.pointee.placeFence() }

    /// Everything sent before the last `placeFence` has left the edges.
    public final var isFencePassed: Bool { state.pointee.isFencePassed }
}

/// How long a node keeps media.
public struct Latency: Equatable, Sendable {
    public var min: Interval
    public var max: Interval

    public init(min: Interval, max: Interval) {
        self.min = min
        self.max = max
    }

    public static let zero = Latency(min: .zero, max: .zero)
    public static func + (a: Latency, b: Latency) -> Latency { Latency(min: a.min + b.min, max: a.max + b.max) }
}

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

/// A media output with at most one edge. Only the node's own lane uses it, inside `process` and `finish`.
public final class Output<Item: MediaItem>: OutputPort, @unchecked Sendable {
    /// `formats` narrows what `Item` allows. `follows` names the input whose formats come out unchanged. `optional`
    /// outputs may be left unconnected; what is sent to them is dropped.
    public init(
        _ name: String, _ formats: FormatSet? = nil, variants: [PortSpec.Variant] = [], follows: String? = nil,
        optional: Bool = false
    ) {
        super.init(
            PortSpec(
                name, formats ?? Item.possibleFormats, variants: variants, follows: follows, isOptional: optional))
    }

    /// The edge is not full and the dispatch's budget not used up. For nodes that make items of their own; where
    /// `Input.next` drives, a full output holds the inputs by itself.
    @inlinable
    public var hasRoom: Bool { state.pointee.hot.pointee.budget > 0 && !state.pointee.isFull }

    /// Sends `item`, which nobody may change from now on. A full blocking edge lets it wait in the node, which is not
    /// called again before it went out.
    @inlinable @inline(__always)
    public func send(_ item: consuming Item) { state.pointee.send(state.pointee.slot.word(of: item)) }
}

/// An output with any number of edges, that come and go while the graph runs: a relay's. Every item goes to all.
public final class FanOut<Item: MediaItem>: OutputPort, @unchecked Sendable {
    public init(_ name: String, _ formats: FormatSet? = nil, follows: String? = nil) {
        super.init(
            PortSpec(name, formats ?? Item.possibleFormats, follows: follows, isMany: true, isOptional: true))
    }

    @inlinable
    public var hasRoom: Bool { state.pointee.hot.pointee.budget > 0 && !state.pointee.isFull }

    @inlinable @inline(__always)
    public func send(_ item: consuming Item) { state.pointee.send(state.pointee.slot.word(of: item)) }
}
