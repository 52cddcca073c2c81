import Foundation
import Negotiation
import RTP
import Sluice
import TestSupport
import Testing

@testable import WebRTCPlugin

/// Offers that peers have made, or are documented to make, as the nodes answer them. `Tests/Fixtures/descriptions`
/// tells how each came about.
@Suite("Recorded offers") struct RecordedOfferTests {
    private static let candidate = "candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host"

    private func offer(_ name: String) throws -> String {
        try String(contentsOf: Built.root.appending(path: "Tests/Fixtures/descriptions/\(name).sdp"), encoding: .utf8)
    }

    private func watched(_ name: String, _ codec: MediaCodec, takesAudio: Bool = false) throws -> ViewerAnswer {
        try ViewerAnswer(
            to: offer(name),
            ViewerAnswer.Streams(
                video: .init(codec: codec, stream: SharedStream(codec.format, limit: 1_100, line: SharedLine())),
                audio: .init(codec: .opus(channels: 2), stream: SharedStream(.opus, limit: 1_100, line: SharedLine())),
                takesAudio: takesAudio),
            candidates: [Self.candidate])
    }

    private func published(_ name: String) throws -> (text: String, session: PeerSession) {
        let answer = try PublisherAnswer(to: offer(name), codecs: [.h264, .vp8], candidates: [Self.candidate])
        return (answer.text, answer.session(PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000"))
    }

    private func has(_ text: String, _ lines: String...) {
        for line in lines { #expect(text.contains(line + "\r\n"), "\(line) is not in \(text)") }
    }

    // MARK: pion

    @Test func pionWatchesVP8AndH264OfItsProfile() throws {
        let vp8 = try watched("pion-whep", .vp8)
        has(
            vp8.text, "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=fmtp:97 apt=96",
            "a=rtcp-fb:96 nack pli", "a=setup:passive", "a=sendonly", "a=group:BUNDLE 0 1", "a=ice-lite")
        let session = vp8.session(PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000")
        let video = try #require(session.video)
        #expect(video.payloadType == 96 && video.repair?.payloadType == 97 && video.isRepaired)
        // It tells of no extension but that of transport-cc.
        #expect(video.extensions.sendTime == nil && video.extensions.transportSequence == 1)
        #expect(session.audio?.redundantType == nil)
        let h264 = try watched("pion-whep", .h264(.constrainedBaseline(level: 31)))
        has(
            h264.text, "m=video 9 UDP/TLS/RTP/SAVPF 125 107",
            "a=fmtp:125 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
    }

    @Test func pionPublishesAndItsDataChannelIsLeftOut() throws {
        let (text, session) = try published("pion-whip")
        has(
            text, "a=group:BUNDLE 0 1", "m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "a=recvonly",
            "a=rtcp-fb:96 transport-cc")
        #expect(!text.contains("a=sendrecv") && !text.contains("a=sendonly"))
        #expect(session.receivedAudio?.formats == [111: .opus] && session.receivedAudio?.sources == [1_527_988_528])
        let video = try #require(session.receivedVideo)
        #expect(video.formats[96] == .vp8 && video.formats[125] == .h264 && video.repairs[107] == 125)
        #expect(video.transportSequence == 1 && session.receivedAudio?.transportSequence == 1)
    }

    // MARK: Safari and iOS, after their documented form

    @Test func safariWatchesH264AndVP8() throws {
        let h264 = try watched("safari-whep", .h264(.constrainedBaseline(level: 40)))
        has(
            h264.text, "m=video 9 UDP/TLS/RTP/SAVPF 98 99",
            "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e028",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "a=fmtp:63 111/111", "a=setup:passive")
        let session = h264.session(PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000")
        #expect(session.video?.payloadType == 98 && session.video?.repair?.payloadType == 99)
        #expect(session.audio?.redundantType == 63 && session.video?.extensions.sendTime == 2)
        let vp8 = try watched("safari-whep", .vp8)
        #expect(vp8.session(PeerLink(1, NoPeer()) { _ in }, peer: "").video?.stream.format == .vp8)
        // High profile with the flags that its own has.
        let high = try watched("safari-whep", .h264(H264Profile(profile: 100, constraints: 0x0c, level: 31)))
        has(high.text, "m=video 9 UDP/TLS/RTP/SAVPF 96 97")
    }

    @Test func aPhonePublishesH264AndIsToldWhenItsPacketsCome() throws {
        let (text, session) = try published("ios-whip")
        let video = try #require(session.receivedVideo)
        #expect(video.formats[96] == .h264 && video.formats[98] == .h264 && video.repairs[97] == 96)
        #expect(video.repairSource != nil && video.transportSequence == 3 && video.feedback.contains(.arrivals))
        #expect(session.receivedAudio?.redundantType == 63 && session.receivedAudio?.audioLevel == 1)
        has(text, "a=group:BUNDLE 0 1", "a=recvonly", "a=setup:passive", "a=ice-lite")
    }

    /// The same for each that there is.
    @Test(arguments: ["aiortc", "chromium", "firefox", "gstreamer", "pion", "safari"])
    func eachWatches(_ peer: String) throws {
        // GStreamer's was made by a pipeline that takes H.264 alone.
        let codec = peer == "gstreamer" ? MediaCodec.h264(.constrainedBaseline(level: 31)) : .vp8
        let session = try watched("\(peer)-whep", codec).session(PeerLink(1, NoPeer()) { _ in }, peer: "")
        #expect(session.video?.stream.format == codec.format && session.audio != nil)
    }

    @Test(arguments: ["aiortc", "chromium", "firefox", "gstreamer", "ios", "obs", "pion"])
    func eachPublishes(_ peer: String) throws {
        let (_, session) = try published("\(peer)-whip")
        #expect(session.receivedVideo != nil && session.receivedAudio != nil)
    }
}
