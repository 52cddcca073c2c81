import FilesPlugin
import Foundation
import Net
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import SRTPlugin

/// Real sockets on the loopback, in real time, against Debian's receivers.
@Suite("srt-output", .serialized, .realPeers) struct SRTOutputTests {
    private let place: Place

    init() throws { place = try Place() }

    @Test func ffmpegReceivesEveryFrame() throws {
        let file = place.file("got.ts")
        let receiver = try startPeer([
            "ffmpeg", "-y", "-i", place.address + "?mode=listener", "-map", "0", "-c", "copy", file.path,
        ])
        let (outcome, report) = try execute(place.sender(["latency_ms": 40]))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("connected to \(place.address), latency 40 ms"))
        #expect(receiver.terminationStatus == 0)
        try checkClip(file)
    }

    /// As `localhost` is on most machines: its IPv6 address comes first, and the listener is on IPv4.
    @Test(arguments: [["::1", "127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["127.0.0.1", "::1"]])
    func everyAddressOfANameIsTried(addresses: [String]) throws {
        let sending = place.sender(["url": .string("srt://studio.example:\(place.port)")])
        let found = addresses.compactMap { SocketAddress(numeric: $0, port: place.port) }
        let resolver = NameResolver(find: { _, _, _ in found[0] }, findAll: { _, _, _ in found })
        sending.registry.provide(NameResolver.self) { resolver }
        let run = GraphRun(sending.plan, registry: sending.registry, options: boundedRun)
        let (outcome, report) = try execute(place.receiver(["reconnect": false])) { _ in _ = try? run.execute() }
        #expect(outcome == .finished, "\(report)")
        #expect(run.report.contains("connected to srt://studio.example"), "\(run.report)")
        #expect(!run.report.contains("calling again"), "\(run.report)")
        try checkClip(place.tape)
    }

    @Test func srtLiveTransmitReceivesEveryFrameEncryptedAndAtOnce() throws {
        let file = place.file("got.ts")
        let receiver = try startPeer(
            place.transmit(from: place.listening + "?passphrase=correct-horse"), output: file)
        let (outcome, report) = try execute(
            place.sender(["passphrase": "correct-horse", "key_length": 32, "hold_ms": 20_000], pace: "fast"))
        receiver.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        #expect(!report.contains("correct-horse"))
        try checkClip(file)
    }

    @Test func aWrongPassphraseIsRefused() throws {
        let receiver = try startPeer(place.transmit(from: place.listening + "?passphrase=correct-horse"))
        defer { receiver.terminate() }
        let (outcome, report) = try execute(
            place.sender(["passphrase": "wrong-wrong-wrong", "reconnect": false]))
        #expect(outcome == .failed)
        #expect(report.contains("refuses the call: its passphrase is another"), "\(report)")
        #expect(report.contains("Give both sides the same passphrase."), "\(report)")
    }

    @Test func anUnreachablePeerIsNamedInTime() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try execute(
            place.sender(["connect_timeout_ms": 300, "reconnect": false]))
        #expect(outcome == .failed)
        #expect(report.contains("\(place.address) does not answer"))
        #expect(report.contains("Start the listener first"))
        #expect(ContinuousClock().now - began < .seconds(10))
        let (second, told) = try execute(
            place.sender(["url": "srt://no-such-host.invalid:9000", "reconnect": false]))
        #expect(second == .failed)
        #expect(told.contains("cannot find host"))
    }

    @Test func aPeerThatComesLateIsCalledAgain() throws {
        let file = place.file("late.ts")
        // The first call fails before the receiver is there.
        let receiver = Mutexed<PeerProcess>()
        let (outcome, report) = try execute(
            place.sender(["connect_timeout_ms": 200, "hold_ms": 20_000], pace: "fast"),
            on: [
                "calling again": { [place] _ in
                    receiver.set(
                        try? startPeer([
                            "ffmpeg", "-y", "-i", place.address + "?mode=listener", "-map", "0", "-c", "copy",
                            file.path,
                        ]))
                }
            ])
        #expect(outcome == .finished, "\(report)")
        receiver.get()?.waitUntilExit()
        // "does not answer" is said once, however often it is true.
        #expect(report.components(separatedBy: "does not answer").count == 2, "\(report)")
        try checkClip(file)
    }

    @Test func aGraphThatStopsWhileItCallsEnds() throws {
        let began = ContinuousClock().now
        let (outcome, report) = try execute(place.sender(["connect_timeout_ms": 60_000])) {
            $0.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("before \(place.address) answered"))
        #expect(ContinuousClock().now - began < .seconds(10))
    }

    @Test func virtualTimeRefusesIt() {
        #expect(throws: GraphError.self) { try GraphHarness(place.sender()) }
    }
}
