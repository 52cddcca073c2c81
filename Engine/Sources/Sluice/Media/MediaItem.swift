/// An item on an edge: a frame of raw media, a packet of coded media, or a data item.
///
/// Immutable once sent, reference counted, shared freely between lanes. The one who made it, and holds the only
/// reference, may write to it; `Pool` hands out such ones. The header is small and stored inline, so that an edge reads
/// duration, epoch and flags without knowing which kind of item it carries.
///
/// Each kind of media has its class: `AudioFrame`, `VideoFrame`, `Packet`. An input hands out nothing whose format is
/// not its class's, so that a node may cast by the format's kind.
public class MediaItem: @unchecked Sendable {
    // Exclusivity holds by the contract above; checking it at run time would cost more than a hop.
    /// Time, epoch and flags. Written before the item is sent, never after.
    @exclusivity(unchecked) public final var header: Header
    /// Payload bytes. Its class keeps it: a header that is taken over from another item leaves it alone.
    @exclusivity(unchecked) public internal(set) final var byteCount = 0
    /// The description of the payload. Written before the item is sent, never after.
    @exclusivity(unchecked) public final var format: MediaFormat { didSet { formatID = ObjectIdentifier(format) } }
    /// Of `format`: compared for every item without counting a reference.
    @exclusivity(unchecked) @usableFromInline final var formatID: ObjectIdentifier

    init(itemOf format: MediaFormat) {
        self.format = format
        formatID = ObjectIdentifier(format)
        header = Header()
    }

    /// The formats that a port of this type carries unless it narrows them.
    public class var possibleFormats: FormatSet { .any }

    /// The class is the one that belongs to the format.
    final var isWhatItSays: Bool {
        let kind = format.kind
        return type(of: self).possibleFormats.patterns.contains { $0.kind == kind }
    }

}

extension MediaItem {
    /// 40 bytes that every item carries: all that may be taken over from one item to the next.
    @frozen
    public struct Header: Sendable {
        /// When it is shown or heard. `.none` if unknown.
        public var pts: MediaTime
        /// When it is decoded; equals `pts` where nothing is reordered.
        public var dts: MediaTime
        /// How long it lasts. `.none` lets `Output.send` fill it: the dts step if in (0, 1 s], else the format's
        /// nominal duration, else the last one.
        public var duration: MediaTime
        /// When the first byte of it was seen, on the graph's clock.
        public var captured: Instant
        /// Of the session that it came from. 0 is never stale.
        public var epoch: UInt32
        /// Marks of the item.
        public var flags: Flags
        /// Which clock `pts` belongs to: streams of one source share a number, `NodeContext.sourceClock`. 0: not known.
        public var sourceClock: UInt16

        /// The bit of clocks that no time passes on: `NodeContext.unpacedClock`.
        static let unpaced: UInt16 = 1 << 15

        /// The item comes as fast as it is taken, as from a file: its source stamps it with `NodeContext.unpacedClock`.
        public var isUnpaced: Bool { sourceClock & Header.unpaced != 0 }

        /// Whether the times of two clocks count from one beginning.
        static func areOne(_ one: UInt16, _ other: UInt16) -> Bool { one == other || one & other & unpaced != 0 }

        /// No time is known unless it is given.
        @inlinable
        public init(
            pts: MediaTime = .none, dts: MediaTime = .none, duration: MediaTime = .none,
            captured: Instant = Instant(nanoseconds: 0), epoch: UInt32 = 0, flags: Flags = [], sourceClock: UInt16 = 0
        ) {
            self.pts = pts
            self.dts = dts
            self.duration = duration
            self.captured = captured
            self.epoch = epoch
            self.flags = flags
            self.sourceClock = sourceClock
        }

        /// Marks that an item may have.
        @frozen
        public struct Flags: OptionSet, Sendable {
            public let rawValue: UInt16
            @inlinable
            public init(rawValue: UInt16) { self.rawValue = rawValue }

            /// Decoding can begin here. Every raw frame and every audio packet may be treated as one.
            @inlinable public static var keyframe: Flags { Flags(rawValue: 1) }
            /// The following media do not continue those before.
            @inlinable public static var discontinuity: Flags { Flags(rawValue: 2) }
            /// A decoder must be fed it, but what comes out is not to be shown.
            @inlinable public static var decodeOnly: Flags { Flags(rawValue: 4) }
            /// The first frame of a segment, in each of its streams; video encoders keep it. Work that is done once a
            /// segment (a delay that moves, a trace) is done here.
            @inlinable public static var segmentStart: Flags { Flags(rawValue: 8) }
            /// A picture that is to carry a calibration flash. The chirp belongs to the media time of the first of
            /// them.
            @inlinable public static var marker: Flags { Flags(rawValue: 16) }
            /// A raw picture of two fields, each with every other row, that were taken one after the other.
            @inlinable public static var interlaced: Flags { Flags(rawValue: 32) }
            /// Of an interlaced picture: the field with the second row was taken first.
            @inlinable public static var bottomFieldFirst: Flags { Flags(rawValue: 64) }
        }
    }
}
