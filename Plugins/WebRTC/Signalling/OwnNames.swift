import Negotiation

/// The names and numbers that our streams have in the descriptions and packets of one connection.
struct OwnNames {
    /// Of the description.
    let id: UInt64
    /// All streams of ours have it.
    let cname: String
    private let word: String
    /// Each track has four numbers, which differ in their lowest bits.
    private var next: UInt32

    init() {
        var random = SystemRandomNumberGenerator()
        id = UInt64.random(in: 0 ... .max, using: &random)
        word = String(UInt64.random(in: 0 ... .max, using: &random), radix: 36)
        cname = "sluice-\(word)"
        next = UInt32.random(in: 1 ... .max, using: &random) & ~3
    }

    /// The stream of another track.
    mutating func stream(of track: OfferedTrack) -> OutgoingStream {
        let first = next
        next &+= 4
        let isVideo = track.stream.format.isVideo
        let ssrc = first | (isVideo ? 1 : 3)
        return OutgoingStream(
            [track.codec], ssrc: ssrc, repairSSRC: isVideo ? first | 2 : nil, cname: cname,
            streamID: track.owner ?? word, trackID: track.owner == nil ? track.id : String(ssrc))
    }
}
