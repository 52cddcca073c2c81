import Glibc
import Net
import Sluice

/// Listens for many callers and starts an instance of a template for each, which gets the connection as its resource.
final class CallAcceptor {
    private let template: String
    private let context: NodeContext
    private let metrics: LinkMetrics
    private let admission: Admission
    private let options: SRTOptions
    private let backlog: Int
    private let shown: String
    private var lookup: AddressLookup?
    private var listener: SRTListener?
    private var refusals: RefusalReporter
    /// The latest session of each name, until it is over. The next one of that name is built after it: both may write
    /// the same file.
    private var latest: [String: SessionHandle] = [:]
    private var purgeAt = 64
    private(set) var due = Instant.distantFuture

    init(
        _ settings: LinkSettings, template: String, takesOver: Bool, most: Int, mostHandshakes: Int,
        context: NodeContext
    ) throws {
        guard settings.address.mode == .listener else {
            throw NodeError(
                "a template is started for each caller, and \(settings.address.peer) does not listen",
                advice: "Write srt://:PORT, or leave out \"template\".", isInputError: true)
        }
        self.template = template
        self.context = context
        metrics = LinkMetrics(context)
        admission = Admission(
            Admission.Rules(
                direction: .read, names: .each, takesOver: takesOver, most: most, mostHandshakes: mostHandshakes,
                isEncrypted: !settings.options.passphrase.isEmpty))
        refusals = RefusalReporter(admission, metrics, context)
        var options = settings.options
        options.latencyMilliseconds = settings.rule.choice(settings.rule.givenRoundTrip, .given).milliseconds
        self.options = options
        backlog = max(32, min(most, 1_024))
        shown = settings.address.peer
        lookup = AddressLookup(
            [.init(settings.address.host, port: Int(settings.address.port))], context,
            resolver: try context.service(NameResolver.self) ?? .system)
        try listen()
    }

    /// When the address is known: at once where it stands in digits.
    private func listen() throws {
        guard let found = try lookup?.takeAll()?.get().first else {
            return context.isWaiting(for: "the address of \(shown)")
        }
        lookup = nil
        guard let address = found.first(where: { $0.family == AF_INET }) ?? found.first else { return }
        let made = try SRTListener(
            at: address, options, backlog: backlog, admission: admission, wakes: context.handle)
        SRTPoller.shared.watch(made.handle, context.handle)
        listener = made
        context.log(.info, "listens at \(made.address)")
        context.isWaiting(for: "callers at \(made.address)")
    }

    func step(_ now: Instant) throws {
        due = .distantFuture
        if lookup != nil { try listen() }
        guard let listener else { return }
        while let (socket, caller) = listener.accept() { admit(socket, caller, now) }
        due = refusals.tell(now)
    }

    private func admit(_ socket: SRTSocket, _ caller: SRTListener.Caller, _ now: Instant) {
        let place: Admission.Place
        let isTakeOver: Bool
        switch admission.enter(caller) {
        case .refused(let reason): return refusals.refused(caller, reason, now)
        case .place(let given, let takesOver): (place, isTakeOver) = (given, takesOver)
        }
        let name = place.key ?? ""
        let call = SRTCall(socket, peer: "the caller \(caller.address)", place: place, admission: admission)
        metrics.connections.add()
        context.isWaiting(for: nil)
        let shown = StreamID.shown(caller.streamID)
        let former = latest[name]
        if isTakeOver, let former {
            metrics.takenOver.add()
            context.log(.warning, "\(call.peer) takes over \(shown)")
            former.stop()
        } else {
            let cipher = socket.cipher.map { ", \($0)" } ?? ""
            context.log(
                .info, "\(call.peer) publishes \(shown), latency \(socket.receiveLatencyMilliseconds) ms\(cipher)")
        }
        let parameters: [String: ParameterValue] = ["name": .string(name.isEmpty ? "unnamed" : name)]
        let session = context.start(template, parameters: parameters, resource: call, after: former)
        // Callers without a name are never in each other's way.
        if !name.isEmpty { remember(session, as: name) }
    }

    private func remember(_ session: SessionHandle, as name: String) {
        latest[name] = session
        // Seldom, so that a caller costs the same whatever the number of others.
        guard latest.count >= purgeAt else { return }
        latest = latest.filter { !$0.value.isOver }
        purgeAt = max(64, latest.count * 2)
    }

    func close(_ now: Instant) {
        if let listener { SRTPoller.shared.unwatch(listener.handle) }
        refusals.tellRest(now, atEnd: true)
        context.isWaiting(for: nil)
    }
}
