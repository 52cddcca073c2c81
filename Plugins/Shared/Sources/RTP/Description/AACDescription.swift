import Bitstream

/// The words of a session description for AAC (RFC 3640, section 4.1).
extension AACFraming {
    /// Why AAC that is described cannot be received: the end of a sentence, and what to do.
    public struct Fault: Error, Equatable, Sendable {
        /// Follows "describes AAC".
        public var what: String
        /// A whole sentence.
        public var advice: String

        /// `what` follows "describes AAC".
        public init(_ what: String, _ advice: String) { (self.what, self.advice) = (what, advice) }
    }

    /// As `payload` tells it. Where its mode fixes lengths, those that it says all the same count.
    public init(_ payload: SessionDescription.Payload) throws(Fault) {
        let configuration = try AACFraming.configuration(of: payload)
        guard (1_000...192_000).contains(payload.clockRate) else {
            throw Fault("at \(payload.clockRate) Hz", "Its clock counts the sampling rate, 1000 to 192000 Hz.")
        }
        guard try AACFraming.number("streamtype", 0...255, payload) ?? 5 == 5 else {
            throw Fault("as stream type \(payload["streamtype"] ?? "")", "Audio has streamtype=5.")
        }
        self.init(
            clockRate: payload.clockRate,
            duration: max(1, configuration.samples * payload.clockRate / configuration.rate))
        (sizeLength, indexLength, indexDeltaLength) = try AACFraming.lengths(of: payload)
        func length(_ name: String) throws(Fault) -> Int? { try AACFraming.number(name, 0...32, payload) }
        sizeLength = try length("sizeLength") ?? sizeLength
        indexLength = try length("indexLength") ?? indexLength
        indexDeltaLength = try length("indexDeltaLength") ?? indexDeltaLength
        ctsDeltaLength = try length("CTSDeltaLength") ?? 0
        dtsDeltaLength = try length("DTSDeltaLength") ?? 0
        stateLength = try length("streamStateIndication") ?? 0
        auxiliarySizeLength = try length("auxiliaryDataSizeLength") ?? 0
        tellsRandomAccess = try AACFraming.number("randomAccessIndication", 0...1, payload) ?? 0 == 1
        duration = try AACFraming.number("constantDuration", 1...1 << 20, payload) ?? duration
        constantSize = try AACFraming.number("constantSize", 0...1 << 20, payload) ?? 0
        // A size in each header counts more.
        if sizeLength > 0 { constantSize = 0 }
        guard sizeLength > 0 || constantSize > 0 else {
            throw Fault("without sizeLength and constantSize", "One of them must tell how large its units are.")
        }
        if let distance = try AACFraming.number("maxDisplacement", 0...Int(Int32.max), payload), distance > 0 {
            throw Fault(
                "interleaved (maxDisplacement=\(distance))",
                "Let the sender send its units in order, maxDisplacement=0.")
        }
    }

    /// The codec's configuration that `payload` tells.
    public static func configuration(of payload: SessionDescription.Payload) throws(Fault) -> AudioSpecificConfig {
        guard let text = value("config", payload), !text.isEmpty else {
            throw Fault(
                "without its configuration",
                "Its a=fmtp line needs config=, the AudioSpecificConfig in hexadecimal digits.")
        }
        guard let bytes = bytes(hexadecimal: text) else {
            throw Fault("with config=\(text.prefix(64)), which are no bytes in hexadecimal digits", "Correct the line.")
        }
        guard let configuration = AudioSpecificConfig(bytes) else {
            throw Fault(
                "with config=\(text.prefix(64)), which is none of AAC-LC, HE-AAC and their kin",
                "Let the sender encode AAC-LC.")
        }
        return configuration
    }

    /// The parameters of `a=fmtp` for what a packetizer makes of AAC with this configuration.
    public static func parameters(of configuration: AudioSpecificConfig) -> [SessionDescription.Payload.Parameter] {
        let digits = configuration.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return [
            .init("streamtype", "5"), .init("profile-level-id", String(profileLevel(of: configuration))),
            .init("mode", "AAC-hbr"), .init("sizelength", "13"), .init("indexlength", "3"),
            .init("indexdeltalength", "3"), .init("config", digits),
        ]
    }

    /// By what a decoder must be able to do (ISO/IEC 14496-3, table 1.14); 254 where no profile holds it.
    static func profileLevel(of configuration: AudioSpecificConfig) -> Int {
        let (channels, rate) = (configuration.channels, configuration.rate)
        guard configuration.objectType == 2, channels <= 6, rate <= 96_000 else { return 254 }
        let isSmall = channels <= 2 && rate <= 48_000
        if configuration.isParametric { return isSmall ? 0x30 : rate <= 48_000 ? 0x32 : 0x33 }
        if configuration.isSpectral { return isSmall ? 0x2c : rate <= 48_000 ? 0x2e : 0x2f }
        if isSmall { return rate <= 24_000 ? 0x28 : 0x29 }
        return rate <= 48_000 ? 0x2a : 0x2b
    }

    private static func lengths(
        of payload: SessionDescription.Payload
    ) throws(Fault) -> (size: Int, index: Int, delta: Int) {
        let mode = value("mode", payload) ?? "generic"
        switch mode.lowercased() {
        case "aac-hbr": return (13, 3, 3)
        case "aac-lbr": return (6, 2, 2)
        case "generic": return (0, 0, 0)
        default: throw Fault("in the mode \(mode.prefix(64))", "The modes of AAC are AAC-hbr and AAC-lbr.")
        }
    }

    private static func number(
        _ name: String, _ range: ClosedRange<Int>, _ payload: SessionDescription.Payload
    ) throws(Fault) -> Int? {
        guard let text = value(name, payload) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Fault(
                "with \(name)=\(text.prefix(64))", "It is a number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// Without the quotation marks that some senders put around it.
    private static func value(_ name: String, _ payload: SessionDescription.Payload) -> String? {
        guard let text = payload[name] else { return nil }
        return text.count > 1 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0, digits.allSatisfy({ $0 < 128 }) else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard digits[index] != 0x2b, digits[index] != 0x2d,
                let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
