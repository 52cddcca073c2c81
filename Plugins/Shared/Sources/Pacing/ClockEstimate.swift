import Sluice

/// A source's clock as its items' arrivals tell it: when media of a time come on the average, and how much longer one
/// of the source's seconds lasts here, in parts per million.
///
/// A Kalman filter of two states, phase and rate (Kalman 1960; of clocks: Zucca and Tavella, "The clock model and its
/// relationship with the Allan and related variances", IEEE T-UFFC 52, 2005). An arrival is the media's time on the
/// source's clock plus jitter, whose variance is estimated along the way. A source without jitter is known after a
/// second, and one with ±20 ms of it to about 10 ppm after two minutes. Single arrivals far off (250 ms) are left out;
/// when they go on for a second, time has jumped and the phase begins anew, the rate is kept. Pure: every time is an
/// argument.
public struct ClockEstimate: Sendable {
    /// Media that are that far off do not belong to the clock as it is known.
    static let farOff = 0.25
    /// Seconds for which they have to go on.
    static let persistence = 1.0
    /// Variance of the rate's random walk in 1/s: 1.5 ppm in a second, so that the filter follows a crystal that warms
    /// up and its bandwidth stays at 0.005 Hz under 12 ms of jitter.
    static let wander = 2.1e-12
    /// Of one arrival, in s²: 0.1 ms.
    static let leastJitter = 1e-8
    /// A source further off than that has no clock but another rate. Parts of 1.
    public static let largestRate = 0.01

    private var time = MediaTime.none
    private var phase: Int64 = 0
    private var fraction = 0.0
    private var rate = 0.0
    private var p00 = 0.0
    private var p01 = 0.0
    private var p11 = 0.0
    private var jitter = ClockEstimate.firstJitter
    private var count = 0
    /// Media seen since the last jump.
    private var seen = 0.0
    private var farSince: Instant?

    private static let firstJitter = 1e-4
    /// Of the rate before anything is known: 300 ppm.
    private static let firstRateVariance = 9e-8

    /// Before the first arrival.
    public init() {}

    /// Something has arrived.
    public var isStarted: Bool { time.isKnown }

    /// How much longer one second of the source lasts on the graph's clock, in parts per million.
    public var ppm: Double { rate * 1e6 }

    /// Standard deviation of arrivals around the estimate, in ms.
    public var jitterMilliseconds: Double { jitter.squareRoot() * 1e3 }

    /// Enough was seen for the rate to be of use: five seconds, and known to 50 ppm.
    public var isSettled: Bool { seen > 5 && p11 < 2.5e-9 }

    /// Notes that media whose time is `mark` came at `arrival`. The mark is the end of an item where items are known to
    /// come when they are complete.
    public mutating func note(_ mark: MediaTime, at arrival: Instant) {
        guard mark.isKnown else { return }
        guard isStarted else { return restart(at: mark, arrival) }
        guard let step = seconds(from: time, to: mark) else { return noteFar(mark, arrival) }
        let ahead = Double(phase &- arrival.nanoseconds) / 1e9 + fraction / 1e9 + step * (1 + rate)
        let residual = -ahead
        guard abs(residual) < ClockEstimate.farOff else { return noteFar(mark, arrival) }
        farSince = nil
        update(residual, step)
        time = mark
    }

    private mutating func update(_ residual: Double, _ step: Double) {
        let dt = max(step, 0)
        p00 += dt * (2 * p01 + dt * p11)
        p01 += dt * p11
        p11 += dt * ClockEstimate.wander
        let spread = (p00 + jitter).squareRoot() * 3
        let taken = min(max(residual, -spread), spread)
        let sum = p00 + jitter
        let (k0, k1) = (p00 / sum, p01 / sum)
        // The prediction first, on the rate as it was; then the correction.
        let ahead = step * (1 + rate) * 1e9 + fraction + k0 * taken * 1e9
        let whole = ahead.rounded()
        phase = phase &+ Int64(whole)
        fraction = ahead - whole
        rate = min(max(rate + k1 * taken, -ClockEstimate.largestRate), ClockEstimate.largestRate)
        p11 -= k1 * p01
        p01 -= k0 * p01
        p00 -= k0 * p00
        count += 1
        seen += dt
        let weight = max(1 / 512, 1 / Double(count + 8))
        jitter = max(ClockEstimate.leastJitter, jitter + weight * (taken * taken - jitter))
    }

    /// Seconds between two media times; nil where that is nonsense.
    private func seconds(from a: MediaTime, to b: MediaTime) -> Double? {
        let step = b.ticks.subtractingReportingOverflow(a.ticks)
        guard !step.overflow, step.partialValue.magnitude < UInt64(MediaTime.ticksPerSecond) * 3600 else { return nil }
        return Double(step.partialValue) / Double(MediaTime.ticksPerSecond)
    }

    private mutating func noteFar(_ mark: MediaTime, _ arrival: Instant) {
        guard let since = farSince else {
            farSince = arrival
            return
        }
        if (arrival - since).seconds >= ClockEstimate.persistence { restart(at: mark, arrival) }
    }

    /// Time has jumped: `mark` came at `arrival`. The known rate is kept.
    public mutating func restart(at mark: MediaTime, _ arrival: Instant) {
        guard mark.isKnown else { return }
        if !isStarted { p11 = ClockEstimate.firstRateVariance }
        (time, phase, fraction) = (mark, arrival.nanoseconds, 0)
        (p00, p01) = (jitter, 0)
        farSince = nil
        count = min(count, 64)
    }

    /// How much later media come, on the average, than their time says; nil before the first, or where that is
    /// nonsense.
    public var behindMedia: Interval? {
        guard isStarted else { return nil }
        let behind = Double(phase) / 1e9 + fraction / 1e9 - time.seconds
        return abs(behind) < 1e9 ? .seconds(behind) : nil
    }

    /// When media of this time come, or came, on the average.
    public func arrival(of mark: MediaTime) -> Instant {
        guard isStarted, let step = seconds(from: time, to: mark) else { return Instant(nanoseconds: phase) }
        return Instant(nanoseconds: phase &+ Int64((step * (1 + rate) * 1e9 + fraction).rounded()))
    }
}
