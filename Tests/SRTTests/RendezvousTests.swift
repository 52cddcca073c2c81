import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// Both ends of a rendezvous have the same port number, so each has an address of its own here.
@Suite("A rendezvous", .serialized, .realPeers) struct RendezvousTests {
    private let place: Place

    init() throws { place = try Place() }

    private func meeting(_ own: String, _ other: String) -> String {
        "srt://\(other):\(place.port)?mode=rendezvous&adapter=\(own)"
    }

    private func sender() -> GraphBuilder {
        place.sender(["url": .string(meeting("127.0.0.1", "127.0.0.2")), "hold_ms": 20_000])
    }

    private func receiver() -> GraphBuilder {
        place.receiver(["url": .string(meeting("127.0.0.2", "127.0.0.1")), "reconnect": false])
    }

    @Test func twoSidesMeet() throws {
        let sending = GraphRun(sender().plan, registry: sender().registry, options: boundedRun)
        let (outcome, report) = try execute(receiver()) { _ in _ = try? sending.execute() }
        #expect(outcome == .finished, "\(report)\n\(sending.report)")
        try checkClip(place.tape)
    }

    @Test func srtOutputMeetsSrtLiveTransmit() throws {
        let peer = try startPeer(
            place.transmit(from: meeting("127.0.0.2", "127.0.0.1")), output: place.tape)
        let (outcome, report) = try execute(sender())
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape)
    }

    @Test func srtInputMeetsSrtLiveTransmit() throws {
        let peer = try Transmitter(place, to: meeting("127.0.0.1", "127.0.0.2"))
        let (outcome, report) = try execute(receiver(), on: ["connected to": { _ in peer.feed() }])
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape, cut: 6)
    }
}
