import Sluice

/// Listens for many callers and starts an instance of a template for each, which gets the connection as its resource.
final class CallAcceptor {
    private let template: String
    private let context: NodeContext
    private let metrics: LinkMetrics
    private let reception: Reception
    /// The latest session of each name, until it is over. The next one of that name is built after it: both may write
    /// the same file.
    private var latest: [String: NodeContext.Instance] = [:]
    private var purgeAt = 64
    var due: Instant { reception.due }

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
        reception = try Reception(
            settings,
            Admission.Rules(
                direction: .read, names: .each, takesOver: takesOver, most: most, mostHandshakes: mostHandshakes,
                isEncrypted: !settings.options.passphrase.isEmpty),
            guests: "callers", metrics, context)
    }

    func step(_ now: Instant) throws { try reception.step(now) { admit($0) } }

    private func admit(_ guest: Reception.Guest) {
        let (socket, caller, place) = (guest.socket, guest.caller, guest.place)
        let name = place.key ?? ""
        let call = SRTCall(socket, peer: "the caller \(caller.address)", place: place, admission: reception.admission)
        metrics.connections.add()
        context.isWaiting(for: nil)
        let shown = StreamID.shown(caller.streamID)
        let former = latest[name]
        if guest.isTakeOver, let former {
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

    private func remember(_ session: NodeContext.Instance, as name: String) {
        latest[name] = session
        // Seldom, so that a caller costs the same whatever the number of others.
        guard latest.count >= purgeAt else { return }
        latest = latest.filter { !$0.value.isOver }
        purgeAt = max(64, latest.count * 2)
    }

    func close(_ now: Instant) { reception.close(now) }
}
