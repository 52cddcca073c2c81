import Bitstream
import Glibc
import Net
import RTP
import Sluice

/// One medium of a session description, checked for whether we can receive it.
struct InputMedia {
    var kind: String
    /// Of the first type that can be received.
    var format: PayloadFormat
    var payload: SessionDescription.Payload
    /// All that can be received, by payload type.
    var formats: [UInt8: PayloadFormat]
    /// Of each of them, the first type's payload.
    private var payloads: [PayloadFormat: SessionDescription.Payload]
    /// Types of telephone events.
    var keys: Set<UInt8>
    var address: String?
    var port: Int
    /// nil where RTP and RTCP share a port.
    var controlPort: Int?
    var crypto: CryptoAttribute?
    var sources: Set<UInt32>
    /// Addresses that may send, of `a=source-filter` lines.
    var senders: [String]
    var frameRate: VideoLayout.FrameRate?
    /// The feedback that the sender wants.
    var feedback: Feedback
    var extensions: ExtensionMap

    /// The first medium of `kind` that is offered. nil where there is none; throws where none can be received.
    init?(_ kind: String, in description: SessionDescription, of path: String) throws {
        let offered = description.media.filter { $0.kind == kind && $0.port > 0 }
        guard let media = offered.first else { return nil }
        let known = media.payloads.compactMap { payload in
            InputMedia.format(of: payload).map { ($0, payload) }
        }.filter { $0.0.isVideo == (kind == "video") }
        var usable: [(PayloadFormat, SessionDescription.Payload)] = []
        for one in known where InputMedia.fault(one.0, one.1, path) == nil {
            // Of types that differ in their configuration alone, packets tell nothing: the first one counts.
            let isDouble = usable.contains { $0.0 == one.0 && $0.1["config"] != one.1["config"] }
            if !isDouble { usable.append(one) }
        }
        guard let (format, payload) = usable.first ?? known.first else {
            let names = media.payloads.map(\.encodingName).joined(separator: ", ")
            throw NodeError(
                "\(path) describes \(kind) as \(names.isEmpty ? "nothing that is explained" : names)",
                advice: kind == "video"
                    ? "Let the sender use H264 or VP8."
                    : "Let the sender use opus, mpeg4-generic (AAC), PCMU or PCMA.",
                isInputError: true)
        }
        if let fault = InputMedia.fault(format, payload, path) { throw fault }
        (self.kind, self.format, self.payload) = (kind, format, payload)
        formats = Dictionary(usable.map { ($0.1.type, $0.0) }) { first, _ in first }
        payloads = Dictionary(usable.map { ($0.0, $0.1) }) { first, _ in first }
        keys = Set(media.payloads.filter { $0.encodingName.lowercased() == "telephone-event" }.map(\.type))
        address = description.address(of: media)
        port = media.port
        controlPort = media.isMultiplexed ? nil : media.rtcpPort ?? media.port + 1
        if controlPort == port { controlPort = nil }
        guard controlPort ?? 1 <= 65_535 else {
            throw NodeError(
                "\(path): port \(port) leaves none for RTCP behind it", advice: "Add a=rtcp or a=rtcp-mux.",
                isInputError: true)
        }
        sources = Set(media.sources)
        feedback = Feedback(media, type: payload.type)
        extensions = ExtensionMap(media.attributes + description.attributes)
        senders = description.includedSenders(of: media)
        frameRate = media.frameRate.map { VideoLayout.FrameRate(perSecond: $0) }
        crypto = media.crypto.first
        if crypto == nil, media.isEncrypted || !media.cryptoFaults.isEmpty {
            throw NodeError(
                "\(path) describes \(kind) as SRTP \(InputMedia.words(media.cryptoFaults))",
                advice:
                    "It needs a line a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEY, or another suite that is known: "
                    + "\(CryptoSuite.allCases.map(\.rawValue).joined(separator: ", ")).", isInputError: true)
        }
    }

    /// nil for encodings that are not known. AAC that cannot be received is the usual one.
    private static func format(of payload: SessionDescription.Payload) -> PayloadFormat? {
        guard let named = PayloadFormat(encodingName: payload.encodingName) else { return nil }
        guard named.framing != nil, let told = try? AACFraming(payload) else { return named }
        return .aac(told)
    }

    /// Why that type cannot be received.
    private static func fault(
        _ format: PayloadFormat, _ payload: SessionDescription.Payload, _ path: String
    ) -> NodeError? {
        if format == .h264, payload["packetization-mode"] == "2" {
            return NodeError(
                "\(path) describes H264 in packetization-mode 2, interleaved",
                advice: "Let the sender use packetization-mode 1.", isInputError: true)
        }
        if format.framing != nil {
            do { _ = try AACFraming(payload) } catch {
                return NodeError("\(path) describes AAC \(error.what)", advice: error.advice, isInputError: true)
            }
        }
        guard payload.clockRate == format.clockRate else {
            return NodeError(
                "\(path) describes \(payload.encodingName) at \(payload.clockRate) Hz",
                advice: "Its clock counts \(format.clockRate) a second.", isInputError: true)
        }
        return nil
    }

    /// The sources that may send it. `sender` is the graph's: an address, "any", or nothing, where the description
    /// says.
    func allowed(sender: String, of path: String) throws -> SourceSelector.Settings {
        var settings = SourceSelector.Settings()
        settings.isTrusting = crypto != nil
        guard sender != "any" else { return settings }
        settings.announced = sources
        func host(_ text: String, _ place: String) throws -> PacketOrigin.Host {
            guard let address = SocketAddress(numeric: text, port: port) else {
                throw NodeError(
                    "\(place) names the sender \"\(text)\", which is no address in digits",
                    advice: "Set \"sender\" to its address, or to \"any\".", isInputError: true)
            }
            return address.origin.host
        }
        if !sender.isEmpty {
            settings.hosts = [try host(sender, "\"sender\"")]
        } else if !senders.isEmpty {
            settings.hosts = Set(try senders.map { try host($0, path) })
        } else if crypto == nil, let address, let there = SocketAddress(numeric: address, port: 0), there.isElsewhere {
            // It is where the sender listens for what comes back.
            settings.hosts = [there.origin.host]
        }
        return settings
    }

    private static func words(_ faults: [CryptoAttribute.Fault]) -> String {
        switch faults.first {
        case .unknownSuite(let name): "with the unknown suite \(name)"
        case .unsupported(let what): "with \(what), which is not supported"
        case .malformed(let what): "with an unusable a=crypto: \(what)"
        case nil: "without a=crypto"
        }
    }

    /// The coded format where the description alone tells it: of one codec, or of `codec` among several.
    var knownFormat: MediaFormat? { payloads.count == 1 ? knownFormat(of: format) : nil }

    /// Of each codec that the sender may change between, where the description tells it.
    var knownFormats: [PayloadFormat: MediaFormat] {
        Dictionary(payloads.keys.compactMap { codec in knownFormat(of: codec).map { (codec, $0) } }) { first, _ in first
        }
    }

    func knownFormat(of codec: PayloadFormat) -> MediaFormat? {
        guard let payload = payloads[codec] else { return nil }
        switch codec {
        case .opus:
            let channels = payload["sprop-stereo"] == "0" ? 1 : min(2, payload.channels)
            return MediaFormat(
                codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: channels),
                configuration: OpusHead(channels: channels).bytes)
        case .pcmu, .pcma:
            return MediaFormat(codec: codec.codec, audio: AudioLayout(nil, rate: 8_000, channels: 1), bitrate: 64_000)
        case .h264: return FollowedFormat.h264(parameterSets, frameRate: frameRate)
        case .aac:
            guard let told = try? AACFraming.configuration(of: payload) else { return nil }
            return MediaFormat(
                codec: .aac, audio: AudioLayout(nil, rate: told.rate, channels: told.channels),
                configuration: told.bytes)
        case .vp8: return nil
        }
    }

    /// The payload types that carry its media, in words.
    var types: String {
        let all = formats.keys.sorted().map(String.init)
        return "payload type\(all.count > 1 ? "s" : "") \(all.joined(separator: ", "))"
    }

    var parameterSets: [[UInt8]] {
        (payloads[.h264]?["sprop-parameter-sets"] ?? "").split(separator: ",").compactMap { Base64.decode($0) }.filter {
            !$0.isEmpty
        }
    }
}

/// Reads a session description from a file.
func readDescription(_ path: String) throws -> SessionDescription {
    let most = 1 << 16
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
        throw NodeError(
            "cannot open \(path): \(errorText(errno))", advice: "Name the sender's session description (.sdp).",
            isInputError: true)
    }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: most)
    var filled = 0
    while filled < most {
        let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress! + filled, most - filled) }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else {
            throw NodeError("cannot read \(path): \(errorText(errno))", isInputError: true)
        }
        if count == 0 { break }
        filled += count
    }
    guard filled < most, let text = String(validating: bytes[..<filled], as: UTF8.self) else {
        throw NodeError(
            "\(path) is no session description: \(filled < most ? "it is no UTF-8" : "it is over 64 KiB")",
            isInputError: true)
    }
    do { return try SessionDescription(parsing: text) } catch {
        throw NodeError(
            "\(path):\(error.line): \(error.what)", advice: "Name the sender's session description (SDP, RFC 8866).",
            isInputError: true)
    }
}
