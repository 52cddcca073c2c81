import Sluice

/// Checks that we send, and what the time brings.
extension ICEFullAgent {
    /// When `advance` has something to do.
    public var wake: Instant {
        guard failure == nil else { return .distantFuture }
        var wake = Instant.distantFuture
        if let consent { wake = min(consent.next, consent.until) }
        guard let begun = session.begun else { return wake }
        if session.hasWaiting { wake = min(wake, session.nextPaced) }
        for check in session.checks { wake = min(wake, check.due) }
        if let choice { wake = min(wake, choice.time) }
        return session.isOver ? wake : min(wake, begun + settings.connectTimeout)
    }

    /// Does what is due.
    public mutating func advance(now: Instant) {
        guard failure == nil else { return }
        sendAgain(now: now)
        if session.remote != nil {
            if now >= session.nextPaced, let index = session.nextPair(isControlling: isControlling) {
                begin(index, now: now)
                session.nextPaced = now + settings.pace
            }
            if let choice, now >= choice.time { send(choice.pair, isNominating: true, now: now) }
        }
        askForConsent(now: now)
        endWhereOver(now: now)
    }

    private mutating func begin(_ index: Int, now: Instant) {
        let pair = session.pairs[index]
        if !session.tried.contains(pair.path.remote) { session.tried.append(pair.path.remote) }
        if let id = pair.path.remote.connection, !pair.isConnected {
            session.pairs[index].state = .connecting
            actions.append(.connect(id, pair.path.remote.address, local: pair.path.local))
        } else {
            session.pairs[index].state = .checking
            send(index, isNominating: false, now: now)
        }
    }

    private mutating func send(_ index: Int, isNominating: Bool, now: Instant) {
        guard let remote = session.remote else { return }
        let pair = session.pairs[index]
        let transaction = STUN.Transaction(random: random)
        let message = check(
            transaction, from: session.local, to: remote, priority: pair.reflexivePriority, isNominating: isNominating)
        for other in session.checks.indices where session.checks[other].pair == index {
            session.checks[other].isReplaced = true
        }
        session.checks.append(
            OutstandingCheck(
                message, transaction: transaction, pair: index, isNominating: isNominating,
                isControlling: isControlling, isTCP: pair.isTCP, wait: session.wait(pace: settings.pace), now: now))
        session.sent &+= 1
        actions.append(.send(message, pair.path))
    }

    /// Section 7.2.2.
    private func check(
        _ transaction: STUN.Transaction, from local: ICECredentials, to remote: ICECredentials, priority: UInt32,
        isNominating: Bool
    ) -> [UInt8] {
        var writer = STUNWriter(.request, transaction: transaction)
        writer.add(username: "\(remote.fragment):\(local.fragment)")
        writer.add(priority: priority)
        if isNominating { writer.addUseCandidate() }
        writer.add(role: isControlling ? .controlling(tieBreaker: tieBreaker) : .controlled(tieBreaker: tieBreaker))
        return writer.finish(password: remote.password, by: hmac)
    }

    private mutating func sendAgain(now: Instant) {
        var over: [OutstandingCheck] = []
        session.checks.removeAll { check in
            guard check.due <= now, check.isLast else { return false }
            over.append(check)
            return true
        }
        for check in over where !check.isReplaced { session.pairs[check.pair].state = .failed }
        for index in session.checks.indices where session.checks[index].due <= now {
            session.checks[index].again(now: now)
            session.sent &+= 1
            actions.append(.send(session.checks[index].message, session.pairs[session.checks[index].pair].path))
        }
    }

    // MARK: The choice

    /// The pair to nominate and the time for it; nil where there is none yet, or one is being nominated, or the peer
    /// chooses.
    private var choice: (pair: Int, time: Instant)? {
        guard isControlling, !session.isOver, let first = session.firstSuccess,
            !session.checks.contains(where: { $0.isNominating && !$0.isReplaced })
        else { return nil }
        func priority(_ index: Int) -> UInt64 { session.pairs[index].priority(isControlling: true) }
        let answered = session.pairs.indices.filter { session.pairs[$0].state == .succeeded }
        guard let best = answered.max(by: { priority($0) < priority($1) }) else { return nil }
        let isAwaited = session.pairs.indices.contains {
            session.pairs[$0].isOpen && priority($0) > priority(best)
        }
        guard isAwaited else { return (best, first) }
        let mayBeUDP = session.pairs[best].isTCP && session.pairs.contains { $0.isOpen && !$0.isTCP }
        return (best, first + (mayBeUDP ? settings.patienceForUDP : settings.patience))
    }

    mutating func select(_ index: Int, now: Instant) {
        guard let remote = session.remote else { return }
        let pair = session.pairs[index]
        guard pair.path != selected || !session.isOver else { return }
        let before = consent?.path.remote.connection
        consent = Consent(
            pair.path, local: session.local, remote: remote, priority: pair.reflexivePriority,
            timeout: settings.consentTimeout, random: random, now: now)
        session.isOver = true
        (session.checks, session.triggered) = ([], [])
        actions.append(.selected(pair.path))
        // Others that were answered still receive; the rest is given up (section 8.1.1).
        for other in session.pairs.indices where other != index {
            if session.pairs[other].isOpen || session.pairs[other].isTCP { session.pairs[other].state = .failed }
        }
        let unused =
            session.pairs.filter { $0.isTCP }.compactMap(\.path.remote.connection) + (before.map { [$0] } ?? [])
        for id in Set(unused).sorted() where id != pair.path.remote.connection { actions.append(.close(id)) }
    }

    // MARK: Consent and the end

    private mutating func askForConsent(now: Instant) {
        guard var asking = consent else { return }
        if now >= asking.until {
            return lose(.unanswered(asking.path.remote, after: settings.consentTimeout))
        }
        guard now >= asking.next else { return }
        let transaction = asking.ask(random: random, now: now)
        let message = check(
            transaction, from: asking.local, to: asking.remote, priority: asking.priority, isNominating: false)
        actions.append(.send(message, asking.path))
        consent = asking
    }

    private mutating func endWhereOver(now: Instant) {
        guard failure == nil, !session.isOver, let begun = session.begun else { return }
        // A full agent may still show itself by a check.
        let isHopeless =
            session.isComplete && !session.pairs.contains { $0.isOpen || $0.state == .succeeded }
            && (session.isRemoteLite || !session.pairs.isEmpty)
        guard isHopeless || now >= begun + settings.connectTimeout else { return }
        fail(session.failure(within: now - begun))
    }

    /// The selected path is of no use any more. A restart that is under way goes on.
    mutating func lose(_ reason: ICEFailure) {
        consent = nil
        if session.isOver || session.begun == nil { fail(reason) }
    }

    mutating func fail(_ reason: ICEFailure) {
        for case let id? in session.pairs.map(\.path.remote.connection) where id != consent?.path.remote.connection {
            actions.append(.close(id))
        }
        session.isOver = true
        (session.checks, session.triggered) = ([], [])
        if consent != nil {
            session.pairs = []
            actions.append(.restartFailed(reason))
        } else {
            failure = reason
            actions.append(.failed(reason))
        }
    }
}
