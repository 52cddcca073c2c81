/// The part of a lane that other threads touch: the nodes that they woke, and the bell that ends its sleep.
///
/// **Nodes.** `incoming` is a stack of woken nodes. A node is on it at most once, because only the first reason since
/// its last turn puts it there (`PendingReasons`). So the link to the next one lives in the node, and the lane takes
/// the whole stack by one exchange.
///
/// **Sleep.** A lane that has nothing to do says so in `asleep`, then looks again at everything that others write. They
/// write first and look at `asleep` then. All four accesses are sequentially consistent, so whichever side is later
/// sees the other: the lane finds the work, or the waker finds it asleep. Wakers take `asleep` back by a swap, so the
/// bell is rung once for each sleep, and not at all while the lane is awake.
///
/// **Lending.** Another lane may take a sleeping one over by a swap, run its nodes and give it back, asleep as it was.
/// A thread that finds it lent leaves what it brought: the borrower says `asleep` again before it looks, as a lane does
/// that falls asleep. A lane whose sleep ends meanwhile claims itself back by a swap and waits until the borrower has
/// seen that.
@usableFromInline struct LaneSharedState<Word: AtomicWord & ~Copyable>: ~Copyable {
    private let incoming = Word(0)
    private let messages = Word(0)
    private let stop = Word(0)
    private let asleep = Word(Self.awake)

    private static var awake: Int { 0 }
    private static var sleeping: Int { 1 }
    private static var lent: Int { 2 }
    private static var claimed: Int { 3 }

    @usableFromInline init() {}

    // MARK: From any thread

    /// Puts a node, any word but 0, on the stack; `link` is told what stands below it. The caller asks
    /// `mustRingForIncoming` afterwards, at the latest before its own lane sleeps.
    @usableFromInline func push(_ node: Int, link: (_ below: Int) -> Void) {
        var top = incoming.loadRelaxed()
        while true {
            link(top)
            if incoming.compareExchange(expected: top, desired: node) { return }
            top = incoming.loadRelaxed()
        }
    }

    /// After `push`, or where a node was on the stack already: true if the bell must be rung. An empty stack has been
    /// taken by the lane, which is awake then.
    @usableFromInline func mustRingForIncoming() -> Bool { incoming.loadRelaxed() != 0 && mustRing() }

    /// A message lies ready. True if the bell must be rung.
    @usableFromInline func noteMessage() -> Bool {
        messages.storeSequential(1)
        return mustRing()
    }

    @usableFromInline func noteStop() -> Bool {
        stop.storeSequential(1)
        return mustRing()
    }

    /// Whether `mustRingForIncoming` would ring now. A lane that falls asleep after this finds the stack itself.
    @usableFromInline var isAsleepWithIncoming: Bool {
        incoming.loadRelaxed() != 0 && asleep.loadSequential() == Self.sleeping
    }

    private func mustRing() -> Bool {
        asleep.loadSequential() == Self.sleeping
            && asleep.compareExchange(expected: Self.sleeping, desired: Self.awake)
    }

    // MARK: From another lane

    /// True if the lane slept and is the caller's until `giveBack`.
    @usableFromInline func borrow() -> Bool { asleep.compareExchange(expected: Self.sleeping, desired: Self.lent) }

    @usableFromInline enum Return { case sleepsOn, mustRing, isAwaited }

    /// `hasWork`: something is left that the lane must do itself. Unless it sleeps on, the caller rings the bell, or
    /// lets the lane go on that waits for its return.
    @usableFromInline func giveBack(hasWork: Bool) -> Return {
        guard asleep.compareExchange(expected: Self.lent, desired: hasWork ? Self.awake : Self.sleeping) else {
            asleep.storeSequential(Self.awake)
            return .isAwaited
        }
        return hasWork || somethingCame && mustRing() ? .mustRing : .sleepsOn
    }

    // MARK: On the lane

    /// Every node woken since the last call, the latest on top; 0 if none.
    @usableFromInline func takeIncoming() -> Int { incoming.loadRelaxed() == 0 ? 0 : incoming.exchange(0) }

    /// True once for the messages noted so far; they are to be fetched after this.
    @usableFromInline func takeMessages() -> Bool {
        guard messages.loadRelaxed() != 0 else { return false }
        // Acquires what was written before `noteMessage`.
        _ = messages.exchange(0)
        return true
    }

    /// Something came: a quick look by a lane that is awake.
    @usableFromInline var hasWork: Bool { incoming.loadRelaxed() != 0 || messages.loadRelaxed() != 0 }

    @usableFromInline var isStopped: Bool { stop.load() != 0 }

    /// True if the lane may wait for the bell now; false if something came meanwhile.
    @usableFromInline func fallAsleep() -> Bool {
        asleep.storeSequential(Self.sleeping)
        // Once a borrower has the lane, it is the one to find what came.
        return !somethingCame || !asleep.compareExchange(expected: Self.sleeping, desired: Self.awake)
    }

    private var somethingCame: Bool {
        incoming.loadSequential() != 0 || messages.loadSequential() != 0 || stop.loadSequential() != 0
    }

    /// The wait is over, by the bell or by something else. False if the lane is lent: then it must wait until the
    /// borrower lets it go on.
    @usableFromInline func wakeUp() -> Bool {
        while true {
            if asleep.loadSequential() == Self.awake { return true }
            if asleep.compareExchange(expected: Self.sleeping, desired: Self.awake) { return true }
            if asleep.compareExchange(expected: Self.lent, desired: Self.claimed) { return false }
        }
    }
}

/// Why a node is to be woken, gathered from any thread until its lane takes the reasons.
@usableFromInline struct PendingReasons<Word: AtomicWord & ~Copyable>: ~Copyable {
    private let word = Word(0)

    @usableFromInline init() {}

    /// True for the first reason since the last `take`: the caller must put the node before its lane.
    @usableFromInline func add(_ reason: WakeReasons) -> Bool { word.formUnion(Int(reason.rawValue)) == 0 }

    @usableFromInline func take() -> WakeReasons { WakeReasons(rawValue: UInt32(truncatingIfNeeded: word.exchange(0))) }
}
