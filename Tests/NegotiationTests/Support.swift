import Foundation
import Negotiation
import RTP
import TestSupport
import Testing

/// A recorded or documented offer; `Tests/Fixtures/descriptions/README.md` tells how each was made.
func fixture(_ name: String) throws -> String {
    let path = Built.root.appendingPathComponent("Tests/Fixtures/descriptions/\(name).sdp")
    return try String(contentsOf: path, encoding: .utf8)
}

let receivers = [
    "aiortc-whep", "chromium-whep", "firefox-whep", "gstreamer-whep", "pion-whep", "safari-whep",
]
let senders = [
    "aiortc-whip", "chromium-whip", "firefox-whip", "gstreamer-whip", "ios-whip", "obs-whip", "pion-whip",
]
let others = ["chromium-simulcast", "chromium-talk", "firefox-simulcast", "firefox-talk"]

let fingerprint = "sha-256 " + (0..<32).map { _ in "AB" }.joined(separator: ":")

let server = OwnTransport(
    fragment: "srvr0001", password: "abcdefghijklmnopqrstuvwx", fingerprint: fingerprint,
    candidates: ["candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host"])

func voice(_ codecs: [MediaCodec] = [.opus(channels: 2)]) -> OutgoingStream {
    OutgoingStream(codecs, ssrc: 1_001, cname: "sluice", streamID: "viewer", trackID: "sound")
}

func picture(_ codecs: [MediaCodec]) -> OutgoingStream {
    OutgoingStream(codecs, ssrc: 2_001, repairSSRC: 2_002, cname: "sluice", streamID: "viewer", trackID: "picture")
}

/// 1080p from an encoder for browsers.
let hd = H264Profile.constrainedBaseline(level: 40)

/// The fault that `body` throws.
func fault(_ body: () throws -> Void) throws -> NegotiationFault {
    do { try body() } catch let fault as NegotiationFault { return fault }
    struct NothingThrown: Error {}
    throw NothingThrown()
}

/// Every answer, whatever the offer: what it names is in the offer's section.
func expectAnswerNamesOnlyWhatIsOffered(_ offer: PeerDescription, _ text: String, _ note: Comment = "") throws {
    let answer = try PeerDescription(text)
    #expect(answer.sections.count == offer.sections.count, note)
    for (asked, told) in zip(offer.sections, answer.sections) {
        #expect(told.mid == asked.mid && told.name == asked.name && told.profile == asked.profile, note)
        for payload in told.payloads where !told.isRejected {
            let match = asked.payloads.first { $0.type == payload.type }
            #expect(match?.format.encodingName == payload.format.encodingName, note)
            #expect(match?.feedback.isSuperset(of: payload.feedback) == true, note)
        }
        for entry in told.extensions.entries {
            let match = asked.extensions.entries.first { $0.id == entry.id }
            #expect(match?.name == entry.name, note)
            let allowed = (match?.direction).flatMap { MediaDirection(rawValue: $0) } ?? .both
            let used = entry.direction.flatMap { MediaDirection(rawValue: $0) } ?? told.direction
            #expect(used.and(allowed.reversed) == used, note)
        }
        #expect(told.direction.and(asked.direction.reversed) == told.direction || told.isRejected, note)
    }
    let used = answer.sections.filter { !$0.isRejected }
    if offer.groups.isEmpty {
        #expect(answer.groups.isEmpty && used.count <= 1, note)
    } else {
        #expect(answer.groups == (used.isEmpty ? [] : [used.compactMap(\.mid)]), note)
    }
}
