import Foundation
import Net
@_spi(Host) import Sluice
import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import RTPPlugin

/// Names are found by a worker; the resolver is the test's.
@Suite("rtp: names", .serialized, .realPeers) struct NameTests {
    /// Answers when the test says so.
    private final class Desk: @unchecked Sendable {
        let asked = DispatchSemaphore(value: 0)
        private let gate = DispatchSemaphore(value: 0)
        private let answer: Result<String, NodeError>
        /// Threads that asked.
        let threads = Mutex<Set<UInt>>([])

        init(_ answer: Result<String, NodeError>) { self.answer = answer }

        var resolver: NameResolver {
            NameResolver { [self] _, port, _ in
                threads.withLock { _ = $0.insert(UInt(pthread_self())) }
                asked.signal()
                gate.wait()
                return try SocketAddress.find(answer.get(), port: port)
            }
        }

        func open() { gate.signal() }
    }

    private func provide(_ desk: Desk, to graph: GraphBuilder) {
        let resolver = desk.resolver
        graph.registry.provide(NameResolver.self) { resolver }
    }

    /// Runs `graph` and lets the desk answer when the node says that it waits.
    private func run(_ graph: GraphBuilder, node: String, _ desk: Desk, stops: Bool = false) throws -> (
        ran: Rig.Ran, waited: String?
    ) {
        let waited = Mutex<String?>(nil)
        let ran = try Rig.run(
            graph,
            started: { run in
                desk.asked.wait()
                for _ in 0..<1_000 {
                    let said = run.snapshot(.counters).nodes.first { $0.name == node }?.isWaiting
                    waited.withLock { $0 = said }
                    if said != nil, run.snapshot(.counters).time > .zero { break }
                    Thread.sleep(forTimeInterval: 0.01)
                }
                if stops { run.stop() } else { desk.open() }
            })
        if stops { desk.open() }
        return (ran, waited.withLock { $0 })
    }

    @Test func aNameIsFoundByAWorkerAndMediaWaitMeanwhile() throws {
        let rig = try Rig()
        let desk = Desk(.success("127.0.0.1"))
        let graph = try rig.sending(.vp8, ["host": "viewer.example"], media: "video")
        provide(desk, to: graph)
        let (ran, waited) = try run(graph, node: "out", desk)
        #expect(waited == "the address of viewer.example")
        #expect(ran.outcome == .finished, "\(ran.report)")
        #expect(ran.metric("out", "video_packets") > Rig.size.frames)
        // Only of the name, and once.
        #expect(desk.threads.withLock { $0.count } == 1)
        #expect(try String(contentsOfFile: rig.sdp, encoding: .utf8).contains("c=IN IP4 127.0.0.1"))
    }

    /// The kernel connects nobody to the broadcast address, as it connects nobody by IPv6 without a route.
    @Test func anAddressToWhichThereIsNoWayIsPassedOver() throws {
        let rig = try Rig()
        let graph = try rig.sending(.vp8, ["host": "two.example"], media: "video")
        let found = [
            SocketAddress(numeric: "255.255.255.255", port: 1)!, SocketAddress(numeric: "127.0.0.1", port: 1)!,
        ]
        let resolver = NameResolver(find: { _, _, _ in found[0] }, findAll: { _, _, _ in found })
        graph.registry.provide(NameResolver.self) { resolver }
        let ran = try Rig.run(graph)
        #expect(ran.outcome == .finished, "\(ran.report)")
        #expect(try String(contentsOfFile: rig.sdp, encoding: .utf8).contains("c=IN IP4 127.0.0.1"))
    }

    /// `localhost` has two addresses on most machines, and most receivers listen at one.
    @Test func whereNobodyListensAtOneAddressOfANameTheNextIsTried() throws {
        let rig = try Rig()
        try rig.scratch.write(
            "stream.sdp",
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                + "m=video \(rig.port) RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n")
        let receiver = Rig.Beside(rig.receiving("second", ["timeout_ms": 1_000], media: "video"))
        try rig.wait(for: "rtp-input's port") { Rig.isBound(rig.port) }
        let graph = try rig.sending(.vp8, ["host": "two.example", "sdp": ""], media: "video")
        let found = ["127.0.0.2", "127.0.0.1"].map { SocketAddress(numeric: $0, port: 1)! }
        let resolver = NameResolver(find: { _, _, _ in found[0] }, findAll: { _, _, _ in found })
        graph.registry.provide(NameResolver.self) { resolver }
        let sent = try Rig.run(graph)
        #expect(sent.outcome == .finished, "\(sent.report)")
        #expect(sent.report.contains("goes on to 127.0.0.1, another address of two.example"), "\(sent.report)")
        #expect(try receiver.wait().outcome == .finished)
        #expect(Collector.take("second.video").count > Rig.size.frames * 2 / 3)
    }

    @Test func aNameThatIsNotFoundFailsInOneSentence() throws {
        let rig = try Rig()
        let desk = Desk(.failure(NodeError("cannot find host \"gone.example\": no such name", advice: "Check it.")))
        let graph = try rig.sending(.vp8, ["host": "gone.example"], media: "video")
        provide(desk, to: graph)
        let (ran, _) = try run(graph, node: "out", desk)
        #expect(ran.outcome == .failed)
        #expect(
            ran.report.contains("cannot find host \\\"gone.example\\\": no such name\\n  Check it."), "\(ran.report)")
    }

    @Test func aStopDoesNotWaitForTheName() throws {
        let rig = try Rig()
        let desk = Desk(.success("127.0.0.1"))
        let graph = try rig.sending(.vp8, ["host": "slow.example"], media: "video")
        provide(desk, to: graph)
        let (ran, _) = try run(graph, node: "out", desk, stops: true)
        #expect(ran.outcome == .stopped, "\(ran.report)")
        #expect(ran.report.contains("the graph stopped before the address of slow.example was found"), "\(ran.report)")
    }

    @Test func rtpInputFindsWhereToListenInTheSameWay() throws {
        let rig = try Rig()
        try rig.scratch.write(
            "stream.sdp",
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=audio \(rig.audioPort) RTP/AVP 0\r\nc=IN IP4 here.example\r\n"
        )
        let desk = Desk(.success("127.0.0.1"))
        let graph = rig.receiving("named-place", ["timeout_ms": 300], media: "audio")
        provide(desk, to: graph)
        let (ran, waited) = try run(graph, node: "in", desk)
        #expect(waited == "the address of here.example")
        #expect(ran.outcome == .finished && ran.report.contains("nothing came within 300 ms"), "\(ran.report)")
    }

    /// `c=` of a medium counts before that of the session (RFC 8866, section 5.7).
    @Test func eachMediumListensAtItsOwnAddress() throws {
        let rig = try Rig()
        let lines = [
            "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0",
            "m=video \(rig.port) RTP/AVP 96", "c=IN IP6 ::1", "a=rtpmap:96 VP8/90000",
            "m=audio \(rig.audioPort) RTP/AVP 0",
        ]
        try rig.scratch.write("stream.sdp", lines.map { $0 + "\r\n" }.joined())
        let waited = Mutex<String?>(nil)
        let ran = try Rig.run(
            rig.receiving("own", ["timeout_ms": 500]),
            started: { run in
                while waited.withLock({ $0 }) == nil, run.snapshot(.counters).time < .seconds(20) {
                    let said = run.snapshot(.counters).node("in")?.isWaiting
                    waited.withLock { $0 = said }
                    Thread.sleep(forTimeInterval: 0.01)
                }
            })
        #expect(ran.outcome == .finished, "\(ran.report)")
        #expect(waited.withLock { $0 } == "packets at [::1]:\(rig.port) and 127.0.0.1:\(rig.audioPort)")
    }

    @Test func mediaReachAnAddressOfIPv6AndTheDescriptionSaysSo() throws {
        let rig = try Rig()
        let sender = Rig.Beside(try rig.sending(.vp8, ["host": "::1"], media: "video"))
        try rig.wait(for: "the description") { FileManager.default.fileExists(atPath: rig.sdp) }
        let text = try String(contentsOfFile: rig.sdp, encoding: .utf8)
        #expect(text.contains("\r\nc=IN IP6 ::1\r\n") && text.contains(" IN IP6 ::1\r\ns="), "\(text)")
        let got = try Rig.run(rig.receiving("six", ["timeout_ms": 5_000], media: "video"))
        #expect(try sender.wait().outcome == .finished)
        #expect(got.outcome == .finished && Collector.take("six.video").count > 10, "\(got.report)")
    }
}
