import Sluice

/// Whether a queue builds up on the way: the slope of a line through the last 20 groups' delays, against a threshold
/// that learns how unsteady the way is (the trendline filter of libwebrtc, in place of the Kalman filter of
/// draft-ietf-rmcat-gcc-02, sections 5.3 to 5.5; Carlucci and others, "Analysis and design of the Google congestion
/// control for WebRTC", MMSys 2016).
///
/// The delays are those of the groups added up, smoothed with 0.9. The slope × 4 × the number of groups (60 at most)
/// is held against the threshold, 12.5 at first: above it for 10 ms, in two groups, and rising, the link is overused;
/// below its negative a queue drains. The threshold follows the value's size, up with 0.0087 and down with 0.039 a
/// millisecond, within 6 to 600, and does not follow peaks of 15 above it: so that a flow that fills queues does not
/// starve this one, and a lone peak does not make it deaf.
struct DelayTrend: Sendable {
    enum Signal: Equatable, Sendable { case steady, overuse, draining }

    private(set) var signal = Signal.steady
    /// How fast delay rises, in ms a second.
    private(set) var rise = 0.0
    /// How much a group's delay differs from the last one's on the average, in ms.
    private(set) var jitter = 0.0
    private(set) var threshold = 12.5

    private var times: [Double] = []
    private var delays: [Double] = []
    private var count = 0
    private var origin: Interval?
    private var (sum, smooth) = (0.0, 0.0)
    private var last: Double?
    private var over = (span: 0.0, groups: 0)
    private var slopeBefore = 0.0

    static let window = 20
    private static let smoothing = 0.9
    private static let gain = 4.0
    private static let mostGroups = 60
    private static let rates = (up: 0.0087, down: 0.039)
    private static let leastOver = 10.0

    init() {
        times.reserveCapacity(DelayTrend.window + 1)
        delays.reserveCapacity(DelayTrend.window + 1)
    }

    mutating func take(_ step: PacketGroups.Step) {
        let change = step.arrived - step.sent
        count = min(count + 1, 1 << 20)
        jitter += (min(abs(change), 100) - jitter) / Double(min(count, 50))
        let start = origin ?? step.at
        origin = start
        sum += change
        smooth = DelayTrend.smoothing * smooth + (1 - DelayTrend.smoothing) * sum
        let time = (step.at - start).milliseconds
        times.append(time)
        delays.append(smooth)
        if times.count > DelayTrend.window {
            times.removeFirst()
            delays.removeFirst()
        }
        let slope = times.count == DelayTrend.window ? DelayTrend.slope(times, delays) ?? slopeBefore : slopeBefore
        rise = slope * 1_000
        judge(slope, step.sent, time)
    }

    private mutating func judge(_ slope: Double, _ sent: Double, _ time: Double) {
        guard count >= 2 else { return }
        let value = Double(min(count, DelayTrend.mostGroups)) * slope * DelayTrend.gain
        if value > threshold {
            // Since when is not known: half a step ago.
            over = (over.groups == 0 ? sent / 2 : over.span + sent, over.groups + 1)
            if over.span > DelayTrend.leastOver, over.groups > 1, slope >= slopeBefore {
                over = (0, 0)
                signal = .overuse
            }
        } else {
            over = (0, 0)
            signal = value < -threshold ? .draining : .steady
        }
        slopeBefore = slope
        adapt(abs(value), time)
    }

    private mutating func adapt(_ size: Double, _ time: Double) {
        defer { last = time }
        guard let last, size <= threshold + 15 else { return }
        let rate = size < threshold ? DelayTrend.rates.down : DelayTrend.rates.up
        threshold = min(max(threshold + rate * (size - threshold) * min(max(time - last, 0), 100), 6), 600)
    }

    /// By least squares; nil where all came at once.
    private static func slope(_ x: [Double], _ y: [Double]) -> Double? {
        var (sumX, sumY) = (0.0, 0.0)
        for index in x.indices { (sumX, sumY) = (sumX + x[index], sumY + y[index]) }
        let (meanX, meanY) = (sumX / Double(x.count), sumY / Double(x.count))
        var (above, below) = (0.0, 0.0)
        for index in x.indices {
            above += (x[index] - meanX) * (y[index] - meanY)
            below += (x[index] - meanX) * (x[index] - meanX)
        }
        return below > 0 ? above / below : nil
    }
}
