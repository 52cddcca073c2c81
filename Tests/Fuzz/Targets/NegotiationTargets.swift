import Negotiation
import RTP

let negotiationTargets = [
    FuzzTarget("offer", "An offer of a browser's, our answer to it, and it as an answer", longest: 8_192, run: offer),
    FuzzTarget("sdpfrag", "Candidates and credentials that come after the offer", run: fragment),
]

private let transport = OwnTransport(
    fragment: "srvr0001", password: "abcdefghijklmnopqrstuvwx", fingerprint: "sha-256 AB",
    candidates: ["candidate:1 1 udp 2130706431 192.0.2.9 8189 typ host"])
private let outgoing = [
    OutgoingStream([.opus(channels: 2)], ssrc: 1, cname: "a", streamID: "b", trackID: "c"),
    OutgoingStream(
        [.h264(.constrainedBaseline(level: 31)), .vp8], ssrc: 2, repairSSRC: 3, cname: "a", streamID: "b", trackID: "d"),
]
private let incoming = [IncomingStream([.opus()], wantsRedundancy: true), IncomingStream([.h264, .vp8])]

private func offer(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let offer = try? PeerDescription(text) else { return }
    var answerer = Answerer(id: 1, outgoing: outgoing, incoming: incoming)
    _ = answerer.restartsICE(offer)
    if let (text, agreement) = try? answerer.answer(offer, transport) {
        do { checkAnswer(try PeerDescription(text), to: offer) } catch { mustHold(false, "our answer: \(error)") }
        mustHold(agreement.sections.contains { $0.refusal == nil }, "nothing is agreed on")
        // The same offer again changes nothing.
        let again = try? answerer.answer(offer, transport).agreement
        mustHold(again?.sections == agreement.sections && again?.restartsICE == false, "not the same again")
    }
    var offerer = Offerer(id: 1)
    for stream in outgoing {
        _ = try? offerer.add(outgoing: stream, incoming: incoming.first { $0.kind == stream.kind })
    }
    guard let ours = try? PeerDescription(offerer.offer(transport)) else { return mustHold(false, "our offer") }
    guard let agreement = try? offerer.accept(offer) else { return }
    for (section, offered) in zip(agreement.sections, ours.sections) {
        let types = Set(offered.payloads.map(\.type))
        mustHold(section.sending.map { types.contains($0.type) } ?? true, "a type that was not offered")
        mustHold(section.receiving.map { types.isSuperset(of: $0.types.keys) } ?? true, "a type that was not offered")
    }
}

/// It names no payload type and no extension that the offer's section lacks.
private func checkAnswer(_ answer: PeerDescription, to offer: PeerDescription) {
    mustHold(answer.sections.count == offer.sections.count, "\(answer.sections.count) sections")
    for (told, asked) in zip(answer.sections, offer.sections) {
        mustHold(told.mid == asked.mid, "another mid")
        // A section that is rejected has one type, whatever it be.
        let isOffered = Set(told.payloads.map(\.type)).isSubset(of: asked.payloads.map(\.type))
        mustHold(told.isRejected || isOffered, "another type")
        for entry in told.extensions.entries {
            mustHold(asked.extensions.name(of: entry.id) == entry.name, "extension \(entry.id)")
        }
        mustHold(told.isRejected || told.direction.and(asked.direction.reversed) == told.direction, "direction")
    }
}

private func fragment(_ bytes: UnsafeRawBufferPointer) {
    guard let fragment = try? TransportFragment(String(decoding: bytes, as: UTF8.self)) else { return }
    _ = (fragment.restartsICE(TransportDescription()), fragment.isComplete)
    do { mustHold(try TransportFragment(fragment.text) == fragment, "not read alike") } catch {
        mustHold(false, "our own text: \(error)")
    }
}
