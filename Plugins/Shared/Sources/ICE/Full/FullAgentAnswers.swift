import Net
import Sluice

/// Messages of the peer, and the fate of TCP connections.
extension ICEFullAgent {
    /// A message has come to the socket at `local`, or over a TCP connection (`route.connection`).
    public mutating func receive(_ message: STUNMessage, from route: ICERoute, local: Int, now: Instant) {
        guard failure == nil, message.method == STUN.binding, !message.hasFingerprint || message.isIntact else {
            return
        }
        switch message.kind {
        case .request: answer(message, from: route, local: local, now: now)
        case .success, .failure: take(message, from: route, local: local, now: now)
        case .indication: break
        }
        advance(now: now)
    }

    // MARK: Answers

    private mutating func take(_ answer: STUNMessage, from route: ICERoute, local: Int, now: Instant) {
        if let consent, consent.isAsked(answer.transaction) {
            return takeConsent(answer, from: route, now: now)
        }
        guard let place = session.checks.firstIndex(where: { $0.transaction == answer.transaction }),
            let remote = session.remote
        else { return }
        let check = session.checks[place]
        let pair = session.pairs[check.pair]
        guard answer.isAuthentic(password: remote.password, by: hmac) else {
            // Anybody can send such a one, so it ends nothing (RFC 8489, section 9.1.4), and is told at the end.
            if answer.kind == .failure, let code = answer.errorCode { session.error = (pair.path.remote, code) }
            return
        }
        session.checks.remove(at: place)
        if answer.kind == .failure {
            return takeError(answer.errorCode ?? 0, of: check, now: now)
        }
        // RFC 8445, section 7.2.5.2.1: an answer from elsewhere is none.
        guard route == pair.path.remote, pair.isTCP || local == pair.path.local else {
            session.pairs[check.pair].state = .failed
            return
        }
        if check.sent == 1 { roundTrip = now - check.begun }
        mappedAddress = answer.mappedAddress ?? mappedAddress
        if pair.isOpen || pair.state == .failed { session.pairs[check.pair].state = .succeeded }
        session.firstSuccess = session.firstSuccess ?? now
        if check.isNominating && isControlling || pair.isChosen && !isControlling { select(check.pair, now: now) }
    }

    private mutating func takeError(_ code: Int, of check: OutstandingCheck, now: Instant) {
        if code == STUN.Code.roleConflict, !session.isRemoteLite {
            // Section 7.2.5.1: the other role, unless it has changed since, and once more.
            if check.isControlling == isControlling { isControlling.toggle() }
            trigger(check.pair)
            return
        }
        session.error = (session.pairs[check.pair].path.remote, code)
        session.pairs[check.pair].state = .failed
    }

    private mutating func takeConsent(_ answer: STUNMessage, from route: ICERoute, now: Instant) {
        guard var asked = consent, route == asked.path.remote, answer.kind == .success,
            answer.isAuthentic(password: asked.remote.password, by: hmac)
        else { return }
        roundTrip = asked.answered(answer.transaction, now: now) ?? roundTrip
        mappedAddress = answer.mappedAddress ?? mappedAddress
        consent = asked
    }

    // MARK: Checks of a full peer (section 7.3)

    private mutating func answer(_ check: STUNMessage, from route: ICERoute, local: Int, now: Instant) {
        guard locals.indices.contains(local), let username = check.username,
            let sides = ICECredentials.sides(of: username)
        else { return }
        let isCurrent = ICECredentials.isSame(sides.receiver, session.local.fragment)
        let own = isCurrent ? session.local : consent?.local
        guard let own, ICECredentials.isSame(sides.receiver, own.fragment),
            check.isAuthentic(password: own.password, by: hmac)
        else { return }
        if let remote = isCurrent ? session.remote : consent?.remote,
            !ICECredentials.isSame(sides.sender, remote.fragment)
        {
            return
        }
        let path = ICEPath(local: local, remote: route)
        guard check.unknown.isEmpty else {
            return refuse(check, STUN.Code.unknownAttribute, "Unknown Attribute", own, path)
        }
        guard settleRole(check.role) else {
            return refuse(check, STUN.Code.roleConflict, "Role Conflict", own, path)
        }
        var writer = STUNWriter(.success, transaction: check.transaction)
        writer.add(mappedAddress: route.address)
        actions.append(.send(writer.finish(password: own.password, by: hmac), path))
        guard isCurrent else { return }
        if !session.isOver || !isControlling {
            noteCheck(path, priority: check.priority ?? 0, isNominating: check.isNominating, now: now)
        }
    }

    private mutating func noteCheck(_ path: ICEPath, priority: UInt32, isNominating: Bool, now: Instant) {
        func place(_ pair: CandidatePair) -> Bool {
            pair.path.remote == path.remote && (pair.isTCP || pair.path.local == path.local)
        }
        if !session.pairs.contains(where: place), path.remote.connection == nil {
            // Section 7.3.1.3: the peer's candidate is a peer-reflexive one.
            addPair(local: path.local, path.remote.address, isTCP: false, remotePriority: priority)
        }
        guard let index = session.pairs.firstIndex(where: place) else { return }
        let isChosen = isNominating && !isControlling
        if session.pairs[index].state == .succeeded {
            if isChosen { select(index, now: now) }
            return
        }
        if isChosen { session.pairs[index].isChosen = true }
        if session.pairs[index].state != .connecting { trigger(index) }
    }

    /// The next check is of this pair (section 7.3.1.4).
    private mutating func trigger(_ index: Int) {
        guard !session.isOver || !isControlling else { return }
        session.pairs[index].state = .waiting
        for other in session.checks.indices where session.checks[other].pair == index {
            session.checks[other].isReplaced = true
        }
        if !session.triggered.contains(index) { session.triggered.append(index) }
    }

    /// Section 7.3.1.1; false where the peer has to change.
    private mutating func settleRole(_ role: STUN.Role?) -> Bool {
        switch role {
        case .controlling(let number) where isControlling:
            guard tieBreaker < number else { return false }
            isControlling = false
        case .controlled(let number) where !isControlling:
            guard tieBreaker >= number else { return false }
            isControlling = true
        default: break
        }
        return true
    }

    private mutating func refuse(
        _ check: STUNMessage, _ code: Int, _ reason: String, _ own: ICECredentials, _ path: ICEPath
    ) {
        var writer = STUNWriter(.failure, transaction: check.transaction)
        writer.add(errorCode: code, reason: reason)
        if code == STUN.Code.unknownAttribute { writer.add(unknown: check.unknown) }
        actions.append(.send(writer.finish(password: own.password, by: hmac), path))
    }

    // MARK: TCP connections

    /// The connection of this number is open.
    public mutating func connected(_ connection: UInt64, now: Instant) {
        guard failure == nil, let index = session.pairs.firstIndex(where: { $0.path.remote.connection == connection }),
            session.pairs[index].state == .connecting
        else { return }
        session.pairs[index].isConnected = true
        trigger(index)
        advance(now: now)
    }

    /// The connection of this number is closed, or could not be opened.
    public mutating func closed(_ connection: UInt64, now: Instant) {
        guard failure == nil else { return }
        if let index = session.pairs.firstIndex(where: { $0.path.remote.connection == connection }) {
            session.pairs[index].state = .failed
            session.checks.removeAll { $0.pair == index }
        }
        if let path = consent?.path, path.remote.connection == connection {
            lose(.connectionClosed(path.remote))
        }
        advance(now: now)
    }
}
