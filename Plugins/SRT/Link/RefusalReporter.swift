import Sluice

/// Says and counts who was refused at a listener, a few lines at a time.
struct RefusalReporter {
    private let admission: Admission
    private let metrics: LinkMetrics
    private let context: NodeContext
    private var limiter = LogLimiter()

    init(_ admission: Admission, _ metrics: LinkMetrics, _ context: NodeContext) {
        (self.admission, self.metrics, self.context) = (admission, metrics, context)
    }

    /// Everything new. When it is to be called again whatever happens.
    mutating func tell(_ now: Instant) -> Instant {
        let (refused, more) = admission.takeRefused()
        for (caller, reason) in refused { self.refused(caller, reason, now) }
        if more > 0 {
            metrics.refused.add(more)
            _ = limiter.judge(now, count: more)
        }
        for caller in admission.lostInHandshake(now) {
            say(
                "the caller \(caller.address) did not get past the handshake: its passphrase is another, or it gave up",
                now)
        }
        tellRest(now)
        let look = admission.isSomebodyComing ? now + RefusalReporter.look : .distantFuture
        return min(look, limiter.due ?? .distantFuture)
    }

    mutating func refused(_ caller: SRTListener.Caller, _ reason: Int32, _ now: Instant) {
        say("refused the caller \(caller.address): \(admission.words(caller, reason))", now)
    }

    private mutating func say(_ line: String, _ now: Instant) {
        metrics.refused.add()
        if limiter.judge(now) == .say { context.log(.warning, line) }
    }

    /// `atEnd`: nothing follows.
    mutating func tellRest(_ now: Instant, atEnd: Bool = false) {
        let unsaid = limiter.takeUnsaid(now, atEnd: atEnd)
        if unsaid > 0 { context.log(.warning, "refused \(unsaid) callers more") }
    }

    /// How often a caller in the handshake is looked at besides its events.
    private static let look = Interval.milliseconds(100)
}
