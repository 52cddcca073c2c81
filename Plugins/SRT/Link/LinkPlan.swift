import Sluice

/// When a connection is opened, with which latency, and what an interruption is: a machine without sockets and clocks.
///
/// Its driver asks `step` for the next step, takes it, and tells the result: `probed`, `opened`, `failed`, `lost`. It
/// tries for ever. After an interruption it tries at once. Then it pauses for an eighth of the time that the
/// interruption has lasted, at least 50 ms and at most 5 s. So a peer that restarts is found within a moment, and one
/// that is away for a day is not called ten times a second. A latency is chosen when a connection is opened, and no
/// connection is given up to change it.
struct LinkPlan {
    enum Step: Equatable {
        case probe
        case open(LatencyRule.Choice)
        case wait(until: Instant)
        /// Somebody is at it, or the connection stands.
        case nothing
    }

    /// Time without a connection after one had stood, or before the first one.
    struct Outage: Equatable {
        var length: Interval
        /// 0 before the first connection, then 1 for the first interruption.
        var number: Int
        var attempts: Int
    }

    private enum State: Equatable {
        case resting(until: Instant)
        case probing, opening, up
    }

    let rule: LatencyRule
    /// Whether a round trip can be measured before the first connection: only a caller knows whom to ask.
    let canProbe: Bool
    private var state: State
    /// Since when there is no connection; nil while there is one.
    private(set) var outSince: Instant?
    private(set) var interruptions = 0
    private(set) var longestOutage = Interval.zero
    private(set) var totalOutage = Interval.zero
    private var attempts = 0
    private var roundTrip: (milliseconds: Double, source: LatencyRule.Source)?
    private var hasProbed = false
    private var wasUp = false

    init(_ rule: LatencyRule, canProbe: Bool, at now: Instant) {
        self.rule = rule
        self.canProbe = canProbe
        state = .resting(until: now)
        outSince = now
        if let given = rule.givenRoundTrip { roundTrip = (given, .given) }
    }

    var isUp: Bool { state == .up }

    mutating func step(_ now: Instant) -> Step {
        guard case .resting(let until) = state else { return .nothing }
        guard now >= until else { return .wait(until: until) }
        if rule.needsRoundTrip && roundTrip == nil && canProbe && !hasProbed {
            state = .probing
            return .probe
        }
        state = .opening
        attempts += 1
        return .open(choice)
    }

    /// The settings of a connection that is opened now.
    var choice: LatencyRule.Choice { rule.choice(roundTrip?.milliseconds, roundTrip?.source ?? .probe) }

    /// `roundTrip` in ms; nil where nobody answered. Then the peer is called all the same, for its answer may tell
    /// more, and asked again before the next call.
    mutating func probed(_ found: Double?, at now: Instant) {
        guard state == .probing else { return }
        if let found { roundTrip = (found, .probe) }
        hasProbed = true
        state = .resting(until: now)
    }

    /// The time without a connection that ends now.
    mutating func opened(at now: Instant) -> Outage {
        let outage = Outage(length: now - (outSince ?? now), number: interruptions, attempts: attempts)
        if wasUp { note(outage.length) }
        state = .up
        (outSince, attempts, wasUp) = (nil, 0, true)
        return outage
    }

    /// Nobody answered, or the call was refused.
    mutating func failed(at now: Instant) {
        guard state == .opening else { return }
        hasProbed = false
        rest(now)
    }

    /// `roundTrip` in ms, as the connection measured it; nil where it measured none. The next one is opened after
    /// `pause`.
    mutating func lost(at now: Instant, roundTrip measured: Double?, pause: Interval = .zero) {
        guard state == .up else { return }
        if let measured { roundTrip = (measured, .connection) }
        outSince = now
        interruptions += 1
        state = .resting(until: now + pause)
    }

    /// A connection that somebody else takes over, without an interruption between them.
    mutating func replaced(roundTrip measured: Double?) {
        if let measured { roundTrip = (measured, .connection) }
    }

    /// The run ends: what has not come back counts too.
    mutating func end(at now: Instant) -> Outage? {
        guard wasUp, let since = outSince else { return nil }
        let outage = Outage(length: now - since, number: interruptions, attempts: attempts)
        note(outage.length)
        outSince = nil
        return outage
    }

    private mutating func note(_ outage: Interval) {
        longestOutage = max(longestOutage, outage)
        totalOutage = totalOutage + outage
    }

    private mutating func rest(_ now: Instant) {
        let out = now - (outSince ?? now)
        let pause = min(max(out.nanoseconds / 8, 50_000_000), 5_000_000_000)
        state = .resting(until: now + Interval(nanoseconds: pause))
    }
}
