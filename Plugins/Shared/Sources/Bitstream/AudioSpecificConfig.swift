/// The fields that we need of the configuration of an MPEG-4 audio stream (ISO/IEC 14496-3, 1.6.2.1): of AAC in its
/// kinds that carry a GASpecificConfig.
public struct AudioSpecificConfig: Equatable, Sendable {
    /// As it stood in the stream, filled up with zeros to whole bytes: what containers call the codec's configuration.
    public let bytes: [UInt8]
    /// Hz, of the audio that is heard: HE-AAC that says so doubles the rate of its core.
    public let rate: Int
    /// 1 to 64.
    public let channels: Int
    /// Of each channel in a frame, at `rate`.
    public let samples: Int
    /// The audio object type of the core: 2 for Low Complexity.
    public let objectType: Int
    /// It says that the upper half of the spectrum is made of the lower one (SBR, HE-AAC).
    public let isSpectral: Bool
    /// It says that two channels are made of one (parametric stereo, HE-AAC v2).
    public let isParametric: Bool

    private static let rates = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]
    /// By the channel configuration (table 1.19); 0: a program config element says.
    private static let channelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8]

    /// Reads one whose length is not told: it ends where its last field does. nil for what is no AAC, or makes no
    /// sense.
    init?(_ bits: inout PlainBits) {
        self.init(&bits, isWhole: false)
    }

    /// Reads one whose length is told: behind its last field it may say that it is HE-AAC (1.6.5.3). nil for what is no
    /// AAC, or makes no sense.
    public init?(_ bytes: [UInt8]) {
        guard let found = bytes.withUnsafeBytes({ AudioSpecificConfig($0) }) else { return nil }
        self = found
    }

    private init?(_ bytes: UnsafeRawBufferPointer) {
        var bits = PlainBits(bytes)
        self.init(&bits, isWhole: true)
    }

    /// By the ADTS header in front of a frame. nil where there is none, or it leaves the channels to the stream.
    public init?(adts frame: UnsafeRawBufferPointer) {
        guard ADTSHeader(frame) != nil else { return nil }
        let (type, index) = (frame[2] >> 6 + 1, frame[2] >> 2 & 15)
        let channels = (frame[2] & 1) << 2 | frame[3] >> 6
        self.init([type << 3 | index >> 1, index << 7 | channels << 3])
    }

    private init?(_ bits: inout PlainBits, isWhole: Bool) {
        let start = bits.position
        var type = AudioSpecificConfig.objectType(&bits)
        guard let core = AudioSpecificConfig.rate(&bits) else { return nil }
        let configuration = Int(bits.read(4))
        var (heard, isSpectral, isParametric) = (core, false, false)
        if type == 5 || type == 29 {
            (isSpectral, isParametric) = (true, type == 29)
            guard let doubled = AudioSpecificConfig.rate(&bits) else { return nil }
            heard = doubled
            type = AudioSpecificConfig.objectType(&bits)
        }
        guard [1, 2, 3, 4, 17, 19, 23].contains(type) else { return nil }
        // GASpecificConfig (4.4.1).
        let isShort = bits.flag()
        if bits.flag() { _ = bits.read(14) }
        let isExtended = bits.flag()
        var count =
            AudioSpecificConfig.channelCounts.indices.contains(configuration)
            ? AudioSpecificConfig.channelCounts[configuration] : 0
        if configuration == 0 { count = AudioSpecificConfig.programChannels(&bits, start) }
        if isExtended {
            if type == 17 || type == 19 || type == 23 { _ = bits.read(3) }
            _ = bits.flag()
        }
        if type >= 17, bits.read(2) > 1 { return nil }
        guard !bits.isOver, (1...64).contains(count), heard > 0 else { return nil }
        let end = bits
        if isWhole {
            if !isSpectral, let told = AudioSpecificConfig.extensionRate(&bits) {
                (heard, isSpectral) = (told, true)
                isParametric = bits.left >= 12 && bits.read(11) == 0x548 && bits.flag()
            }
            bits = end
            bits.skip(bits.left)
        }
        let length = (isShort ? 960 : 1_024) / (type == 23 ? 2 : 1)
        bytes = bits.taken(from: start)
        rate = heard
        objectType = type
        (self.isSpectral, self.isParametric) = (isSpectral, isParametric)
        channels = isParametric && count == 1 ? 2 : count
        samples = length * heard / core
    }

    /// The rate that a decoder of HE-AAC makes, where the words behind the last field tell it.
    private static func extensionRate(_ bits: inout PlainBits) -> Int? {
        guard bits.left >= 17, bits.read(11) == 0x2b7, objectType(&bits) == 5, bits.flag() else { return nil }
        let told = rate(&bits)
        return bits.isOver ? nil : told
    }

    private static func objectType(_ bits: inout PlainBits) -> Int {
        let type = Int(bits.read(5))
        return type == 31 ? 32 + Int(bits.read(6)) : type
    }

    /// nil for the numbers that mean nothing, and for rates that nobody can play.
    private static func rate(_ bits: inout PlainBits) -> Int? {
        let index = Int(bits.read(4))
        if index == 15 {
            let rate = Int(bits.read(24))
            return (1_000...192_000).contains(rate) ? rate : nil
        }
        return rates.indices.contains(index) ? rates[index] : nil
    }

    /// The channels of a program config element (4.4.1.1), which aligns to bytes from the configuration's start.
    private static func programChannels(_ bits: inout PlainBits, _ start: Int) -> Int {
        _ = bits.read(10)
        let counts = [4, 4, 4].map { Int(bits.read($0)) }
        let (low, data, coupled) = (Int(bits.read(2)), Int(bits.read(3)), Int(bits.read(4)))
        if bits.flag() { _ = bits.read(4) }
        if bits.flag() { _ = bits.read(4) }
        if bits.flag() { _ = bits.read(3) }
        var channels = low
        for _ in 0..<counts.reduce(0, +) {
            channels += bits.flag() ? 2 : 1
            _ = bits.read(4)
        }
        for _ in 0..<low + data { _ = bits.read(4) }
        for _ in 0..<coupled { _ = bits.read(5) }
        while (bits.position - start) % 8 != 0 { _ = bits.read(1) }
        for _ in 0..<Int(bits.read(8)) { _ = bits.read(8) }
        return channels
    }
}
