import CSRT
import Glibc
import Net
import Sluice

/// One side of a connection that is opened again and again: calls, listens or meets, as its address says, and keeps to
/// a `LinkPlan`. The thin part with the sockets; one lane.
final class SRTLink {
    let address: SRTAddress
    private let options: SRTOptions
    private let direction: StreamID.Direction
    private let takesOver: Bool
    private let reconnects: Bool
    private let context: NodeContext
    private let resolver: NameResolver
    private let node: NodeContext.Handle
    private(set) var plan: LinkPlan
    private var probe: (RoundTripProbe, descriptor: Int32)?
    /// Where callers are waited for; nil on the side that calls.
    private var port: SRTListener?
    private let admission: Admission
    private var place: Admission.Place?
    private var refusals: RefusalReporter
    /// Addresses that a worker finds, and what for.
    private var lookup: (addresses: AddressLookup, purpose: Purpose)?
    /// The connection while it stands.
    private(set) var socket: SRTSocket?
    private var calls: CallRound?
    /// The address of the last connection, which is tried first.
    private var good: SocketAddress?
    private var saidFailure = ""
    /// Of connections that ended.
    private var limiter = LogLimiter()
    /// The connection ended while the graph was stopping: none follows.
    private var isOver = false
    private let metrics: LinkMetrics
    /// When `step` is to be called again whatever happens; set by `step`.
    private(set) var due = Instant.distantFuture

    private enum Purpose {
        case listening, probing
        case calling(LatencyRule.Choice)
    }

    enum Event: Equatable {
        case nothing
        /// `socket` stands since this call.
        case up
        /// Another caller has the connection from now on; `socket` is its.
        case replaced
    }

    private static let refusalPause = Interval.milliseconds(2_000)
    /// How often a call that is being made is looked at besides its events.
    private static let look = Interval.milliseconds(100)

    /// - Parameters:
    ///   - direction: what this side does with media: it publishes or it reads, so a caller of it does the other.
    ///   - takesOver: a second caller replaces the first one, else it is refused.
    ///   - mostHandshakes: callers at a time who have not shown yet that they know the passphrase.
    ///   - reconnects: false throws where a call fails or a connection ends.
    init(
        _ settings: LinkSettings, direction: StreamID.Direction, takesOver: Bool, mostHandshakes: Int, reconnects: Bool,
        context: NodeContext
    ) throws {
        (address, options) = (settings.address, settings.options)
        (self.direction, self.takesOver, self.reconnects) = (direction, takesOver, reconnects)
        self.context = context
        resolver = try context.service(NameResolver.self) ?? .system
        node = context.handle
        plan = LinkPlan(settings.rule, canProbe: address.mode == .caller, at: context.now)
        metrics = LinkMetrics(context)
        let wanted = StreamID(options.streamID)?.name ?? options.streamID
        admission = Admission(
            Admission.Rules(
                direction: direction, names: wanted.isEmpty ? .any : .only(wanted), takesOver: takesOver,
                mostHandshakes: mostHandshakes, isEncrypted: !options.passphrase.isEmpty))
        refusals = RefusalReporter(admission, metrics, context)
        guard address.mode == .listener else { return }
        lookUp(.listening)
        _ = try goOnLookingUp(context.now)
    }

    // MARK: Driving

    /// Does what is due.
    func step(_ now: Instant) throws -> Event {
        due = .distantFuture
        if isOver { return .nothing }
        if let port { return try answer(port, now) }
        guard try goOnLookingUp(now) else { return .nothing }
        if let port { return try answer(port, now) }
        if probe != nil { goOnProbing(now) }
        if calls != nil { return try look(now) }
        guard socket == nil else { return .nothing }
        switch plan.step(now) {
        case .probe: lookUp(.probing)
        case .open(let latency):
            context.isWaiting(for: waiting)
            lookUp(.calling(latency))
        case .wait(let until): due = until
        case .nothing: break
        }
        guard try goOnLookingUp(now) else { return .nothing }
        return calls == nil ? .nothing : try look(now)
    }

    // MARK: Names

    /// A name may lead elsewhere the next time, so it is asked for again at each call.
    private func lookUp(_ purpose: Purpose) {
        var targets = [AddressLookup.Target(address.host, port: Int(address.port))]
        if let adapter = address.adapter, case .calling = purpose {
            targets.append(.init(adapter, port: address.mode == .rendezvous ? Int(address.port) : 0))
        }
        lookup = (AddressLookup(targets, context, resolver: resolver), purpose)
    }

    /// Goes on with what addresses were looked up for, if they are there; false while they are not.
    private func goOnLookingUp(_ now: Instant) throws -> Bool {
        guard let (addresses, purpose) = lookup else { return true }
        guard let result = addresses.takeAll() else { return false }
        lookup = nil
        switch (purpose, result) {
        case (.listening, let result):
            // Callers of this machine's names mostly know its IPv4 address.
            let own = try result.get().first ?? []
            if let own = own.first(where: { $0.family == AF_INET }) ?? own.first { try listen(at: own) }
        case (.probing, .success(let found)): try beginProbing(ordered(found.first ?? []).first, now)
        case (.probing, .failure):
            plan.probed(nil, at: now)
            context.wakeAgain()
        case (.calling(let latency), .success(let found)): try open(latency, found, now)
        case (.calling, .failure(let error)):
            guard let error = error as? NodeError else { throw error }
            try fail(error.message, error.advice, now)
        }
        return true
    }

    /// `found`: the peer's addresses, then this side's where the url names it.
    private func open(_ latency: LatencyRule.Choice, _ found: [[SocketAddress]], _ now: Instant) throws {
        let own = found.count > 1 ? found[1] : []
        let targets = ordered(found.first ?? []).filter { target in
            own.isEmpty || own.contains { $0.family == target.family }
        }
        guard !targets.isEmpty else {
            return try fail(
                "\(address.peer) and the adapter have no address of one kind", "Choose another adapter.", now)
        }
        var options = options
        options.latencyMilliseconds = latency.milliseconds
        calls = CallRound(
            targets, own: own, options, isRendezvous: address.mode == .rendezvous, node, peer: address.peer)
    }

    private func ordered(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let good, addresses.contains(good) else { return addresses }
        return [good] + addresses.filter { $0 != good }
    }

    /// Calls that are being made.
    private func look(_ now: Instant) throws -> Event {
        guard let round = calls else { return .nothing }
        switch try round.step(now) {
        case .goesOn(let until):
            due = min(now + SRTLink.look, until)
            return .nothing
        case .connected(let made, let target):
            (calls, good) = (nil, target)
            stand(made, with: address.peer, now)
            return .up
        case .failed(let what, let advice):
            calls = nil
            try fail(what, advice, now)
            return .nothing
        }
    }

    private func fail(_ what: String, _ advice: String, _ now: Instant) throws {
        plan.failed(at: now)
        metrics.failed.add()
        guard reconnects else { throw NodeError(what, advice: advice) }
        if case .wait(let until) = plan.step(now) { due = until }
        // The same again and again is said once.
        guard what != saidFailure else { return }
        saidFailure = what
        context.log(.warning, advice.isEmpty ? "\(what); calling again" : "\(what); calling again\n  \(advice)")
    }

    // MARK: The connection

    private func stand(_ made: SRTSocket, with peer: String, _ now: Instant) {
        socket = made
        context.isWaiting(for: nil)
        saidFailure = ""
        let words = plan.choice.words
        let agreed = direction == .publish ? made.sendLatencyMilliseconds : made.receiveLatencyMilliseconds
        let outage = plan.opened(at: now)
        let again = outage.number == 0 ? "" : " again after \(seconds(outage.length))"
        let larger = agreed > plan.choice.milliseconds ? "; the peer asks for more: \(agreed) ms" : ""
        let cipher = made.cipher.map { ", \($0)" } ?? ""
        context.log(.info, "connected to \(peer)\(again), \(words)\(larger)\(cipher)")
        metrics.note(plan, latency: agreed)
    }

    /// The node found that the connection is gone; `why` follows the peer's name. `isRefusal`: this side ends it, since
    /// what the peer sends cannot be taken. Then a run goes on that would end with its connection, and a peer that is
    /// called is left alone for a moment.
    func drop(_ why: String, isRefusal: Bool = false, _ now: Instant) throws {
        guard let gone = socket else { return }
        let name = peerName
        let next = port == nil ? "calling again" : "waiting for the next call"
        plan.lost(
            at: now, roundTrip: measuredRoundTrip(gone),
            pause: isRefusal && port == nil ? SRTLink.refusalPause : .zero)
        SRTPoller.shared.unwatch(gone.handle)
        socket = nil
        if let place { admission.leave(place) }
        place = nil
        metrics.note(plan, latency: nil)
        guard !context.isStopping else {
            isOver = true
            context.log(.info, "\(name) \(why)")
            return
        }
        guard reconnects || isRefusal && port != nil else {
            throw NodeError("\(name) \(why)", advice: "\"reconnect\": true goes on.")
        }
        if isRefusal { metrics.refused.add() }
        if limiter.judge(now) == .say { context.log(.warning, "\(name) \(why); \(next)") }
        context.isWaiting(for: waiting)
        // At once, in the node's next call.
        context.wakeAgain()
    }

    /// The caller that is connected sends nothing any more, or does again.
    func note(silent isSilent: Bool) {
        if let place { admission.note(silent: isSilent, place) }
    }

    /// libsrt begins with 100 ms and keeps that until it has measured.
    private func measuredRoundTrip(_ socket: SRTSocket) -> Double? {
        guard let round = socket.statistics?.msRTT, round > 0, round != 100 else { return nil }
        return round
    }

    /// The other end, for messages.
    var peerName: String {
        guard port != nil, let socket else { return address.peer }
        return "the caller \(socket.peerAddress)"
    }

    private var waiting: String {
        switch address.mode {
        case .listener: "a caller at \(port?.address.description ?? address.peer)"
        case .caller, .rendezvous: "its peer \(address.peer)"
        }
    }

    /// The run ends.
    func close(_ now: Instant) {
        if !isOver, let outage = plan.end(at: now) {
            context.log(
                .warning, "without a connection to \(address.peer) for the last \(seconds(outage.length)) of the run")
        }
        metrics.note(plan, latency: nil)
        refusals.tellRest(now, atEnd: true)
        lookup = nil
        calls?.giveUp()
        if let socket { SRTPoller.shared.unwatch(socket.handle) }
        if let port { SRTPoller.shared.unwatch(port.handle) }
        (socket, calls, port) = (nil, nil, nil)
        if let probe { Glibc.close(probe.descriptor) }
        probe = nil
        context.isWaiting(for: nil)
    }

    // MARK: Listening

    private func listen(at own: SocketAddress) throws {
        var options = options
        options.latencyMilliseconds = plan.choice.milliseconds
        let made = try SRTListener(at: own, options, admission: admission, wakes: node)
        SRTPoller.shared.watch(made.handle, node)
        port = made
        context.log(.info, "listens at \(made.address)")
        _ = plan.step(context.now)
        context.isWaiting(for: waiting)
    }

    private func answer(_ port: SRTListener, _ now: Instant) throws -> Event {
        defer { due = min(due, refusals.tell(now)) }
        let unsaid = limiter.takeUnsaid(now)
        if unsaid > 0 { context.log(.warning, "\(unsaid) connections more have ended") }
        if let more = limiter.due { due = min(due, more) }
        // Callers that are refused at last are not told again.
        while let (made, caller) = port.accept() {
            switch admission.enter(caller) {
            case .refused(let reason): refusals.refused(caller, reason, now)
            case .place(let given, let isTakeOver):
                context.wakeAgain()
                return welcome(made, caller, given, isTakeOver: isTakeOver, now)
            }
        }
        return .nothing
    }

    private func welcome(
        _ made: SRTSocket, _ caller: SRTListener.Caller, _ given: Admission.Place, isTakeOver: Bool, _ now: Instant
    ) -> Event {
        let name = "the caller \(caller.address) (\(StreamID.shown(caller.streamID)))"
        SRTPoller.shared.watch(made.handle, node)
        if let place { admission.leave(place) }
        place = given
        defer { admission.latency = plan.choice.milliseconds }
        guard let old = socket else {
            _ = plan.step(now)
            stand(made, with: name, now)
            return .up
        }
        plan.replaced(roundTrip: measuredRoundTrip(old))
        SRTPoller.shared.unwatch(old.handle)
        context.log(.warning, "\(name) takes over from \(old.peerAddress)")
        metrics.takenOver.add()
        socket = made
        return .replaced
    }

    // MARK: Measuring the round trip

    private func beginProbing(_ target: SocketAddress?, _ now: Instant) throws {
        guard let target else { return plan.probed(nil, at: now) }
        let descriptor = Glibc.socket(
            target.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let code = target.withPointer { Glibc.connect(descriptor, $0, $1) }
        guard descriptor >= 0, code == 0 else {
            if descriptor >= 0 { Glibc.close(descriptor) }
            return plan.probed(nil, at: now)
        }
        try context.watch(descriptor, for: .readable)
        probe = (RoundTripProbe(at: now), descriptor)
        goOnProbing(now)
    }

    private func goOnProbing(_ now: Instant) {
        guard var machine = probe?.0, let descriptor = probe?.descriptor else { return }
        var room = [UInt8](repeating: 0, count: 2_048)
        while case let count = recv(descriptor, &room, room.count, 0), count > 0 {
            machine.received(Array(room[..<count]), at: now)
        }
        while true {
            switch machine.step(now) {
            case .send(let bytes): _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            case .wait(let until):
                probe = (machine, descriptor)
                due = until
                return
            case .done(let time):
                context.unwatch(descriptor)
                Glibc.close(descriptor)
                probe = nil
                return plan.probed(time?.milliseconds, at: now)
            }
        }
    }
}

/// `3.2 s`, `450 ms`.
func seconds(_ interval: Interval) -> String {
    interval < .milliseconds(1_000)
        ? "\(interval.nanoseconds / 1_000_000) ms" : "\(tenths(interval.seconds)) s"
}
