/// Takes AAC out of LATM as broadcasts send it: in audio sync streams, LOAS (ISO/IEC 14496-3, 1.7). Of the multiplexes
/// that it allows, those of one program and one layer are read, which are all that is sent. Pure; any bytes may come.
public struct LATMReader: Sendable {
    /// The stream's configuration as it came last; nil before the first.
    public private(set) var configuration: AudioSpecificConfig?
    /// Frames in each element.
    private var subframes = 1
    private var frame: [UInt8] = []

    /// Nothing is known yet.
    public init() {}

    /// Bytes of an element's header, whose last 13 bits tell its length (table 1.41).
    private static let header = 3

    /// Reads one element of an audio sync stream, header included, and hands out each frame of AAC in it with its
    /// configuration; the bytes last for the call. False for what is none, is cut short, or comes before the first
    /// configuration.
    public mutating func read(
        _ element: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, AudioSpecificConfig) -> Void
    ) -> Bool {
        guard element.count > LATMReader.header, element[0] == 0x56, element[1] & 0xe0 == 0xe0 else { return false }
        let length = Int(element[1] & 0x1f) << 8 | Int(element[2])
        guard LATMReader.header + length <= element.count else { return false }
        var bits = PlainBits(
            UnsafeRawBufferPointer(rebasing: element[LATMReader.header..<LATMReader.header + length]))
        let usesSame = bits.flag()
        if !usesSame, !readMultiplex(&bits) { return false }
        guard let known = configuration else { return false }
        for _ in 0..<subframes {
            // PayloadLengthInfo (table 1.44).
            var count = 0
            while case let more = Int(bits.read(8)), !bits.isOver {
                count += more
                if more < 255 { break }
            }
            guard !bits.isOver, count > 0, bits.copy(count, into: &frame) else { return false }
            frame.withUnsafeBytes { body($0, known) }
        }
        return true
    }

    /// StreamMuxConfig (table 1.42). A configuration that cannot be read leaves none.
    private mutating func readMultiplex(_ bits: inout PlainBits) -> Bool {
        configuration = nil
        let isSecond = bits.flag()
        if isSecond {
            guard !bits.flag() else { return false }
            _ = LATMReader.value(&bits)
        }
        let isSameFraming = bits.flag()
        let count = Int(bits.read(6)) + 1
        let (programs, layers) = (bits.read(4), bits.read(3))
        guard isSameFraming, programs == 0, layers == 0 else { return false }
        var end: Int?
        if isSecond {
            let length = LATMReader.value(&bits)
            guard length <= bits.left else { return false }
            end = bits.position + length
        }
        guard let found = AudioSpecificConfig(&bits) else { return false }
        if let end {
            guard bits.position <= end else { return false }
            while bits.position < end { _ = bits.read(min(32, end - bits.position)) }
        }
        // The length of each frame stands before it; other kinds are for other codecs.
        guard bits.read(3) == 0 else { return false }
        _ = bits.read(8)
        if bits.flag() {
            if isSecond { _ = LATMReader.value(&bits) } else { while bits.flag(), !bits.isOver { _ = bits.read(8) } }
            if !isSecond { _ = bits.read(8) }
        }
        if bits.flag() { _ = bits.read(8) }
        guard !bits.isOver else { return false }
        (configuration, subframes) = (found, count)
        return true
    }

    /// LatmGetValue (table 1.43).
    private static func value(_ bits: inout PlainBits) -> Int {
        var value = 0
        for _ in 0...Int(bits.read(2)) { value = value << 8 | Int(bits.read(8)) }
        return value
    }
}
