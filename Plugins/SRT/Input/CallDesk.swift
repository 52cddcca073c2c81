import Net
import Sluice

/// Listens for many callers and starts an instance of a template for each, which gets the connection as its resource.
final class CallDesk {
    private let listener: SRTListener
    private let names: CallerNames
    private let template: String
    private let context: NodeContext
    private let metrics: LinkMetrics
    private let choice: LatencyRule.Choice
    /// The latest session of each name, until it is over. The next one of that name is built after it: both may write the
    /// same file.
    private var latest: [String: SessionHandle] = [:]
    private(set) var due = Instant.distantFuture

    private static let look = Interval.milliseconds(100)

    init(
        _ settings: LinkSettings, template: String, takesOver: Bool, most: Int, context: NodeContext
    ) throws {
        guard settings.address.mode == .listener else {
            throw NodeError(
                "a template is started for each caller, and \(settings.address.peer) does not listen",
                advice: "Write srt://:PORT, or leave out \"template\".", isInputError: true)
        }
        self.template = template
        self.context = context
        metrics = LinkMetrics(context)
        let names = CallerNames(takesOver: takesOver, most: most)
        self.names = names
        let mailbox = context.mailbox
        var options = settings.options
        choice = settings.rule.choice(settings.rule.givenRoundTrip, .given)
        options.latencyMilliseconds = choice.milliseconds
        let address = try SocketAddress.find(settings.address.host, port: Int(settings.address.port))
        listener = try SRTListener(at: address, options, backlog: max(32, min(most, 1_024)), wakes: mailbox) {
            names.judge($0)
        }
        SRTPoller.shared.watch(listener.handle, mailbox)
        context.isWaiting(for: "callers at \(listener.address)")
    }

    func step(_ now: Instant) {
        due = .distantFuture
        for (caller, reason) in listener.refused() {
            metrics.refused.add()
            context.log(.warning, "refused the caller \(caller.address): \(names.words(caller, reason))")
        }
        for caller in listener.lostInHandshake(now) {
            metrics.refused.add()
            context.log(.warning, "the caller \(caller.address) \(SRTListener.lostWords)")
        }
        latest = latest.filter { !$0.value.isOver }
        while let (socket, caller) = listener.accept() { admit(socket, caller) }
        if listener.hasPending { due = now + CallDesk.look }
    }

    private func admit(_ socket: SRTSocket, _ caller: SRTListener.Caller) {
        let name = StreamID(caller.streamID)?.name ?? ""
        let (number, isTakeOver) = names.enter(name)
        let call = SRTCall(socket, number: number, name: name, peer: "the caller \(caller.address)", names: names)
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
        if !name.isEmpty { latest[name] = session }
    }

    func close() {
        SRTPoller.shared.unwatch(listener.handle)
        context.isWaiting(for: nil)
    }
}
