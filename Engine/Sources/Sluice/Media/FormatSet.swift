/// The formats that a port gives or takes, as far as they are known before the start: any of several patterns.
public struct FormatSet: Hashable, Sendable {
    /// A format fits the set where it fits one of them.
    @_spi(Host) public var patterns: [Pattern]

    /// Any of `patterns`; none fits nothing.
    @_spi(Host) public init(_ patterns: [Pattern]) { self.patterns = patterns }

    /// Every kind of media, data too.
    public static let any = FormatSet(MediaFormat.Kind.allCases.map { Pattern($0) })
    /// Raw audio of any layout.
    public static let rawAudio = FormatSet([Pattern(.rawAudio)])
    /// Raw video of any layout.
    public static let rawVideo = FormatSet([Pattern(.rawVideo)])
    /// Packets of audio, whatever the codec.
    public static let codedAudio = FormatSet([Pattern(.codedAudio)])
    /// Packets of video, whatever the codec.
    public static let codedVideo = FormatSet([Pattern(.codedVideo)])
    /// Data of any schema.
    public static let data = FormatSet([Pattern(.data)])

    /// Raw audio; `rates` in Hz. nil fits all.
    public static func audio(
        _ sampleFormats: [AudioLayout.SampleFormat]? = nil, rates: [Int]? = nil, channels: [Int]? = nil
    ) -> FormatSet {
        FormatSet([Pattern(.rawAudio, sampleFormats: sampleFormats, rates: rates, channels: channels)])
    }

    /// Raw video; nil fits all pixel formats.
    public static func video(_ pixelFormats: [VideoLayout.PixelFormat]? = nil) -> FormatSet {
        FormatSet([Pattern(.rawVideo, pixelFormats: pixelFormats)])
    }

    /// Packets of one of these audio codecs; nil fits all rates in Hz, and all numbers of channels.
    public static func codedAudio(
        _ codecs: [MediaFormat.Codec], rates: [Int]? = nil, channels: [Int]? = nil
    ) -> FormatSet {
        FormatSet([Pattern(.codedAudio, codecs: codecs, rates: rates, channels: channels)])
    }
    /// Packets of one of these video codecs.
    public static func codedVideo(_ codecs: [MediaFormat.Codec]) -> FormatSet {
        FormatSet([Pattern(.codedVideo, codecs: codecs)])
    }

    /// Data of one of these schemas, compared by name.
    public static func data(_ schemas: [DataSchema]) -> FormatSet {
        FormatSet([Pattern(.data, schemas: schemas)])
    }

    /// Everything that fits one of the two.
    public static func | (a: FormatSet, b: FormatSet) -> FormatSet { FormatSet(a.patterns + b.patterns) }

    /// Everything that fits both; empty where the two ends can never agree.
    public func intersection(_ other: FormatSet) -> FormatSet {
        FormatSet(patterns.flatMap { mine in other.patterns.compactMap(mine.intersection) })
    }

    /// Nothing fits.
    public var isEmpty: Bool { patterns.isEmpty }

    /// True where `format` fits one of the patterns.
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
        if Set(patterns.map(\.kind)).count == MediaFormat.Kind.allCases.count && patterns.allSatisfy(\.isOpen) {
            return "any media"
        }
        return patterns.map(\.description).joined(separator: " or ")
    }
}

extension FormatSet {
    /// One kind of media with, for each property, the values that fit; nil fits all.
    @_spi(Host) public struct Pattern: Hashable, Sendable {
        /// The kind of media; always given.
        public var kind: MediaFormat.Kind
        /// Of coded media.
        public var codecs: [MediaFormat.Codec]?
        /// Of raw audio.
        public var sampleFormats: [AudioLayout.SampleFormat]?
        /// Of audio, in Hz.
        public var rates: [Int]?
        /// Of audio: numbers of channels.
        public var channels: [Int]?
        /// Of raw video.
        public var pixelFormats: [VideoLayout.PixelFormat]?
        /// Compared by name.
        public var schemas: [DataSchema]?

        /// A kind alone, or narrowed by lists of values.
        public init(
            _ kind: MediaFormat.Kind, codecs: [MediaFormat.Codec]? = nil,
            sampleFormats: [AudioLayout.SampleFormat]? = nil, rates: [Int]? = nil,
            channels: [Int]? = nil, pixelFormats: [VideoLayout.PixelFormat]? = nil, schemas: [DataSchema]? = nil
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
        public var isOpen: Bool { self == Pattern(kind) }

        /// A property that `format` leaves open fits.
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

        /// Everything that fits both; nil where nothing does.
        public func intersection(_ other: Pattern) -> Pattern? {
            guard kind == other.kind else { return nil }
            var empty = false
            func both<Value>(_ a: [Value]?, _ b: [Value]?, _ same: (Value, Value) -> Bool) -> [Value]? {
                guard let a, let b else { return a ?? b }
                let common = a.filter { value in b.contains { same(value, $0) } }
                if common.isEmpty { empty = true }
                return common
            }
            let result = Pattern(
                kind, codecs: both(codecs, other.codecs, ==),
                sampleFormats: both(sampleFormats, other.sampleFormats, ==),
                rates: both(rates, other.rates, ==), channels: both(channels, other.channels, ==),
                pixelFormats: both(pixelFormats, other.pixelFormats, ==),
                schemas: both(schemas, other.schemas) { $0.name == $1.name })
            return empty ? nil : result
        }
    }
}

@_spi(Host) extension FormatSet.Pattern: CustomStringConvertible {
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
