import Sluice

/// How much may be sent to one receiver, by what it tells: its estimates (REMB), bounded by the loss that its reports
/// tell. Pure.
///
/// Loss of more than 10 % bounds the rate to the present one × (1 − loss / 2). The bound rises by 5 % at a time while
/// less than 2 % is lost, until it is above the estimate and no bound any more. Estimates cover all streams of a
/// transport, so reports on any of them count.
public struct SendRate: Sendable {
    /// Facts of the graph, in bits a second.
    public struct Settings: Sendable {
        /// Until the first estimate: Chromium's comes after 5 s.
        public var first = 1_800_000
        /// No bound is below.
        public var least = 50_000
        /// An encoder's part, in percent: the rest is for audio, headers, repair, and pictures that are larger.
        public var encoderPercent = 65
        /// Where an encoder may go.
        public var encoder = 500_000...1_800_000
        /// After so long without an estimate that is said.
        public var patience = Interval.seconds(10)

        /// 1,800 kb/s at first; 65 % of the estimate, 500 to 1,800 kb/s, for an encoder.
        public init() {}

        /// Bits a second for an encoder whose pictures go to a receiver that is sent `bits` a second.
        public func encoder(of bits: Int) -> Int {
            min(max(min(bits, SendRate.most) * encoderPercent / 100, encoder.lowerBound), encoder.upperBound)
        }
    }

    private let settings: Settings
    private var told: Int?
    private var bound: Int?
    private var heard: Instant
    private var isSaid = false
    private var loss = LossMeter(span: .seconds(5))
    private var (expected, lost) = (0, 0)
    private var stepped: Instant?

    /// Loss is acted upon no more often, so that one loss that several reports tell counts once.
    static let pace = Interval.milliseconds(300)
    /// Fewer packets say little.
    static let fewest = 20
    /// Higher estimates are none: sums with them must not overflow.
    static let most = 1_000_000_000_000

    /// The connection stands from `now` on.
    public init(_ settings: Settings = Settings(), now: Instant) {
        (self.settings, heard) = (settings, now)
    }

    /// Bits a second, headers included, of all streams to the receiver.
    public var bitsPerSecond: Int { min(base, bound ?? .max) }

    /// Bits a second for an encoder whose pictures go to this receiver.
    public var encoderBitsPerSecond: Int { settings.encoder(of: bitsPerSecond) }

    /// The receiver has told an estimate.
    public var isEstimated: Bool { told != nil }

    private var base: Int { told ?? settings.first }

    /// An estimate came.
    public mutating func note(_ estimate: ReceiverEstimate, at now: Instant) {
        told = min(max(estimate.bitsPerSecond, settings.least), SendRate.most)
        heard = now
        liftBound()
    }

    /// A report on one of the streams to the receiver came.
    public mutating func note(_ block: RTCPPacket.ReportBlock, at now: Instant) {
        let news = loss.note(block, at: now)
        (expected, lost) = (min(expected + news.expected, 1 << 30), min(lost + news.lost, 1 << 30))
        guard expected >= SendRate.fewest, stepped.map({ now - $0 >= SendRate.pace }) ?? true else { return }
        let share = Double(lost) / Double(expected)
        (expected, lost, stepped) = (0, 0, now)
        if share > 0.1 {
            bound = max(settings.least, Int(Double(bitsPerSecond) * (1 - share / 2)))
        } else if share < 0.02, let before = bound {
            bound = before + before / 20
            liftBound()
        }
    }

    private mutating func liftBound() {
        if let bound, bound >= base { self.bound = nil }
    }

    /// True once, when no estimate has come for `patience`.
    public mutating func takeSilence(now: Instant) -> Bool {
        guard !isSaid, now - heard >= settings.patience else { return false }
        isSaid = true
        return true
    }

    /// When `takeSilence` has something to say; nil where it has said it.
    public var due: Instant? { isSaid ? nil : heard + settings.patience }
}
