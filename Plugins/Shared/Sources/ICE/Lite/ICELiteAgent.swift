import Net
import Sluice

/// One peer's session at a server that has addresses of its own: ICE-lite (RFC 8445, sections 2.5 and 7.3). It answers
/// checks and sends none; the peer, a full agent, is the controlling one.
///
/// A check with the right password proves the address that it came from. DTLS and SRTP are taken from proved addresses
/// alone (`mayReceive`), and sent to the selected one alone: the one of the last check with USE-CANDIDATE. A peer that
/// nominates aggressively (RFC 5245, section 8.1.1.2) nominates all that it has, at the beginning and with each check.
/// So one of lower priority, as TCP behind UDP, counts at once where the peer has not chosen it for long, and else
/// where it has not chosen the selected one since.
///
/// A selected address that is checked no more while another one is has fallen silent, and makes room for it: no peer
/// makes a longer pause than 6 s (RFC 7675, section 5.1). A TCP connection that is closed makes room at once (`lose`).
///
/// Each check renews the consent of its address for 30 s (RFC 7675), since it shows that the peer still wants to hear
/// us. An address without consent is forgotten. Once the selected one is, all is over, and only a restart helps.
///
/// A restart keeps the old credentials, and the selected address, until the first check with the new ones has come.
/// Media then go to where that came from, until another nominates: a peer whose network has changed nominates only once
/// it has given up the old address, seconds later, and takes media from each address that it checks (RFC 8445, section
/// 12.2).
///
/// One thread; no call waits or reads a clock. Nothing is kept of what cannot be proved.
public struct ICELiteAgent: Sendable {
    /// Numbers of a session.
    public struct Settings: Sendable {
        /// From the moment when both sides' descriptions are known to a selected address.
        public var connectTimeout: Interval = .seconds(10)
        /// Without a check, until an address is forgotten (RFC 7675, section 5.1).
        public var consentTimeout: Interval = .seconds(30)
        /// Proved addresses of one peer, 1 or more; the one that was checked longest ago makes room.
        public var mostAddresses = 16

        /// The defaults above.
        public init() {}
    }

    private struct Proved: Sendable {
        let route: ICERoute
        var priority: UInt32
        var checked: Instant
        /// When the peer chose it last.
        var nominated: Instant?
    }

    private struct Session: Sendable {
        var local: ICECredentials
        var remoteFragment: String?
        /// Its consent was lost, or it was never connected.
        var isOver = false
    }

    private let settings: Settings
    private let hmac: HMACSHA1
    private var session: Session
    /// Of a restart whose first check has not come.
    private var coming: Session?
    /// The fragment before the last restart.
    private var pastFragment: String?
    private var proved: [Proved] = []
    private var deadline: Instant?
    /// When the peer chose the selected one last, and when it was selected.
    private var (nominated, settled) = (Instant(nanoseconds: .min), Instant(nanoseconds: .min))
    /// A closed connection that was the selected address, until there is another one.
    private var lost: ICERoute?

    private static let silence = Interval.seconds(7)

    /// The address to send to; nil before the first is selected and after consent was lost.
    public private(set) var selected: ICERoute?
    /// How far it has come, for the report and for the sentence of a failure.
    public private(set) var progress = ICEProgress()
    /// Why the session has ended. Checks are then answered no more, unless a restart is under way.
    public private(set) var failure: ICEFailure?

    /// `remoteFragment` is nil while the peer's description is not known, as after an offer of ours; then the time to
    /// connect has not begun.
    public init(
        local: ICECredentials, remoteFragment: String?, settings: Settings = Settings(), hmac: @escaping HMACSHA1,
        now: Instant
    ) {
        session = Session(local: local, remoteFragment: remoteFragment)
        (self.settings, self.hmac) = (settings, hmac)
        if remoteFragment != nil { deadline = now + settings.connectTimeout }
    }

    // MARK: Descriptions

    /// The credentials that the last description of ours tells.
    public var local: ICECredentials { coming?.local ?? session.local }

    /// The peer's description has come: the answer to our offer, or to our restart. Checks from now on must name it.
    public mutating func setRemote(fragment: String, now: Instant) {
        if coming != nil { coming?.remoteFragment = fragment } else { session.remoteFragment = fragment }
        if selected == nil, deadline == nil, failure == nil { deadline = now + settings.connectTimeout }
    }

    /// New credentials (RFC 8445, section 9); `remoteFragment` is nil where the peer's come later. The old ones hold
    /// until a check with the new ones has come.
    public mutating func restart(local: ICECredentials, remoteFragment: String?, now: Instant) {
        coming = Session(local: local, remoteFragment: remoteFragment)
        guard failure != nil || selected == nil else { return }
        (failure, progress) = (nil, ICEProgress())
        deadline = remoteFragment == nil ? nil : now + settings.connectTimeout
    }

    // MARK: Checks

    /// Answers a check. `reply` is overwritten, and empty where nothing is to be sent; it goes the way that the check
    /// came. The caller has bounded how often strangers get here (`CheckAdmission`).
    public mutating func receive(
        _ check: STUNMessage, from route: ICERoute, now: Instant, reply: inout [UInt8]
    ) -> ICECheck {
        reply.removeAll(keepingCapacity: true)
        guard check.kind == .request, check.method == STUN.binding, !check.hasFingerprint || check.isIntact else {
            return .ignored
        }
        guard let username = check.username, check.hasIntegrity,
            let sides = ICECredentials.sides(of: username)
        else { return refuse(check, .malformed, STUN.Code.badRequest, "Bad Request", &reply) }
        let isComing = coming.map { ICECredentials.isSame(sides.receiver, $0.local.fragment) } ?? false
        guard isComing || ICECredentials.isSame(sides.receiver, session.local.fragment) else {
            if let pastFragment, ICECredentials.isSame(sides.receiver, pastFragment) { return .refused(.late) }
            return refuse(check, .wrongFragment, STUN.Code.unauthenticated, "Unauthenticated", &reply)
        }
        let met = isComing ? coming ?? session : session
        guard check.isAuthentic(password: met.local.password, by: hmac) else {
            progress.note(wrongPasswordFrom: route)
            return refuse(check, .wrongPassword, STUN.Code.unauthenticated, "Unauthenticated", &reply)
        }
        if let remote = met.remoteFragment, !ICECredentials.isSame(sides.sender, remote) {
            return refuse(check, .wrongFragment, STUN.Code.unauthenticated, "Unauthenticated", &reply)
        }
        // Only the sender of a right password learns more than that it is wrong.
        guard !met.isOver else { return .refused(.late) }
        guard check.unknown.isEmpty else {
            return refuse(check, .unknownAttribute, STUN.Code.unknownAttribute, "Unknown Attribute", &reply)
        }
        if case .controlled = check.role {
            // We stay the controlled one (RFC 8445, section 6.1.1), so the peer has to change.
            progress.roleConflicts &+= 1
            return refuse(check, .roleConflict, STUN.Code.roleConflict, "Role Conflict", &reply)
        }
        var writer = STUNWriter(.success, transaction: check.transaction, in: take(&reply))
        writer.add(mappedAddress: route.address)
        reply = writer.finish(password: met.local.password, by: hmac)
        return .accepted(accept(check, from: route, isRestart: isComing, now: now))
    }

    private mutating func accept(
        _ check: STUNMessage, from route: ICERoute, isRestart: Bool, now: Instant
    ) -> ICECheck.Accepted {
        var result = ICECheck.Accepted()
        if isRestart, let begun = coming {
            pastFragment = session.local.fragment
            (session, coming, failure) = (begun, nil, nil)
            // A nomination of the new session counts whatever its priority.
            nominated = Instant(nanoseconds: .min)
            result.isRestart = true
        }
        progress.note(checkFrom: route, now: now)
        let priority = check.priority ?? 0
        var last: Instant?
        if let index = proved.firstIndex(where: { $0.route == route }) {
            last = proved[index].nominated
            (proved[index].priority, proved[index].checked) = (priority, now)
            if check.isNominating { proved[index].nominated = now }
        } else {
            if proved.count >= max(1, settings.mostAddresses) { result.forgotten = makeRoom() }
            let chosen = check.isNominating ? now : nil
            proved.append(Proved(route: route, priority: priority, checked: now, nominated: chosen))
            progress.proved &+= 1
            result.isNew = true
        }
        let (isNominating, isMoving) = (check.isNominating, result.isRestart && selected != nil)
        if route == selected {
            if isNominating { nominated = now }
        } else if isNominating ? counts(priority, last, at: now) : isMoving || isSilent(at: now) {
            select(route, isNominated: isNominating, now: now)
            result.isSelected = true
        }
        return result
    }

    /// A nomination of an address of that priority, which was nominated `last`, counts.
    private func counts(_ priority: UInt32, _ last: Instant?, at now: Instant) -> Bool {
        guard let held = proved.first(where: { $0.route == selected }), priority < held.priority else { return true }
        // At the beginning all that it has may be chosen.
        if settled.isOlder(than: .seconds(1), at: now), last?.isOlder(than: .seconds(10), at: now) ?? true {
            return true
        }
        guard nominated.isOlder(than: .seconds(1), at: now) else { return false }
        return last.map { nominated < $0 || nominated.isOlder(than: .seconds(10), at: now) } ?? true
    }

    /// The selected address is checked no more, or is no more.
    private func isSilent(at now: Instant) -> Bool {
        guard let held = proved.first(where: { $0.route == selected }) else { return lost != nil }
        return held.checked.isOlder(than: ICELiteAgent.silence, at: now)
    }

    /// Every nomination counts behind a selection that is none itself.
    private mutating func select(_ route: ICERoute, isNominated: Bool, now: Instant) {
        (selected, deadline, lost) = (route, nil, nil)
        (nominated, settled) = (isNominated ? now : Instant(nanoseconds: .min), now)
        progress.note(selected: route, now: now)
    }

    /// The TCP connection of `route` is closed. Gives the address that is selected in its place: of the others the one
    /// that was checked last. nil where it was not the selected one, and where there is no other: then the next check
    /// selects, as long as its consent lasts.
    public mutating func lose(_ route: ICERoute, now: Instant) -> ICERoute? {
        guard let index = proved.firstIndex(where: { $0.route == route }) else { return nil }
        let gone = proved.remove(at: index)
        guard route == selected else { return nil }
        selected = nil
        guard let next = proved.max(by: { $0.checked < $1.checked }) else {
            (lost, deadline) = (route, gone.checked + settings.consentTimeout)
            return nil
        }
        select(next.route, isNominated: false, now: now)
        return next.route
    }

    /// Takes out the address that was checked longest ago and is not the selected one.
    private mutating func makeRoom() -> ICERoute? {
        let oldest = proved.indices.filter { proved[$0].route != selected }.min {
            proved[$0].checked < proved[$1].checked
        }
        if let oldest { return proved.remove(at: oldest).route }
        // The selected one is all there is room for.
        (selected, nominated) = (nil, Instant(nanoseconds: .min))
        return proved.removeFirst().route
    }

    private mutating func refuse(
        _ check: STUNMessage, _ refusal: ICECheck.Refusal, _ code: Int, _ reason: String, _ reply: inout [UInt8]
    ) -> ICECheck {
        if refusal == .wrongFragment { progress.wrongFragments &+= 1 }
        var writer = STUNWriter(.failure, transaction: check.transaction, in: take(&reply))
        writer.add(errorCode: code, reason: reason)
        if refusal == .unknownAttribute { writer.add(unknown: check.unknown) }
        // RFC 8489, section 9.1.3: only to a request that was authentic.
        let isTrusted = refusal == .unknownAttribute || refusal == .roleConflict
        reply = isTrusted ? writer.finish(password: password(of: check), by: hmac) : writer.finish()
        return .refused(refusal)
    }

    private func password(of check: STUNMessage) -> String {
        guard let coming, let username = check.username, let sides = ICECredentials.sides(of: username),
            ICECredentials.isSame(sides.receiver, coming.local.fragment)
        else { return session.local.password }
        return coming.local.password
    }

    /// The memory of `reply`, for its new content.
    private func take(_ reply: inout [UInt8]) -> [UInt8] {
        var memory: [UInt8] = []
        swap(&memory, &reply)
        return memory
    }

    // MARK: Media and time

    /// DTLS and SRTP may come this way: a check has proved it and its consent lasts. For each packet.
    public func mayReceive(from route: ICERoute) -> Bool {
        if let selected, selected == route { return true }
        return proved.contains { $0.route == route }
    }

    /// Proved addresses, the first first.
    public var provedRoutes: [ICERoute] { proved.map(\.route) }

    /// The next time that `advance` has something to do.
    public var wake: Instant {
        let expiry = proved.lazy.map { $0.checked + settings.consentTimeout }.min() ?? .distantFuture
        return min(expiry, deadline ?? .distantFuture)
    }

    /// Forgets addresses whose consent is over, and tells each. Returns a failure once, when it comes.
    public mutating func advance(now: Instant, forget: (ICERoute) -> Void = { _ in }) -> ICEFailure? {
        proved.removeAll { entry in
            guard now - entry.checked >= settings.consentTimeout else { return false }
            forget(entry.route)
            return true
        }
        guard failure == nil else { return nil }
        if let selected, !proved.contains(where: { $0.route == selected }) {
            failure = .consentLost(selected, after: settings.consentTimeout)
        } else if let deadline, selected == nil, now >= deadline {
            failure = lost.map { .connectionClosed($0) } ?? progress.failure(within: settings.connectTimeout)
        }
        guard failure != nil else { return nil }
        session.isOver = true
        for entry in proved { forget(entry.route) }
        proved = []
        (selected, deadline, lost) = (nil, nil, nil)
        return failure
    }
}

extension Instant {
    /// At least `age` before `now`, for readings from the least on.
    fileprivate func isOlder(than age: Interval, at now: Instant) -> Bool { self <= now - age }
}
