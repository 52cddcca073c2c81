import RTP

/// How our description tells of a codec.
extension MediaCodec {
    /// `a=fmtp` of an answer to `offered`. `sent` is the codec that we send by it; `isTaken` where we take it too.
    static func answer(
        _ offered: SectionPayload, sent: MediaCodec?, taken: MediaCodec?
    ) -> [SessionDescription.Payload.Parameter] {
        guard let codec = sent ?? taken else { return [] }
        switch codec.format {
        case .opus: return opus(sentChannels: sent?.channels, takenChannels: taken?.channels)
        case .h264:
            let theirs = offered.profile ?? .unsaid
            // The level says what we take where we take something, else what we send.
            var level = sent?.profile?.level ?? theirs.level
            if taken != nil { level = offered.allowsAsymmetry ? max(level, takenLevel) : theirs.level }
            return h264(
                theirs.at(level: level), mode: offered.isFragmenting ? "1" : "0",
                isAsymmetric: offered.allowsAsymmetry)
        default: return []
        }
    }

    /// `a=fmtp` of an offer of this codec, which we send as `sent` or take as `taken`.
    func offer(sent: MediaCodec?, taken: MediaCodec?) -> [SessionDescription.Payload.Parameter] {
        switch format {
        case .opus: MediaCodec.opus(sentChannels: sent?.channels, takenChannels: taken?.channels)
        case .h264:
            MediaCodec.h264(
                profile ?? .constrainedBaseline(level: MediaCodec.takenLevel), mode: "1", isAsymmetric: true)
        default: []
        }
    }

    /// RFC 7587, section 6.1.
    private static func opus(sentChannels: Int?, takenChannels: Int?) -> [SessionDescription.Payload.Parameter] {
        var parameters: [SessionDescription.Payload.Parameter] = [
            .init("minptime", "10"), .init("useinbandfec", "1"),
        ]
        if let takenChannels, takenChannels > 1 { parameters.append(.init("stereo", "1")) }
        if let sentChannels, sentChannels > 1 { parameters.append(.init("sprop-stereo", "1")) }
        return parameters
    }

    private static func h264(
        _ profile: H264Profile, mode: String, isAsymmetric: Bool
    ) -> [SessionDescription.Payload.Parameter] {
        (isAsymmetric ? [.init("level-asymmetry-allowed", "1")] : [])
            + [.init("packetization-mode", mode), .init("profile-level-id", profile.text)]
    }
}

extension FeedbackKinds {
    /// Of use in a section that goes so from our side. `countsArrivals`: packets of either way have a number for it.
    static func use(in direction: MediaDirection, countsArrivals: Bool) -> FeedbackKinds {
        guard direction != .none else { return [] }
        let all: FeedbackKinds = [.missing, .pictureLoss, .keyframe, .estimate]
        return countsArrivals ? all.union(.arrivals) : all
    }

    /// Those that can be told of packets with these header extensions: when one came is told by its number.
    func tellable(_ extensions: ExtensionMap) -> FeedbackKinds {
        extensions.id(of: .transportSequence) == nil ? subtracting(.arrivals) : self
    }
}
