import Sluice

/// Listens for many callers and starts an instance of a template for each, which gets the connection as its resource.
final class CallDesk {
    private let listener: SRTListener
    private let names: CallerNames
    private let template: String
    private let context: NodeContext
    private let metrics: LinkMetrics
    private let choice: LatencyRule.Choice
    /// By number of the call, until its session has left.
    private var sessions: [Int: (handle: SessionHandle, call: WeakCall)] = [:]
    private(set) var due = Instant.distantFuture

    private struct WeakCall { weak var call: SRTCall? }
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
        let address = try SocketAddress.find(settings.address.host, port: settings.address.port)
        listener = try SRTListener(at: address, options, backlog: max(32, min(most, 1_024)), wakes: mailbox) {
            names.judge($0)
        }
        SRTPoller.shared.watch(listener.handle, mailbox)
        context.isWaiting(for: "callers at \(listener.address.text)")
    }

    func step(_ now: Instant) {
        due = .distantFuture
        for (caller, reason) in listener.refused() {
            metrics.refused.add()
            context.log(.warning, "refused the caller \(caller.address.text): \(names.words(caller, reason))")
        }
        for caller in listener.lostInHandshake(now) {
            metrics.refused.add()
            context.log(.warning, "the caller \(caller.address.text) \(SRTListener.lostWords)")
        }
        sessions = sessions.filter { $0.value.call.call != nil }
        while let (socket, caller) = listener.accept() { admit(socket, caller) }
        if listener.hasPending { due = now + CallDesk.look }
    }

    private func admit(_ socket: SRTSocket, _ caller: SRTListener.Caller) {
        let name = StreamID(caller.streamID)?.name ?? ""
        let (number, replaced) = names.enter(name)
        let call = SRTCall(socket, number: number, name: name, peer: "the caller \(caller.address.text)", names: names)
        metrics.connections.add()
        context.isWaiting(for: nil)
        let shown = StreamID.shown(caller.streamID)
        if let replaced, let old = sessions[replaced] {
            metrics.takenOver.add()
            context.log(.warning, "\(call.peer) takes over \(shown)")
            old.handle.stop()
        } else {
            context.log(.info, "\(call.peer) publishes \(shown), latency \(socket.receiveLatencyMilliseconds) ms")
        }
        let parameters: [String: ParameterValue] = ["name": .string(name.isEmpty ? "unnamed" : name)]
        sessions[number] = (context.start(template, parameters: parameters, resource: call), WeakCall(call: call))
    }

    func close() {
        SRTPoller.shared.unwatch(listener.handle)
        context.isWaiting(for: nil)
    }
}
