import Sluice

/// The header extensions of a stream's packets, by the numbers that its description gives them.
public struct SenderExtensions: Equatable, Sendable {
    /// The number of `HeaderExtension.transportSequence`; nil where packets do not have it.
    public let transportSequence: UInt8?
    /// The number of `HeaderExtension.absoluteSendTime`; nil where packets do not have it.
    public let sendTime: UInt8?
    /// The number of `HeaderExtension.absoluteCaptureTime`; nil where packets do not have it.
    public let captureTime: UInt8?
    /// The delay that the receiver is asked to add, on every packet.
    public let playoutDelay: PlayoutDelay?
    private let mediaID: (number: UInt8, text: String)?
    private let plain: ExtensionLayout
    private let withCaptureTime: ExtensionLayout
    /// Of packets that are not numbered.
    private let unnumbered: (plain: ExtensionLayout, withCaptureTime: ExtensionLayout)

    /// The least and the greatest delay, and the number of `HeaderExtension.playoutDelay`.
    public struct PlayoutDelay: Equatable, Sendable {
        /// Of the extension.
        public let number: UInt8
        /// In ms, in steps of 10, 40,950 at most.
        public let min: Int
        /// In ms as `min`, and no less.
        public let max: Int

        /// In ms; rounded down to steps of 10. A `max` below `min` is `min`.
        public init(number: UInt8, min: Int, max: Int) {
            self.number = number
            let least = Swift.min(Swift.max(0, min), 40_950) / 10 * 10
            (self.min, self.max) = (least, Swift.max(least, Swift.min(max, 40_950) / 10 * 10))
        }

        /// 12 bits each, in steps of 10 ms.
        var bits: UInt64 { UInt64(min / 10) << 12 | UInt64(max / 10) }
    }

    /// nil for those that packets do not have.
    public init(
        transportSequence: UInt8? = nil, sendTime: UInt8? = nil, captureTime: UInt8? = nil,
        playoutDelay: PlayoutDelay? = nil, mediaID: (number: UInt8, text: String)? = nil
    ) {
        self.transportSequence = transportSequence
        self.sendTime = sendTime
        self.captureTime = captureTime
        self.playoutDelay = playoutDelay
        self.mediaID = mediaID
        var values: [(id: UInt8, count: Int)] = []
        if let sendTime { values.append((sendTime, 3)) }
        if let playoutDelay { values.append((playoutDelay.number, 3)) }
        if let mediaID { values.append((mediaID.number, mediaID.text.utf8.count)) }
        let captured = values + (captureTime.map { [($0, 8)] } ?? [])
        let number = transportSequence.map { [(id: $0, count: 2)] } ?? []
        let layout = { SenderExtensions.layout($0, playoutDelay, mediaID) }
        unnumbered = (layout(values), layout(captured))
        (plain, withCaptureTime) = (layout(number + values), layout(number + captured))
    }

    /// With the values that all packets have.
    private static func layout(
        _ values: [(id: UInt8, count: Int)], _ delay: PlayoutDelay?, _ mediaID: (number: UInt8, text: String)?
    ) -> ExtensionLayout {
        var layout = ExtensionLayout(values)
        if let delay { layout.preset(delay.bits, delay.number) }
        if let mediaID { layout.preset(mediaID.text, mediaID.number) }
        return layout
    }

    /// Bytes that they take in a packet at most.
    public var mostBytes: Int { withCaptureTime.size }

    public static func == (a: SenderExtensions, b: SenderExtensions) -> Bool {
        a.transportSequence == b.transportSequence && a.sendTime == b.sendTime && a.captureTime == b.captureTime
            && a.playoutDelay == b.playoutDelay && a.mediaID?.number == b.mediaID?.number
            && a.mediaID?.text == b.mediaID?.text
    }

    func size(_ values: SentExtensions) -> Int {
        if values.transportSequence == nil {
            return values.captureTime == nil ? unnumbered.plain.size : unnumbered.withCaptureTime.size
        }
        return values.captureTime == nil ? plain.size : withCaptureTime.size
    }

    func write(_ values: SentExtensions, to packet: UnsafeMutableRawBufferPointer) {
        guard let transportSequence, let number = values.transportSequence else {
            return write(values, unnumbered.plain, unnumbered.withCaptureTime, to: packet)
        }
        write(values, plain, withCaptureTime, to: packet)
        let layout = values.captureTime == nil ? plain : withCaptureTime
        layout.put(UInt64(number), transportSequence, in: packet)
    }

    @inline(__always)
    private func write(
        _ values: SentExtensions, _ plain: ExtensionLayout, _ withCaptureTime: ExtensionLayout,
        to packet: UnsafeMutableRawBufferPointer
    ) {
        guard let captureTime, let value = values.captureTime else { return write(values, plain, to: packet) }
        write(values, withCaptureTime, to: packet)
        withCaptureTime.put(value.bits, captureTime, in: packet)
    }

    private func write(_ values: SentExtensions, _ layout: ExtensionLayout, to packet: UnsafeMutableRawBufferPointer) {
        guard layout.size > 0 else { return }
        layout.write(to: packet)
        if let sendTime, let value = values.sent {
            layout.put(UInt64(ExtensionValue.absoluteSendTime(at: value)), sendTime, in: packet)
        }
    }
}

/// The values that one packet had.
struct SentExtensions: Equatable, Sendable {
    var transportSequence: UInt16?
    var captureTime: NTPTime?
    /// When it left.
    var sent: Instant?
}
