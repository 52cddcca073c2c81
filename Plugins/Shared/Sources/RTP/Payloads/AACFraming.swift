import Bitstream

/// How access units of AAC lie in RTP payloads (RFC 3640, section 3.2), and how long they last.
///
/// A payload begins with a header for each of its units, and what stands in them is the description's to say. Here are
/// the lengths of their fields in bits, 0 for those that are not there.
public struct AACFraming: Hashable, Sendable {
    /// Timestamps a second.
    public var clockRate: Int
    /// Timestamps from one unit to the next.
    public var duration: Int
    /// Of a unit's size in bytes.
    public var sizeLength = 13
    /// Bytes of every unit, where no header tells its size; 0 where headers do.
    public var constantSize = 0
    /// Of the first unit's number.
    public var indexLength = 3
    /// Of the distance from one unit's number to the next one's.
    public var indexDeltaLength = 3
    /// Of the distance from the packet's timestamp to the unit's.
    public var ctsDeltaLength = 0
    /// Of the distance from a unit's timestamp to its decoding time.
    public var dtsDeltaLength = 0
    /// A bit in each header tells whether decoding can begin there.
    public var tellsRandomAccess = false
    /// Of the state of systems that count it.
    public var stateLength = 0
    /// Of the size of data behind the headers that are for others.
    public var auxiliarySizeLength = 0

    /// The mode AAC-hbr: headers of 16 bits. `duration` in timestamps.
    public init(clockRate: Int, duration: Int = 1_024) {
        (self.clockRate, self.duration) = (clockRate, duration)
    }

    /// The mode AAC-hbr at the rate that is heard.
    public init(_ configuration: AudioSpecificConfig) {
        self.init(clockRate: configuration.rate, duration: configuration.samples)
    }

    /// Payloads begin with headers.
    var hasHeaders: Bool {
        sizeLength + indexLength + indexDeltaLength + ctsDeltaLength + dtsDeltaLength + stateLength > 0
            || tellsRandomAccess
    }
}
