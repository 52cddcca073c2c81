import Bitstream
import Glibc
import Net
import RTP
import Sluice

/// The session description that `rtp-output` writes, as far as it is known.
struct OutputDescription {
    private let path: String
    private var description: SessionDescription
    private(set) var isChanged = false
    private let isMultiplexed: Bool
    private let cname: String

    init(path: String, address: String, cname: String, isMultiplexed: Bool, id: UInt64) {
        self.path = path
        self.cname = cname
        self.isMultiplexed = isMultiplexed
        description = SessionDescription(id: id, address: address)
    }

    /// Feedback that packets of the profile's extension for it carry (RFC 4585, section 4.2).
    mutating func add(
        kind: String, port: Int, crypto: CryptoAttribute?, ssrc: UInt32, _ feedback: Feedback,
        _ extensions: ExtensionMap
    ) {
        let profile = (crypto == nil ? "RTP/AVP" : "RTP/SAVP") + (feedback == .none ? "" : "F")
        var media = SessionDescription.Media(kind: kind, port: port, profile: profile)
        media.attributes = extensions.attributes + feedback.attributes(isVideo: kind == "video")
        media.isMultiplexed = isMultiplexed
        media.crypto = crypto.map { [$0] } ?? []
        media.sources = [ssrc]
        media.cname = cname
        description.media.append(media)
    }

    mutating func forgetChange() { isChanged = false }

    /// The media that are not known enough to be written.
    var missing: [String] {
        path.isEmpty ? [] : description.media.filter { $0.payloads.isEmpty }.map(\.kind)
    }

    var knowsSomething: Bool { description.media.contains { !$0.payloads.isEmpty } }

    /// Sets the format of `kind` from now on; gives its payload type. Throws where the receivers could not be told.
    mutating func set(
        _ format: MediaFormat, _ payload: PayloadFormat, _ configuration: [UInt8], of kind: String
    ) throws -> UInt8 {
        let type: UInt8 = payload.staticType ?? (payload.isVideo ? 96 : 97)
        guard let index = description.media.firstIndex(where: { $0.kind == kind }) else { return type }
        let made = SessionDescription.Payload(
            type: type, encodingName: payload.encodingName, clockRate: payload.clockRate,
            channels: OutputDescription.channels(format, payload, configuration),
            parameters: OutputDescription.parameters(format, payload, configuration))
        // Of AAC only the description tells the configuration.
        if let old = description.media[index].payloads.first,
            old.encodingName != made.encodingName || payload.framing != nil && old != made
        {
            func words(_ payload: SessionDescription.Payload) -> String {
                guard old.encodingName == made.encodingName else { return payload.encodingName }
                return "\(payload.encodingName)/\(payload.clockRate)/\(payload.channels) (\(payload["config"] ?? ""))"
            }
            throw NodeError(
                "\(kind) changed from \(words(old)) to \(words(made)), which receivers are not told of",
                advice: "Keep one codec, or set \"on_error\": \"restart\" to begin anew with the new one.")
        }
        let media = description.media[index]
        if payload != .h264 || made["sprop-parameter-sets"] != nil { description.media[index].payloads = [made] }
        description.media[index].frameRate = format.video?.frameRate?.perSecond
        isChanged = isChanged || media != description.media[index]
        return type
    }

    /// Where the format has no parameter sets, those of the first keyframe tell them.
    mutating func note(_ packet: Packet, of kind: String) {
        guard packet.format.codec == .h264, packet.header.flags.contains(.keyframe),
            let index = description.media.firstIndex(where: { $0.kind == kind && $0.payloads.isEmpty })
        else { return }
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(packet.bytes, into: &units)
        let sets = units.map { Array(packet.bytes[$0]) }.filter { NALUnits.isParameterSet($0[0]) }
        description.media[index].payloads = [
            .init(
                type: 96, encodingName: PayloadFormat.h264.encodingName, clockRate: 90_000,
                parameters: OutputDescription.h264(sets))
        ]
        isChanged = true
    }

    private static func parameters(
        _ format: MediaFormat, _ payload: PayloadFormat, _ configuration: [UInt8]
    ) -> [SessionDescription.Payload.Parameter] {
        switch payload {
        case .opus: [.init("sprop-stereo", format.audio?.channels == 1 ? "0" : "1")]
        case .h264: h264(AVCConfiguration.parameterSets(of: configuration))
        case .aac: AudioSpecificConfig(configuration).map { AACFraming.parameters(of: $0) } ?? []
        case .vp8, .pcmu, .pcma: []
        }
    }

    /// Opus is always described as two channels (RFC 7587, section 7).
    private static func channels(_ format: MediaFormat, _ payload: PayloadFormat, _ configuration: [UInt8]) -> Int {
        switch payload {
        case .opus: 2
        case .aac: AudioSpecificConfig(configuration)?.channels ?? format.audio?.channels ?? 1
        case .h264, .vp8, .pcmu, .pcma: 1
        }
    }

    private static func h264(_ all: [[UInt8]]) -> [SessionDescription.Payload.Parameter] {
        let sets = all.filter { NALUnits.isParameterSet($0.first ?? 0) }
        var words: [SessionDescription.Payload.Parameter] = [.init("packetization-mode", "1")]
        if let sps = sets.lazy.compactMap({ SequenceParameterSet($0) }).first {
            words.append(.init("profile-level-id", sps.profileLevelID))
        }
        if !sets.isEmpty {
            words.append(.init("sprop-parameter-sets", sets.map { Base64.encode($0) }.joined(separator: ",")))
        }
        return words
    }

    /// Writes the file, whole or not at all; readable for its owner alone where keys are in it. Gives a line for the
    /// log, nil where no file is asked for.
    mutating func write() throws -> String? {
        isChanged = false
        guard !path.isEmpty else { return nil }
        var known = description
        known.media.removeAll { $0.payloads.isEmpty }
        guard !known.media.isEmpty else { return nil }
        let isSecret = known.media.contains { !$0.crypto.isEmpty }
        try replace(with: Array(known.description.utf8), isSecret: isSecret)
        return "wrote \(path)" + (isSecret ? ", which holds the keys" : "")
    }

    /// By a new file that takes the name when it is whole: nothing that lay there is written to, and no link is
    /// followed.
    private func replace(with bytes: [UInt8], isSecret: Bool) throws {
        var random = SystemRandomNumberGenerator()
        let temporary = "\(path).\(String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)).part"
        let file = open(
            temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, isSecret ? 0o600 : 0o644)
        guard file >= 0 else { throw fault(errno) }
        // The umask may have left less; a directory's default list of rights may have left more.
        var code = isSecret && fchmod(file, 0o600) != 0 ? errno : 0
        var done = 0
        while code == 0, done < bytes.count {
            let count = bytes.withUnsafeBytes {
                $0.baseAddress.map { Glibc.write(file, $0 + done, bytes.count - done) } ?? 0
            }
            if count > 0 { done += count } else if count == 0 || errno != EINTR { code = count == 0 ? ENOSPC : errno }
        }
        Glibc.close(file)
        if code == 0, rename(temporary, path) != 0 { code = errno }
        guard code == 0 else {
            unlink(temporary)
            throw fault(code)
        }
    }

    private func fault(_ code: Int32) -> NodeError {
        NodeError(
            "cannot write \(path): \(errorText(code))", advice: "Choose another file for \"sdp\".", isInputError: true
        )
    }
}
