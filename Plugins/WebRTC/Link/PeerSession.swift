import RTP
import SRTP
import Sluice

/// One peer in the session that is started for it: what its description and ours agree on, and the way to it. The
/// resource of a template's instance.
final class PeerSession: Sendable {
    /// A medium that we send.
    struct SentMedium: Sendable {
        /// The type of packets, what repairs them and what they carry besides.
        var payloadType: UInt8
        var repair: (ssrc: UInt32, payloadType: UInt8)?
        var redundantType: UInt8?
        var ssrc: UInt32
        var extensions: SenderExtensions
        /// Packets that are missing may be asked for.
        var isRepaired: Bool
        var stream: SharedStream
    }

    let link: PeerLink
    /// For messages: `192.0.2.1:50000`.
    let peer: String
    /// The name that all streams of ours have.
    let cname: String
    let media: PeerMedia
    /// A node outside of the session has whatever else the peer sends.
    let isHeardElsewhere: Bool
    /// Where its media are shown to the others of its room; nil where it is in none.
    let share: RoomShare?

    init(
        _ link: PeerLink, peer: String, cname: String, sent: [SentMedium] = [], receivedVideo: ReceivedMedium? = nil,
        receivedAudio: ReceivedMedium? = nil, isHeardElsewhere: Bool = false, share: RoomShare? = nil
    ) {
        (self.link, self.peer, self.cname) = (link, peer, cname)
        media = PeerMedia(sent: sent, received: (audio: receivedAudio, video: receivedVideo))
        (self.isHeardElsewhere, self.share) = (isHeardElsewhere, share)
    }

    /// The first medium of each kind that is sent.
    var video: SentMedium? { media.sent.first { $0.stream.format.isVideo } }
    var audio: SentMedium? { media.sent.first { !$0.stream.format.isVideo } }
    var receivedVideo: ReceivedMedium? { media.received.video }
    var receivedAudio: ReceivedMedium? { media.received.audio }

    /// Something goes to the peer: the node that sends it says how the connection is.
    var sends: Bool { share != nil || !media.sent.isEmpty }

    /// The most bytes of a protected packet: what fits through tunnels of the least MTU of IPv6.
    static let mtu = 1_200
    /// Bytes of memory that a packet needs while it is protected.
    static let room = mtu + SRTPContext.trailer
    /// The most bytes of a payload that all peers share, whatever extensions and repair each of them has.
    static let payloadLimit = 1_100
}
