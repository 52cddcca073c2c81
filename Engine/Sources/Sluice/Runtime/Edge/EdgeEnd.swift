/// The node at one end of an edge, as far as the edge knows it: what its dispatch allows, and how it is woken.
///
/// The engine's node overrides the calls; an end that nobody runs needs none.
@usableFromInline class EdgeEnd: @unchecked Sendable {
    /// `listener.1/pacer`: unique in the run.
    final let name: String
    /// The state that ports and edges look at for every item.
    @usableFromInline final let hot: UnsafeMutablePointer<DispatchState>

    init(name: String) {
        self.name = name
        hot = .allocate(capacity: 1)
        hot.initialize(to: DispatchState())
    }

    deinit {
        hot.deinitialize(count: 1)
        hot.deallocate()
    }

    /// From any thread.
    @usableFromInline
    func wake(_ reason: WakeReasons) {}

    /// From any thread: the lane finds the node when it looks, and sleeps on if it sleeps. The caller rouses it.
    func wakeAsleep(_ reason: WakeReasons) {}

    /// On the node's lane.
    @usableFromInline
    func wakeLocal(_ reason: WakeReasons) {}

    /// On this node's lane, after `other` was woken asleep: the lane of `other` runs soon if it has reason to.
    func rouse(_ other: EdgeEnd) {}

    /// Both run on one lane.
    func sharesLane(with other: EdgeEnd) -> Bool { false }

    /// The declaration of a port; nil where the node has none of that name.
    func spec(ofOutput name: String) -> PortSpec? { nil }
    func spec(ofInput name: String) -> PortSpec? { nil }
}
