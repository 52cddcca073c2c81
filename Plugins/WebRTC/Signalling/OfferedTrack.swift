import Negotiation

/// A track for a peer, and how it is told from others of its connection.
struct OfferedTrack: Sendable {
    /// The same as long as the track is: `video`, `alice/audio`.
    let id: String
    let codec: MediaCodec
    let stream: SharedStream
    /// Tracks of one owner are played together; nil where all of the connection have one.
    var owner: String?
    /// The least and the greatest delay that browsers are asked for, in ms. nil leaves it to them.
    var playoutDelay: ClosedRange<Int>?
}

extension ViewerAnswer.Streams {
    /// As an offer has them.
    var tracks: [OfferedTrack] {
        let video = video.map {
            OfferedTrack(id: "video", codec: $0.codec, stream: $0.stream, playoutDelay: playoutDelay)
        }
        let audio = audio.map { OfferedTrack(id: "audio", codec: $0.codec, stream: $0.stream) }
        return [video, audio].compactMap { $0 }
    }
}
