/// The formats that a port gives or takes, as far as they are known before the start: any of several patterns.
public struct FormatSet: Hashable, Sendable {
    public var patterns: [FormatPattern]

    public init(_ patterns: [FormatPattern]) { self.patterns = patterns }

    public static let any = FormatSet(MediaKind.allCases.map { FormatPattern($0) })
    public static let rawAudio = FormatSet([FormatPattern(.rawAudio)])
    public static let rawVideo = FormatSet([FormatPattern(.rawVideo)])
    public static let codedAudio = FormatSet([FormatPattern(.codedAudio)])
    public static let codedVideo = FormatSet([FormatPattern(.codedVideo)])
    public static let data = FormatSet([FormatPattern(.data)])

    public static func audio(
        _ sampleFormats: [SampleFormat]? = nil, rates: [Int]? = nil, channels: [Int]? = nil
    ) -> FormatSet {
        FormatSet([FormatPattern(.rawAudio, sampleFormats: sampleFormats, rates: rates, channels: channels)])
    }

    public static func video(_ pixelFormats: [PixelFormat]? = nil) -> FormatSet {
        FormatSet([FormatPattern(.rawVideo, pixelFormats: pixelFormats)])
    }

    public static func codedAudio(_ codecs: [Codec]) -> FormatSet {
        FormatSet([FormatPattern(.codedAudio, codecs: codecs)])
    }
    public static func codedVideo(_ codecs: [Codec]) -> FormatSet {
        FormatSet([FormatPattern(.codedVideo, codecs: codecs)])
    }

    public static func data(_ schemas: [DataSchema]) -> FormatSet {
        FormatSet([FormatPattern(.data, schemas: schemas)])
    }

    public static func | (a: FormatSet, b: FormatSet) -> FormatSet { FormatSet(a.patterns + b.patterns) }

    /// Everything that fits both; empty where the two ends can never agree.
    public func intersection(_ other: FormatSet) -> FormatSet {
        FormatSet(patterns.flatMap { mine in other.patterns.compactMap(mine.intersection) })
    }

    public var isEmpty: Bool { patterns.isEmpty }

    public func contains(_ format: MediaFormat) -> Bool { patterns.contains { $0.matches(format) } }

    /// Whether packets of every pattern, or of none, depend on each other; nil when it is open.
    public var hasDependentPackets: Bool? {
        let all = Set(patterns.map(\.kind.hasDependentPackets))
        return all.count == 1 ? all.first : nil
    }
}

extension FormatSet: CustomStringConvertible {
    /// As errors print it: `audio s16/f32 48000 Hz`, `video vp8/h264 or audio opus`, `data transcript`.
    public var description: String {
        if Set(patterns.map(\.kind)).count == MediaKind.allCases.count && patterns.allSatisfy(\.isOpen) {
            return "any media"
        }
        return patterns.map(\.description).joined(separator: " or ")
    }
}

/// One kind of media with, for each property, the values that fit; nil fits all.
public struct FormatPattern: Hashable, Sendable {
    public var kind: MediaKind
    public var codecs: [Codec]?
    public var sampleFormats: [SampleFormat]?
    public var rates: [Int]?
    public var channels: [Int]?
    public var pixelFormats: [PixelFormat]?
    /// Compared by name.
    public var schemas: [DataSchema]?

    public init(
        _ kind: MediaKind, codecs: [Codec]? = nil, sampleFormats: [SampleFormat]? = nil, rates: [Int]? = nil,
        channels: [Int]? = nil, pixelFormats: [PixelFormat]? = nil, schemas: [DataSchema]? = nil
    ) {
        self.kind = kind
        self.codecs = codecs
        self.sampleFormats = sampleFormats
        self.rates = rates
        self.channels = channels
        self.pixelFormats = pixelFormats
        self.schemas = schemas
    }

    /// Names a kind and nothing more.
    public var isOpen: Bool { self == FormatPattern(kind) }

    public func matches(_ format: MediaFormat) -> Bool {
        func fits<Value: Equatable>(_ allowed: [Value]?, _ value: Value?) -> Bool {
            guard let allowed, let value else { return true }
            return allowed.contains(value)
        }
        return kind == format.kind && fits(codecs, format.codec) && fits(sampleFormats, format.audio?.sampleFormat)
            && fits(rates, format.audio?.rate) && fits(channels, format.audio?.channels)
            && fits(pixelFormats, format.video?.pixelFormat)
            && fits(schemas?.map(\.name), format.schema?.name)
    }

    public func intersection(_ other: FormatPattern) -> FormatPattern? {
        guard kind == other.kind else { return nil }
        var empty = false
        func both<Value>(_ a: [Value]?, _ b: [Value]?, _ same: (Value, Value) -> Bool) -> [Value]? {
            guard let a, let b else { return a ?? b }
            let common = a.filter { value in b.contains { same(value, $0) } }
            if common.isEmpty { empty = true }
            return common
        }
        let result = FormatPattern(
            kind, codecs: both(codecs, other.codecs, ==), sampleFormats: both(sampleFormats, other.sampleFormats, ==),
            rates: both(rates, other.rates, ==), channels: both(channels, other.channels, ==),
            pixelFormats: both(pixelFormats, other.pixelFormats, ==),
            schemas: both(schemas, other.schemas) { $0.name == $1.name })
        return empty ? nil : result
    }
}

extension FormatPattern: CustomStringConvertible {
    public var description: String {
        var words = [kind.medium]
        if let schemas { words.append(schemas.map(\.name).joined(separator: "/")) }
        if let codecs {
            words.append(codecs.map(\.name).joined(separator: "/"))
        } else if kind.isCoded {
            words.append("packets")
        }
        if let sampleFormats { words.append(sampleFormats.map(\.rawValue).joined(separator: "/")) }
        if let rates { words.append(rates.map(String.init).joined(separator: "/") + " Hz") }
        if let channels { words.append(channels.map(String.init).joined(separator: "/") + " ch") }
        if let pixelFormats { words.append(pixelFormats.map(\.rawValue).joined(separator: "/")) }
        if isOpen && kind.isRaw { words.insert("raw", at: 0) }
        return words.joined(separator: " ")
    }
}
