/// The header extensions of a stream's packets, by the numbers that its description gives them.
public struct SenderExtensions: Equatable, Sendable {
    /// The number of `HeaderExtension.transportSequence`; nil where packets do not have it.
    public let transportSequence: UInt8?
    /// The number of `HeaderExtension.absoluteCaptureTime`; nil where packets do not have it.
    public let captureTime: UInt8?
    private let mediaID: (number: UInt8, text: String)?
    private let plain: ExtensionLayout
    private let withCaptureTime: ExtensionLayout

    /// nil for those that packets do not have.
    public init(
        transportSequence: UInt8? = nil, captureTime: UInt8? = nil, mediaID: (number: UInt8, text: String)? = nil
    ) {
        self.transportSequence = transportSequence
        self.captureTime = captureTime
        self.mediaID = mediaID
        var values: [(id: UInt8, count: Int)] = []
        if let transportSequence { values.append((transportSequence, 2)) }
        if let mediaID { values.append((mediaID.number, mediaID.text.utf8.count)) }
        plain = ExtensionLayout(values)
        if let captureTime { values.append((captureTime, 8)) }
        withCaptureTime = ExtensionLayout(values)
    }

    /// Bytes that they take in a packet at most.
    public var mostBytes: Int { withCaptureTime.size }

    public static func == (a: SenderExtensions, b: SenderExtensions) -> Bool {
        a.transportSequence == b.transportSequence && a.captureTime == b.captureTime
            && a.mediaID?.number == b.mediaID?.number && a.mediaID?.text == b.mediaID?.text
    }

    func size(_ values: SentExtensions) -> Int { layout(values).size }

    private func layout(_ values: SentExtensions) -> ExtensionLayout {
        values.captureTime == nil ? plain : withCaptureTime
    }

    func write(_ values: SentExtensions, to packet: UnsafeMutableRawBufferPointer) {
        let layout = layout(values)
        guard layout.size > 0 else { return }
        layout.write(to: packet)
        if let transportSequence, let value = values.transportSequence {
            layout.put(UInt64(value), transportSequence, in: packet)
        }
        if let captureTime, let value = values.captureTime { layout.put(value.bits, captureTime, in: packet) }
        if let mediaID { layout.put(mediaID.text, mediaID.number, in: packet) }
    }
}

/// The values that one packet had.
struct SentExtensions: Equatable, Sendable {
    var transportSequence: UInt16?
    var captureTime: NTPTime?
}
