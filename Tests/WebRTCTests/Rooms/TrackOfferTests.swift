import Negotiation
import RTP
import Testing

@testable import WebRTCPlugin

/// Offers to one who is in a room, as others come and go.
@Suite("Offers of tracks that come and go") struct TrackOfferTests {
    private func track(_ owner: String, _ format: PayloadFormat = .opus) -> OfferedTrack {
        OfferedTrack(
            id: "\(owner).\(format.isVideo ? "video" : "audio")", codec: format.isVideo ? .vp8 : .opus(channels: 2),
            stream: SharedStream(format, limit: 1_100, line: SharedLine()), owner: owner)
    }

    private func offer(_ tracks: [OfferedTrack] = []) throws -> ViewerOffer {
        try ViewerOffer(
            tracks, ViewerOffer.Incoming(takesAudio: true, videoCodecs: [.vp8], isReady: true),
            candidates: ["candidate:1 1 udp 1 127.0.0.1 8189 typ host"])
    }

    /// Sections as `audio 3 sendonly`.
    private func sections(_ sdp: String) -> [String] {
        sdp.components(separatedBy: "m=").dropFirst().map { part in
            let lines = part.split(separator: "\r\n")
            func value(_ name: String) -> String {
                lines.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) } ?? "-"
            }
            let isRejected = lines[0].split(separator: " ")[1] == "0"
            let direction = ["sendonly", "recvonly", "inactive"].first { lines.contains("a=\($0)") } ?? "-"
            return "\(lines[0].prefix(5)) \(value("a=mid:")) \(isRejected ? "rejected" : direction)"
        }
    }

    private func ssrcs(_ sdp: String, of owner: String) -> Set<String> {
        Set(
            sdp.components(separatedBy: "m=").filter { $0.contains("a=msid:\(owner) ") }.flatMap { part in
                part.split(separator: "\r\n").filter { $0.hasPrefix("a=ssrc:") }.compactMap {
                    $0.dropFirst(7).split(separator: " ").first.map(String.init)
                }
            })
    }

    @Test func aTrackGetsASectionThatIsReusedBehindItsEndUnderAnotherName() throws {
        let (bob, carol, dave) = (track("bob"), track("carol"), track("dave"))
        var offer = try offer([bob])
        let first = try offer.offer(microphone: true)
        #expect(sections(first) == ["audio 0 recvonly", "video 1 recvonly", "audio 2 sendonly"])
        let outcome = try offer.accept(BrowserAnswer.text(to: first))
        #expect(outcome.sent.map { $0.stream === bob.stream } == [true])
        #expect(outcome.receivedAudio != nil && outcome.receivedVideo != nil)

        #expect(offer.isBehind([bob, carol]) && !offer.isBehind([bob]))
        try offer.follow([bob, carol])
        let second = try offer.offer(microphone: true)
        #expect(sections(second).last == "audio 3 sendonly" && ssrcs(second, of: "bob") == ssrcs(first, of: "bob"))
        #expect(try offer.accept(BrowserAnswer.text(to: second)).sent.count == 2)

        try offer.follow([carol])
        let third = try offer.offer(microphone: true)
        #expect(sections(third)[2] == "audio 2 rejected" && sections(third)[3] == "audio 3 sendonly")
        #expect(try offer.accept(BrowserAnswer.text(to: third)).sent.map { $0.stream === carol.stream } == [true])

        try offer.follow([carol, dave])
        let fourth = try offer.offer(microphone: true)
        #expect(sections(fourth)[2] == "audio 4 sendonly" && sections(fourth).count == 4)
        #expect(ssrcs(fourth, of: "carol") == ssrcs(second, of: "carol"))
        let all = ssrcs(fourth, of: "carol").union(ssrcs(fourth, of: "dave")).union(ssrcs(first, of: "bob"))
        #expect(all.count == 3)
    }

    @Test func twelveJoinsAndLeavesNeedNoMoreSectionsThanArePresentAtOnce() throws {
        var offer = try offer()
        for number in 0..<12 {
            try offer.follow([track("guest-\(number)"), track("guest-\(number)", .vp8)])
            let text = try offer.offer(microphone: true)
            _ = try offer.accept(BrowserAnswer.text(to: text))
            #expect(sections(text).count <= 2 + 2 * 2)
        }
    }

    @Test func oneWhoMaySendNothingIsConnectedWhereThereIsNothingToHear() throws {
        var offer = try ViewerOffer([], ViewerOffer.Incoming(isReady: true), candidates: [])
        let text = try offer.offer(microphone: true)
        #expect(sections(text) == ["audio 0 recvonly"])
        let outcome = try offer.accept(BrowserAnswer.text(to: text))
        #expect(outcome.receivedAudio == nil && outcome.receivedVideo == nil && outcome.sent.isEmpty)
        try offer.follow([track("bob")])
        let next = try offer.offer(microphone: true)
        #expect(try offer.accept(BrowserAnswer.text(to: next)).sent.count == 1)
    }

    @Test func aTrackWithAnotherStreamIsAnotherSection() throws {
        let bob = track("bob")
        var offer = try offer([bob])
        _ = try offer.accept(BrowserAnswer.text(to: try offer.offer(microphone: true)))
        let other = track("bob")
        #expect(offer.isBehind([other]))
        try offer.follow([other])
        let text = try offer.offer(microphone: true)
        #expect(sections(text).contains("audio 2 rejected") && sections(text).last == "audio 3 sendonly")
    }
}
