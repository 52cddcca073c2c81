import RTP

/// Which payload types of a section a codec can be sent or taken as.
extension SectionPayload {
    /// Same name, rate and channels.
    private func names(_ codec: MediaCodec) -> Bool {
        guard role == .media, format.encodingName.lowercased() == codec.format.encodingName.lowercased(),
            format.clockRate == codec.format.clockRate
        else { return false }
        return codec.format == .opus || format.channels == 1
    }

    /// Of H.264: what the peer can decode, or would send. nil where it is no profile.
    var profile: H264Profile? {
        guard let text = format["profile-level-id"] else { return .unsaid }
        return H264Profile(text)
    }

    /// Levels of the two directions may differ (RFC 6184, section 8.1).
    var allowsAsymmetry: Bool { format["level-asymmetry-allowed"] == "1" }

    /// Of H.264: units larger than a packet may be cut up.
    var isFragmenting: Bool { format["packetization-mode"] == "1" }

    /// The peer decodes `codec` under this type.
    func accepts(_ codec: MediaCodec) -> Bool {
        guard names(codec) else { return false }
        guard codec.format == .h264 else { return true }
        guard isFragmenting, let profile, let sent = codec.profile else { return false }
        return profile.family == sent.family && (allowsAsymmetry || sent.rank <= profile.rank)
    }

    /// The peer may send `codec` under this type. Packets of mode 0 are among those of mode 1.
    func provides(_ codec: MediaCodec) -> Bool {
        guard names(codec) else { return false }
        guard codec.format == .h264 else { return true }
        guard let mode = format["packetization-mode"] else { return profile != nil }
        guard mode == "0" || mode == "1", let profile else { return false }
        return codec.profile.map { $0.family == profile.family } ?? true
    }
}

extension PeerSection {
    /// The type under which `codec` can be sent, the peer's first.
    func sendable(_ codec: MediaCodec) -> SectionPayload? { payloads.first { $0.accepts(codec) } }

    /// The types under which `codec` may come. Those of H.264 with mode 0 only where there are no others.
    func takeable(_ codec: MediaCodec) -> [SectionPayload] {
        let all = payloads.filter { $0.provides(codec) }
        guard codec.format == .h264 else { return all }
        let fragmenting = all.filter(\.isFragmenting)
        return fragmenting.isEmpty ? all : fragmenting
    }

    /// The type for packets of `type` that are sent again.
    func repairType(of type: UInt8) -> UInt8? { payloads.first { $0.role == .repair(of: type) }?.type }

    /// The type for frames of sound of `type` with earlier ones, at the same clock rate.
    func redundancyType(of type: UInt8) -> UInt8? {
        guard kind == .audio, let media = payloads.first(where: { $0.type == type }) else { return nil }
        return payloads.first { payload in
            guard case .redundancy(let types) = payload.role else { return false }
            return payload.format.clockRate == media.format.clockRate && types.allSatisfy { $0 == type }
        }?.type
    }

    /// The codecs of the section, for a sentence: `VP8, H.264 (42e01f, mode 1), AV1`.
    var codecNames: String {
        var names: [String] = []
        for payload in payloads where payload.role == .media && names.count < 12 {
            var name = String(payload.format.encodingName.prefix(32))
            if name.lowercased() == "h264" {
                let profile = payload.format["profile-level-id"].map { String($0.prefix(16)) } ?? "no profile"
                name = "H.264 (\(profile), mode \(payload.isFragmenting ? "1" : "0"))"
            } else if name.lowercased() == "opus" {
                name = "Opus"
            }
            if !names.contains(name) { names.append(name) }
        }
        return names.isEmpty ? "no codec that it names" : names.joined(separator: ", ")
    }
}
