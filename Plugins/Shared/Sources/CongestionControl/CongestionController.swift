import RTP
import Sluice

/// How much may be sent to one receiver, by what its feedback tells of each packet: the least of what delay and loss
/// allow, raised by what probes prove. Pure: numbers and `now` in; the estimate, probes, decisions and the next
/// wake-up out. Used by one lane at a time.
///
/// With transport-cc feedback delay (`DelayTrend`, `DelayRate`), loss (`LossRate`) and probes (`ProbeSchedule`) rule.
/// Where that was not agreed the receiver's own estimates do (`SendRate`); where it was they are the most that it
/// wants. Each decision is told with its reason.
///
/// Feedback is bounded in what it can do: it counts for packets that were sent within the last 10 s, once for each,
/// and rates rise by time, not by feedback. A receiver that lies gets what it says it takes, up to `most`.
public struct CongestionController: Sendable {
    /// Rates in bits a second.
    public struct Settings: Sendable {
        /// The estimate before any feedback.
        public var first = 300_000
        /// The estimate never falls below.
        public var least = 50_000
        /// It never rises above.
        public var most = 100_000_000
        /// The receiver tells when packets come (transport-cc); where it does not, its estimates (REMB) count.
        public var hasArrivals = true

        /// 300 kb/s at first, 50 kb/s to 100 Mb/s, with transport-cc.
        public init() {}
    }

    private var settings: Settings
    /// Packets can be sent again, so that there is something to probe with.
    public var mayProbe = true
    private var history = TransportHistory()
    private var groups = PacketGroups()
    private var trend = DelayTrend()
    private var arrived = ArrivedRate()
    private var delay: DelayRate
    private var loss = LossRate()
    private var schedule: ProbeSchedule
    private var flight: ProbeFlight?
    private var receiver: SendRate
    private var decisions: [RateDecision] = []
    /// Decisions that were left out because nobody took them.
    public private(set) var untakenDecisions = 0
    /// The most that a probe has proved, in bits a second.
    private var proved: Double?
    /// The most that the receiver wants, in bits a second.
    private var wanted: Int?
    private var heard: Instant?
    private var lastSent: Instant?
    /// The first packet left.
    private var begun: Instant
    /// The rate was last halved because nothing was heard.
    private var silent: Instant?

    /// From when a packet left to when its feedback came; 200 ms before the first. Smoothed.
    public private(set) var responseTime = Interval.milliseconds(200)
    /// The receiver tells when packets come.
    public var hasArrivals: Bool { settings.hasArrivals }
    /// Feedback has come.
    public var isInformed: Bool { heard != nil }

    static let oldest = Interval.seconds(10)
    static let mostDecisions = 64
    static let patience = Interval.seconds(1)
    static let untold = Interval.seconds(3)

    /// The connection stands from `now` on.
    public init(_ settings: Settings = Settings(), now: Instant) {
        self.settings = settings
        begun = now
        delay = DelayRate(bits: Double(settings.first))
        schedule = ProbeSchedule(first: Double(settings.first), now: now)
        var rates = SendRate.Settings()
        (rates.first, rates.least) = (settings.first, settings.least)
        receiver = SendRate(rates, now: now)
    }

    /// The estimate, headers included, of all streams to the receiver.
    public var bitsPerSecond: Int {
        guard settings.hasArrivals else { return min(receiver.bitsPerSecond, settings.most) }
        let bits = min(delay.bits, loss.bound ?? .infinity)
        return min(Int(min(max(bits, Double(settings.least)), Double(settings.most))), wanted ?? .max)
    }

    /// How much comes, in bits a second, of the last 500 ms; nil before enough has.
    public var arrivedBitsPerSecond: Int? { arrived.bitsPerSecond.map { Int(min(max($0, 0), 1e12)) } }

    /// The estimate is more than a first guess: a probe has proved it, the link has shown its end, or the receiver has
    /// told it.
    public var isProved: Bool {
        settings.hasArrivals ? proved != nil || delay.hasFallen || loss.bound != nil : receiver.isEstimated
    }

    /// Of the packets that feedback told of last, 0 to 1.
    public var lossShare: Double { loss.share }
    /// How fast delay rises, in ms a second.
    public var delayRise: Double { trend.rise }

    /// The media would take so much if the link carried it, in bits a second.
    public mutating func wish(_ bits: Int) {
        schedule.noteWish(Double(min(max(0, bits), settings.most)), estimate: Double(bitsPerSecond))
    }

    /// The packet of this transport sequence number, of `bytes` in all, leaves `now`.
    public mutating func noteSent(_ sequence: UInt16, bytes: Int, at now: Instant, isProbe: Bool = false) {
        let place = history.note(sequence, bytes: bytes, at: now)
        if lastSent == nil { begun = now }
        lastSent = now
        if isProbe, flight?.isSent == false { flight?.noteSent(place, bytes: bytes, at: now) }
    }

    /// All packets of the probe have left.
    public mutating func endProbe() { flight?.end() }

    // MARK: Feedback

    /// The receiver tells which packets came, and when.
    public mutating func take(_ feedback: TransportFeedback, at now: Instant) {
        guard settings.hasArrivals else { return }
        let before = bitsPerSecond
        var newest: Instant?
        var lastTold: Instant?
        for result in history.take(feedback) {
            guard now - result.sent <= CongestionController.oldest, result.sent <= now else { continue }
            loss.note(
                bytes: result.bytes, sent: result.sent, hasArrived: result.arrived != nil,
                wasMissing: result.wasMissing)
            lastTold = result.sent
            guard let time = result.arrived else { continue }
            newest = max(newest ?? result.sent, result.sent)
            arrived.note(result.bytes, at: time)
            if flight?.holds(result.sequence) == true { flight?.noteArrived(bytes: result.bytes, at: time) }
            if let step = groups.take(sent: result.sent, arrived: time) { trend.take(step) }
        }
        guard let lastTold else { return }
        if let newest { noteResponse(now - newest, now) }
        followDelay(before, now)
        followLoss(lastTold, now)
        judgeProbe(until: lastTold, now)
    }

    private mutating func noteResponse(_ time: Interval, _ now: Instant) {
        let time = min(max(time, .zero), .milliseconds(2_000))
        responseTime = heard == nil ? time : responseTime + Interval(nanoseconds: (time - responseTime).nanoseconds / 8)
        heard = now
    }

    private mutating func followDelay(_ before: Int, _ now: Instant) {
        let former = delay.bits
        let change = delay.update(
            trend.signal, arrived: arrived.bitsPerSecond,
            proved: proved, roundTrip: responseTime, now: now)
        bound(now)
        switch change {
        case .none: break
        case .rises(let isNear): decide(before, .steady(isNearLink: isNear), now)
        case .falls:
            schedule.noteFall(from: former, now: now)
            decide(before, .delay(rise: trend.rise), now)
        }
    }

    private mutating func followLoss(_ sent: Instant, _ now: Instant) {
        let (before, bound) = (bitsPerSecond, loss.bound)
        if let finding = loss.update(sent: sent, rate: delay.bits) {
            schedule.noteFall(from: Double(before), now: now)
            decide(before, .loss(lost: finding.lost, own: finding.own), now)
        } else if bound != nil, loss.bound == nil {
            decide(before, .lossOver, now)
        }
    }

    private mutating func judgeProbe(until sent: Instant, _ now: Instant) {
        guard let flight, flight.isSent, sent >= flight.ended else { return }
        self.flight = nil
        let (before, result) = (bitsPerSecond, flight.result)
        guard let result else {
            return decide(before, .unproved, now)
        }
        proved = max(proved ?? 0, result.proved)
        let rate = worth(result, flight.probe, Double(before))
        if let rate {
            delay.set(rate, now: now)
            bound(now)
            schedule.noteProof(result)
        }
        decide(before, .proved(Int(result.proved), isFull: result.isFull), now)
    }

    /// The rate that a probe makes of `estimate`; nil where it leaves it.
    ///
    /// A rate that came whole is taken as it is. Where the link was full the probe has driven out others' packets: of
    /// a link that two share evenly a probe at twice the estimate gets 1.33 × it, and one that is sent faster gets
    /// more. So 0.85 × what came is taken, where that is more than 1.3 × the estimate, of probes at twice the
    /// estimate alone. Before the first overuse there is nothing to lose, and each probe counts.
    private func worth(_ result: ProbeFlight.Result, _ probe: Probe, _ estimate: Double) -> Double? {
        guard result.isFull else { return result.proved > estimate ? result.proved : nil }
        guard Double(probe.bitsPerSecond) < 2.1 * estimate || !delay.hasFallen else { return nil }
        let rate = DelayRate.decrease * result.proved
        return rate > 1.3 * estimate ? rate : nil
    }

    private mutating func bound(_ now: Instant) {
        let bits = min(max(delay.bits, Double(settings.least)), Double(settings.most))
        if bits != delay.bits { delay.set(bits, now: now) }
    }

    /// The receiver's estimate. Where it tells when packets come, the most that it wants.
    public mutating func take(_ estimate: ReceiverEstimate, at now: Instant) {
        let before = bitsPerSecond
        if settings.hasArrivals {
            wanted = max(settings.least, estimate.bitsPerSecond)
        } else {
            receiver.note(estimate, at: now)
            heard = now
        }
        if bitsPerSecond != before { decide(before, .receiver, now) }
    }

    /// A report on a stream to the receiver, where it does not tell when packets come. One that has agreed to tell
    /// that, and reports without ever doing so, does not.
    public mutating func take(_ block: RTCPPacket.ReportBlock, at now: Instant) {
        let before = bitsPerSecond
        if settings.hasArrivals {
            guard heard == nil, lastSent != nil, now - begun >= CongestionController.untold else { return }
            (settings.hasArrivals, flight) = (false, nil)
            decide(before, .untold, now)
        }
        receiver.note(block, at: now)
        heard = now
        guard bitsPerSecond != before else { return }
        decide(before, .loss(lost: Double(block.fractionLost) / 256, own: 0), now)
    }

    // MARK: By time

    /// True once, where the receiver's estimates are to count and none has come for 10 s.
    public mutating func takeSilence(now: Instant) -> Bool {
        !settings.hasArrivals && receiver.takeSilence(now: now)
    }

    /// Does what time demands. The next probe, where one is due: its packets are sent at once, with
    /// `noteSent(isProbe: true)`.
    public mutating func run(now: Instant) -> Probe? {
        guard settings.hasArrivals else { return nil }
        noteSilence(now)
        if let flight {
            guard now - flight.ended >= CongestionController.patience * 2 else { return nil }
            self.flight = nil
            decide(bitsPerSecond, .unproved, now)
        }
        guard mayProbe, lastSent != nil else { return nil }
        let (estimate, rising) = (bitsPerSecond, trend.signal == .overuse)
        guard
            let (probe, reason) = schedule.take(
                estimate: Double(estimate), most: Double(min(settings.most, wanted ?? .max)), isRising: rising,
                jitter: trend.jitter, now: now)
        else { return nil }
        flight = ProbeFlight(probe, now: now)
        decide(estimate, .probe(probe.bitsPerSecond, reason), now)
        return probe
    }

    private mutating func noteSilence(_ now: Instant) {
        guard let due = silenceDue, now >= due else { return }
        let before = bitsPerSecond
        delay.set(delay.bits / 2, now: now)
        bound(now)
        schedule.noteFall(from: Double(before), now: now)
        decide(before, .silence(now - (heard ?? begun)), now)
        silent = now
    }

    /// Packets were sent and nothing was heard since: half the rate each second.
    private var silenceDue: Instant? {
        guard let lastSent, bitsPerSecond > settings.least else { return nil }
        let since = max(heard ?? begun, silent ?? begun)
        guard lastSent > since else { return nil }
        return since + CongestionController.patience + responseTime
    }

    /// When `run` is to be called.
    public var due: Instant? {
        guard settings.hasArrivals else { return receiver.due }
        guard lastSent != nil else { return nil }
        var next = silenceDue ?? .distantFuture
        if let flight {
            next = min(next, flight.ended + CongestionController.patience * 2)
        } else if mayProbe, let probe = schedule.due(estimate: Double(bitsPerSecond)) {
            next = min(next, probe)
        }
        return next == .distantFuture ? nil : next
    }

    // MARK: Decisions

    private mutating func decide(_ before: Int, _ cause: RateDecision.Cause, _ now: Instant) {
        guard decisions.count < CongestionController.mostDecisions else {
            untakenDecisions += 1
            return
        }
        decisions.append(RateDecision(at: now, before: before, after: bitsPerSecond, cause: cause))
    }

    /// The decisions since the last call, the oldest first.
    public mutating func takeDecisions() -> [RateDecision] {
        guard !decisions.isEmpty else { return [] }
        defer { decisions = [] }
        return decisions
    }
}
