import FilesPlugin
import FlowPlugin
import Foundation
import Glibc
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// Mistakes of peers. Real sockets on the loopback.
@Suite("Bad peers and bad settings", .serialized, .realPeers) struct BadPeerTests {
    private let place: Place

    init() throws { place = try Place() }

    /// The error that building a graph throws.
    private func refusal(_ graph: GraphBuilder) -> String {
        do {
            _ = try GraphRun(graph.plan, registry: graph.registry, options: boundedRun).execute()
            return "it ran"
        } catch { return "\(error)" }
    }

    // MARK: Settings

    @Test func settingsThatMakeNoSenseAreRefusedBeforeAnythingRuns() {
        #expect(
            refusal(place.sender(["passphrase": "short"])).contains("the passphrase has 5 bytes; SRT wants 10 to 79"))
        #expect(refusal(place.sender(["key_length": 20])).contains("key_length is 20; AES takes 16, 24 or 32 bytes"))
        #expect(
            refusal(place.sender(["latency.rtt_multiple": 3, "latency.min_ms": 90, "latency.max_ms": 80])).contains(
                "min_ms is 90 and max_ms 80"))
        #expect(
            refusal(place.sender(["streamid": .string(String(repeating: "x", count: 600))])).contains("at most 512"))
        #expect(refusal(place.receiver(["url": ""])).contains("it has no url, and was started for no caller"))
        #expect(refusal(place.receiver(["template": "caller"])).contains("its media go to instances of template"))
    }

    @Test func aPortThatIsTakenIsNamedWithWhatToDo() throws {
        let taken = try #require(openPort(place.port))
        defer { close(taken) }
        let text = refusal(place.receiver())
        #expect(text.contains("cannot use port 0.0.0.0:\(place.port): somebody else has it"), "\(text)")
        #expect(text.contains("Choose another port"), "\(text)")
    }

    @Test func twoNodesOfOneGraphDoNotShareAPort() throws {
        var graph = place.receiver()
        graph.node("second", SRTInput.self, ["url": .string(place.listening)])
        graph.node("sink", NullSink.self)
        graph.edge("second.video -> sink.in")
        let text = refusal(graph)
        #expect(text.contains("cannot listen at") || text.contains("cannot use port"), "\(text)")
    }

    // MARK: Peers

    @Test func aWrongPassphraseIsSaidOnceAndTriedAgainUntilItFits() throws {
        let wrong = try startPeer(place.transmit(from: place.listening + "?passphrase=another-one"))
        let place = place
        let (outcome, report) = try execute(
            place.sender(["passphrase": "correct-horse", "hold_ms": 20_000]),
            on: [
                "its passphrase is another": { _ in
                    Thread.detachNewThread {
                        wrong.signal(SIGKILL)
                        wrong.terminate()
                        wrong.waitUntilExit()
                        _ = try? startPeer(
                            place.transmit(from: place.listening + "?passphrase=correct-horse"), output: place.tape)
                    }
                }
            ])
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("connected to \(place.address)"), "\(report)")
        #expect(report.components(separatedBy: "its passphrase is another").count == 2, "\(report)")
        try checkClip(place.tape)
    }

    @Test func aListenerSaysWhoHadAnotherPassphrase() throws {
        let peer = Mutexed<PeerProcess>()
        let (outcome, report) = try execute(
            place.receiver(["passphrase": "correct-horse"]),
            on: ["did not get past the handshake": { _ in peer.get()?.terminate() }]
        ) { [place] run in
            peer.set(
                try? startPeer(place.ffmpeg(to: place.address + "?passphrase=wrong-wrong-wrong")))
            try waitUntil("the refused passphrase to be said", run) {
                run.report.contains("did not get past the handshake")
            }
            run.stop()
        }
        #expect(outcome != .failed)
        #expect(
            report.contains("did not get past the handshake: its passphrase is another, or it gave up"), "\(report)")
    }

    @Test func aWrongStreamIDIsRefusedAndBothSidesSayWhy() throws {
        let listening = begin(place.receiver(["streamid": "camera"]))
        let (outcome, report) = try execute(
            place.sender(["streamid": "publish:other", "reconnect": false, "connect_timeout_ms": 2_000]))
        #expect(outcome == .failed)
        #expect(report.contains("refuses the call: it has no stream of this id (404)"), "\(report)")
        try waitUntil("the refusal to be said", listening) { listening.report.contains("refused the caller") }
        #expect(
            listening.report.contains("it asks for \\\"other\\\", and here is \\\"camera\\\""), "\(listening.report)")
        listening.stop()
    }

    @Test func aSecondPublisherIsRefusedOrTakesOver() throws {
        for takesOver in [false, true] {
            // Each on a port and a tape of its own.
            let place = try Place()
            let run = begin(place.receiver(["second_caller": takesOver ? "take-over" : "refuse"]))
            let first = begin(place.sender(["reconnect": false], loop: true))
            try waitUntil("the first caller's media", run, first) { run.report.contains("sends h264 and opus") }
            let (outcome, report) = try execute(place.sender(["reconnect": false]))
            if takesOver {
                #expect(outcome == .finished, "\(report)\n\(run.report)")
                #expect(run.report.contains("takes over from 127.0.0.1:"), "\(run.report)")
            } else {
                #expect(outcome == .failed)
                #expect(report.contains("somebody else publishes under this stream id (409)"), "\(report)")
                #expect(run.report.contains("another caller is connected"), "\(run.report)")
            }
            first.stop()
            run.stop()
        }
    }

    /// Answers nothing at all, as a port that a firewall swallows.
    @Test func aPortThatSaysNothingIsCalledUntilTheGraphStops() throws {
        let silent = try #require(openPort(place.port))
        defer { close(silent) }
        let (outcome, report) = try execute(place.sender(["connect_timeout_ms": 200, "hold_ms": 0], loop: true)) {
            run in
            try waitUntil("a call without an answer", run) { run.report.contains("does not answer") }
            run.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("does not answer; calling again"), "\(report)")
        #expect(report.contains("nothing was sent"), "\(report)")
    }

    /// A server that took the call and stands still: nothing is acknowledged any more.
    @Test func aPeerThatFreezesIsGivenUpAndItsOutageIsReported() throws {
        let peer = Mutexed<PeerProcess>()
        let file = place.file("second.ts")
        let listen = place.transmit(from: place.listening)
        peer.set(try startPeer(listen))
        let (outcome, report) = try execute(
            place.sender(["peer_timeout_ms": 400, "hold_ms": 20_000], loop: true),
            on: [
                "has acknowledged nothing": { _ in
                    Thread.detachNewThread {
                        peer.get()?.signal(SIGKILL)
                        // The port is its until it is gone.
                        peer.get()?.waitUntilExit()
                        peer.set(try? startPeer(listen, output: file))
                    }
                }
            ]
        ) { run in
            try waitUntil("the first connection", run) { run.report.contains("connected to") }
            peer.get()?.signal(SIGSTOP)
            try waitUntil("the second connection", run) { run.report.contains("again after") }
            // Some pictures more.
            let sent = file.path
            try waitUntil("more pictures", run) { ((try? Data(contentsOf: URL(filePath: sent)).count) ?? 0) > 100_000 }
            run.stop()
        }
        peer.get()?.terminate()
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("has acknowledged nothing for"), "\(report)")
        let metrics = nodeMetrics(report, "out")
        #expect(metrics["outages"] == 1 && (metrics["outage_ms"] ?? 0) > 0, "\(metrics)")
        #expect((metrics["connections"] ?? 0) == 2 && (metrics["dropped_unconnected"] ?? 0) > 0, "\(metrics)")
    }

    @Test func garbageOnTheListenersPortChangesNothing() throws {
        let (outcome, report) = try execute(place.receiver(["reconnect": false])) { [place] _ in
            var dice = Dice(seed: 5)
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(place.port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            for number in 0..<2_000 {
                var bytes = (0..<Int.random(in: 0...1_456, using: &dice)).map { _ in
                    UInt8.random(in: 0...255, using: &dice)
                }
                // A third of it looks like the beginning of a handshake.
                if number % 3 == 0, bytes.count > 64 {
                    bytes.replaceSubrange(0..<64, with: RoundTripProbe.induction(number: number))
                    bytes[Int.random(in: 0..<64, using: &dice)] ^= 0xff
                }
                _ = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                    }
                }
            }
            close(descriptor)
            _ = try? startPeer(place.ffmpeg(to: place.address))
        }
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape, cut: 6)
    }

    @Test func aCallerThatSendsNoTransportStreamIsTold() throws {
        let (outcome, report) = try execute(place.receiver(["reconnect": false])) { [place] _ in
            _ = try? startPeer([
                "ffmpeg", "-v", "warning", "-re", "-f", "lavfi", "-i", "testsrc=s=64x36:r=25:d=2", "-f", "rawvideo",
                place.address,
            ])
        }
        #expect(outcome == .finished, "\(report)")
        #expect(report.contains("sends something that is no MPEG-TS"), "\(report)")
        #expect((nodeMetrics(report, "in")["stray_bytes"] ?? 0) > 10_000)
    }

    /// Takes the call and sends nothing: the run says whom it waits for.
    @Test func aServerThatTakesTheCallAndSaysNothingIsNamed() throws {
        let server = try startPeer([
            "srt-live-transmit", "-q", "-a:no", "udp://127.0.0.1:\(freePort())", place.listening,
        ])
        defer { server.signal(SIGKILL) }
        let (outcome, report) = try execute(place.receiver(["url": .string(place.address)])) { run in
            try waitUntil("the watchdog", run) {
                run.report.contains("in has waited for media from srt://127.0.0.1")
            }
            run.stop()
        }
        #expect(outcome != .failed, "\(report)")
        #expect(report.contains("in has waited for media from \(place.address)"), "\(report)")
    }
}

/// A node's metrics that are numbers.
func nodeMetrics(_ report: String, _ name: String) -> [String: Int] {
    let json = try? JSONSerialization.jsonObject(with: Data(report.utf8)) as? [String: Any]
    let node = (json?["nodes"] as? [String: Any])?[name] as? [String: Any]
    return (node?["metrics"] as? [String: Any])?.compactMapValues { $0 as? Int } ?? [:]
}
