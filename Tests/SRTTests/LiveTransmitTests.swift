import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

@testable import SRTPlugin

/// srt-live-transmit, which is libsrt's own, on the sides that other tests leave out; and encryption.
@Suite("srt-live-transmit as a peer", .serialized, .realPeers) struct LiveTransmitTests {
    private let place: Place

    init() throws { place = try Place() }

    @Test func srtOutputIsCalled() throws {
        let peer = try startPeer(place.transmit(from: place.address), output: place.tape)
        let (outcome, report) = try execute(
            place.sender(["url": .string(place.listening), "hold_ms": 20_000], pace: "fast"))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape)
    }

    @Test(arguments: [(16, "AES-128"), (24, "AES-192"), (32, "AES-256")])
    func aKeyOfEachLengthDecrypts(_ length: Int, _ cipher: String) throws {
        let peer = try startPeer(
            place.transmit(from: place.listening + "?passphrase=correct-horse"), output: place.tape)
        let (outcome, report) = try execute(
            place.sender(
                ["passphrase": "correct-horse", "key_length": .integer(length), "hold_ms": 20_000], pace: "fast"))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(
            report.contains("connected to \(place.address), latency 30 ms; the peer asks for more: 120 ms, \(cipher)"),
            "\(report)")
        #expect(!report.contains("correct-horse"))
        try checkClip(place.tape)
    }

    @Test(arguments: [(16, "AES-128"), (24, "AES-192"), (32, "AES-256")])
    func theCallersKeyLengthCounts(_ length: Int, _ cipher: String) throws {
        let peer = try Transmitter(place, to: place.address + "?passphrase=correct-horse&pbkeylen=\(length)")
        let (outcome, report) = try execute(
            place.receiver(["passphrase": "correct-horse", "reconnect": false]),
            on: ["connected to": { _ in peer.feed() }])
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains(", \(cipher)"), "\(report)")
        try checkClip(place.tape, cut: 6)
    }
}
