import Negotiation
import RTP
import Testing

@Suite struct ReadingTests {
    @Test func anOfferOfChromiumIsReadWhole() throws {
        let offer = try PeerDescription(fixture("chromium-talk"))
        #expect(offer.groups == [["0", "1", "2"]] && offer.mixesExtensions && !offer.isLite)
        #expect(offer.sections.map(\.kind) == [.audio, .video, nil])
        #expect(offer.sections.map(\.direction) == [.both, .receive, .both])
        #expect(offer.sections[2].name == "application" && offer.sections[2].profile == "UDP/DTLS/SCTP")

        let audio = offer.sections[0]
        #expect(audio.payloads.map(\.type) == [111, 63, 9, 0, 8, 13, 110, 126])
        #expect(audio.payloads[0].role == .media && audio.payloads[0].feedback == .arrivals)
        #expect(audio.payloads[1].role == .redundancy(of: [111, 111]))
        #expect(audio.payloads[5].role == .other)
        #expect(audio.extensions.id(of: .audioLevel) == 1 && audio.extensions.id(of: .mediaID) == 4)
        #expect(audio.sources.ssrcs == [4_190_326_079] && audio.sources.cname == "FE42Jdov6o6qZLFE")
        #expect(audio.sources.streamID == "7450a82d-1e04-45d0-8bae-234c4b464dd5")
        #expect(audio.sources.trackID == "f69b6ae0-67c0-40da-bdc8-f060986dbca0")

        let video = offer.sections[1]
        #expect(video.payloads[0].feedback == [.estimate, .arrivals, .keyframe, .missing, .pictureLoss])
        #expect(video.payloads[1].role == .repair(of: 96) && video.sources.ssrcs.isEmpty)
        #expect(video.isMultiplexed && video.isReduced && !video.isRejected)
        let transport = video.transport
        #expect(transport.fragment == "AQ8x" && transport.password == "mBYngtVLlb1FhltsjrmfTfmz")
        #expect(transport.setup == .actpass && transport.trickles && !transport.isLite && !transport.hasEnded)
        #expect(transport.fingerprints.count == 1 && transport.fingerprints[0].hasPrefix("sha-256 AF:1C"))
        #expect(transport.candidates.count == 8)
        // In a group the tagged section's count: the video section has others of its own.
        #expect(transport.candidates[0].hasPrefix("candidate:1547149131 1 udp 2122194687 127.0.0.1 53891"))
    }

    @Test func linesOfTheWholeDescriptionCountForSectionsWithoutThem() throws {
        let firefox = try PeerDescription(fixture("firefox-whep"))
        #expect(firefox.sections.allSatisfy { $0.transport.fingerprints.count == 1 && $0.transport.trickles })
        #expect(firefox.sections.allSatisfy { $0.direction == .receive && $0.transport.hasEnded })
        let playout = firefox.sections[1].extensions.entries.first { $0.name == .playoutDelay }
        #expect(playout?.id == 6 && playout?.direction == "recvonly")

        let obs = try PeerDescription(fixture("obs-whip"))
        #expect(obs.groups == [["0", "1"]])
        #expect(obs.sections.allSatisfy { $0.transport.fragment == "kX3v" && $0.transport.setup == .actpass })
        #expect(obs.sections.allSatisfy { $0.transport.fingerprints.count == 1 && $0.direction == .send })
    }

    @Test func aSectionThatExistsInAGroupAloneIsNotRejected() throws {
        let offer = try PeerDescription(fixture("gstreamer-whip"))
        #expect(offer.sections.map(\.isRejected) == [false, false] && offer.groups == [["video0", "audio1"]])
        #expect(offer.sections.map(\.direction) == [.both, .both])
    }

    @Test func simulcastIsKept() throws {
        for name in ["chromium-simulcast", "firefox-simulcast"] {
            let video = try #require(try PeerDescription(fixture(name)).sections.first)
            #expect(video.restrictions.map(\.id) == ["q", "h", "f"], "\(name)")
            #expect(video.restrictions.allSatisfy { $0.direction == "send" } && video.simulcast == "send q;h;f")
        }
        let sources = try PeerDescription(fixture("firefox-simulcast")).sections[0].sources
        #expect(sources.ssrcs == [1_242_516_436, 30_160_131, 270_405_309])
        #expect(sources.repairs[30_160_131] == 2_795_469_043)
    }

    @Test func feedbackWithSpacesBehindItIsRead() throws {
        let video = try PeerDescription(fixture("pion-whep")).sections[1]
        #expect(video.payloads[0].feedback == [.estimate, .arrivals, .keyframe, .missing, .pictureLoss])
    }

    @Test func severalFingerprintsAreKept() throws {
        let transport = try PeerDescription(fixture("aiortc-whip")).sections[0].transport
        #expect(transport.fingerprints.map { $0.prefix(7) } == ["sha-256", "sha-384", "sha-512"])
    }

    @Test(arguments: receivers + senders + others) func everyRecordedOfferCanBeConnected(_ name: String) throws {
        let offer = try PeerDescription(fixture(name))
        #expect(offer.groups.count == 1)
        for section in offer.sections {
            let transport = section.transport
            #expect(transport.fragment != nil && transport.password != nil && !transport.fingerprints.isEmpty)
            #expect(transport.setup == .actpass && !"\(transport)".contains(transport.password ?? ""))
        }
    }
}
