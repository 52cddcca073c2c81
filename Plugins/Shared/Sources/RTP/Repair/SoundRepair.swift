import Sluice

/// How lost packets of audio are made good for one receiver.
///
/// Tried with Chromium at 5 % loss and 100 ms round trip, of the sound was concealed: bare 4.5 %, with packets that go
/// out again 4.0, with the codec's own forward error correction 1.3, with each frame twice 0.06. So each frame goes out
/// twice where the receiver takes that and loses more than 1 %. Else an encoder that works for this receiver alone may
/// be told the loss. A packet goes out again only where it comes in time.
public struct SoundRepair: Sendable {
    private let takesRedundancy: Bool
    private var loss = LossMeter(span: .seconds(5))
    private var since: Instant?
    /// From the last sender report and its answer; nil before.
    public var roundTrip: Interval?
    /// Packets carry the frame before (RFC 2198).
    public private(set) var isRedundant = false

    /// From this share of loss on frames go out twice; below the other one, for `hold`, no more.
    static let (most, least, hold) = (0.01, 0.005, Interval.seconds(10))
    /// With fewer packets than these one lost packet says little.
    static let fewest = 100.0
    /// A packet that goes out again comes later than NetEq waits where the round trip is longer.
    static let longestRoundTrip = Interval.milliseconds(40)

    /// `takesRedundancy`: the receiver has agreed on RFC 2198.
    public init(takesRedundancy: Bool) { self.takesRedundancy = takesRedundancy }

    /// A report on the stream came.
    public mutating func note(_ block: RTCPPacket.ReportBlock, at now: Instant) {
        loss.note(block, at: now)
        guard takesRedundancy else { return }
        if loss.lost > SoundRepair.most * max(loss.expected, SoundRepair.fewest) {
            (isRedundant, since) = (true, now)
        } else if isRedundant, loss.share < SoundRepair.least, let since, now - since >= SoundRepair.hold {
            isRedundant = false
        }
    }

    /// Of the packets, in percent: for an encoder's forward error correction, where it has no other receiver. 0 where
    /// frames go out twice.
    public var expectedLossPercent: Int { isRedundant ? 0 : Int((loss.share * 100).rounded()) }

    /// Packets that the receiver misses go out again.
    public var answersLoss: Bool { roundTrip.map { $0 < SoundRepair.longestRoundTrip } ?? false }
}
