import DTLS
import ICE
import Net
import RTP
import SRTP
import Sluice
import SluiceTesting
import Synchronization

@testable import WebRTCPlugin

/// The node that sends to a peer, an encoder that follows it, a link with a queue, and a browser at its end, on a
/// virtual clock.
final class CongestionRig {
    /// The part of nodes that send by WebRTC, for itself.
    final class PeerNode: SendingNode, Node {
        static let descriptor = NodeDescriptor("peer-node", summary: "Sends to the peer of a test")
        func prepare(_ context: NodeContext) throws { open(context) }
        func process(now: Instant) throws { try run(now: now) }
        func close() { leave() }
    }

    /// Takes what is sent.
    private final class Wire: PortSender {
        let datagrams = Mutex<[[UInt8]]>([])

        func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome {
            var outcome = DatagramBatch.Outcome()
            batch.withEach { datagram in
                datagrams.withLock { $0.append(Array(datagram)) }
                outcome.sent += 1
            }
            batch.clear()
            return outcome
        }

        func take() -> [[UInt8]] {
            datagrams.withLock { all in
                defer { all = [] }
                return all
            }
        }
    }

    /// A packet, opened.
    struct Sent {
        var at: Double
        var header: RTPHeader
        var bytes: Int
        /// Its number of the transport.
        var number: UInt16?
    }

    /// The outcome of offer and answer.
    struct Agreed {
        var countsArrivals = true
        var repairs = true
        var hasVideo = true
    }

    let harness: NodeHarness<PeerNode>
    private let wire = Wire()
    private let link: PeerLink
    private let (opening, closing): (SRTPContext, SRTPContext)
    private var recorder = ArrivalRecorder()
    private var (onWay, told): ([(at: Double, number: UInt16)], [(at: Double, bytes: [UInt8])]) = ([], [])
    /// In ms.
    private(set) var now = 0.0
    private var free = 0.0
    private var (pictures, sounds, nextPicture) = (0, 0, 0.0)
    private var wantsKeyframe = true
    private(set) var sent: [Sent] = []
    /// The encoder's rates as it was told them, in kb/s.
    private(set) var rates: [(at: Double, kbps: Double)] = []
    private(set) var lost = 0
    /// Numbers of packets that got through, of whichever stream.
    private(set) var came: Set<UInt16> = []
    /// Of the link, in kb/s and ms.
    var (kbps, queue, delay) = (100_000.0, 300.0, 20.0)
    /// Bits of the encoder where it follows nobody, in kb/s.
    var fixed: Double?
    var tellsArrivals = true
    /// From one feedback to the next, in ms.
    var interval = 62
    var hasSound = true
    /// Nothing gets through, there and back.
    var isBlocked = false
    /// Each time the last feedbacks are told once more.
    var repeats = false
    private var last: [TransportFeedback] = []
    /// Keyframes are so much larger than other pictures.
    var keyframeFactor = 4.0

    static let numberExtension: UInt8 = 3

    init(_ agreed: Agreed = Agreed(), _ parameters: [String: ParameterValue] = [:]) throws {
        harness = try NodeHarness(
            PeerNode.self, parameters: parameters, unconnected: agreed.hasVideo ? [] : ["video"],
            capacity: .init(items: 64, milliseconds: 5_000))
        link = PeerLink(1, wire) { _ in }
        let suite = CryptoSuite.aesGCM128
        let keys = (0..<2).map { [UInt8](repeating: UInt8($0 + 1), count: suite.keyLength) }
        opening = try SRTPContext(suite, key: keys[0], .receiving)
        closing = try SRTPContext(suite, key: keys[1], .sending, repeats: true)
        let extensions = SenderExtensions(
            transportSequence: agreed.countsArrivals ? CongestionRig.numberExtension : nil, sendTime: 2)
        let line = SharedLine()
        let video = PeerSession.SentMedium(
            payloadType: 96, repair: agreed.repairs ? (6, 97) : nil, ssrc: 5, extensions: extensions, isRepaired: true,
            stream: SharedStream(.vp8, limit: PeerSession.payloadLimit, line: line, cached: .milliseconds(4_000)))
        let audio = PeerSession.SentMedium(
            payloadType: 111, repair: nil, ssrc: 7, extensions: extensions, isRepaired: false,
            stream: SharedStream(.opus, limit: PeerSession.payloadLimit, line: line))
        harness.settle()
        link.take(.route(ICERoute(SocketAddress(numeric: "192.0.2.7", port: 5_000)!)))
        harness.node.begin(
            PeerSession(
                link, peer: "192.0.2.7:5000", cname: "rig", sent: agreed.hasVideo ? [video, audio] : [audio]))
        link.take(.connected(SRTPKeys(suite, sending: keys[0], receiving: keys[1])))
        harness.settle()
    }

    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    // MARK: Time

    func run(_ milliseconds: Int) {
        for _ in 0..<milliseconds { step() }
    }

    private func step() {
        if now >= nextPicture { takePicture() }
        if hasSound, Int(now) % 20 == 0 {
            harness.push(TestMedia.packets(TestMedia.codedAudio(), first: sounds, count: 1, bytes: 80), into: "audio")
            sounds += 1
        }
        if tellsArrivals, Int(now) % interval == 0 { tellNew() }
        while let first = told.first, first.at <= now { deliver(told.removeFirst().bytes) }
        harness.settle()
        collect()
        // Four steps, so that packets of a probe have a time of their own.
        for _ in 0..<4 {
            now += 0.25
            harness.advance(to: at(now))
            collect()
        }
        while let first = onWay.first, first.at <= now {
            recorder.note(onWay.removeFirst().number, at: at(first.at + 1_000_000))
        }
        if let rate = harness.value(of: "encoder_kbps") { rates.append((now, rate)) }
        if harness.requests(of: "keyframe") > 0 { wantsKeyframe = true }
    }

    private func takePicture() {
        nextPicture += 1_000 / 30
        guard harness.graph.nodeNames.contains("to-video") else { return }
        let rate = fixed ?? rates.last?.kbps ?? 1_170
        let bytes = rate * 1_000 / 30 / 8 * (wantsKeyframe ? keyframeFactor : 1)
        harness.push(
            TestMedia.packets(
                first: pictures, count: 1, group: wantsKeyframe ? 1 : .max, bytes: Int(bytes), milliseconds: 33),
            into: "video")
        pictures += 1
        wantsKeyframe = false
    }

    private func collect() {
        for var datagram in wire.take() {
            let bits = Double(datagram.count + 28) * 8
            note(&datagram, passes: free - now <= queue && !isBlocked)
            guard free - now <= queue, !isBlocked else {
                lost += 1
                continue
            }
            free = max(free, now) + bits / kbps
        }
    }

    private func note(_ datagram: inout [UInt8], passes: Bool) {
        let size = datagram.count
        datagram.withUnsafeMutableBytes { room in
            guard !RTPHeader.isRTCP(UnsafeRawBufferPointer(room)),
                case .packet(let count) = opening.unprotect(room, count: size)
            else { return }
            let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
            guard let (header, _) = RTPHeader.parse(packet) else { return }
            var number: UInt16?
            RTPHeader.forEachExtension(of: packet) { id, value in
                if id == CongestionRig.numberExtension { number = ExtensionValue.transportSequence(value) }
            }
            sent.append(Sent(at: now, header: header, bytes: size, number: number))
            guard passes else { return }
            came.insert(header.sequence)
            guard let number else { return }
            onWay.append((max(free, now) + Double(size + 28) * 8 / kbps + delay, number))
        }
    }

    // MARK: The peer's words

    private func tellNew() {
        for feedback in recorder.take(sender: 1, media: 5) {
            tell(.transport(feedback))
            last.append(feedback)
        }
        if last.count > 8 { last.removeFirst(last.count - 8) }
        if repeats { for feedback in last { tell(.transport(feedback)) } }
    }

    /// The peer says so now.
    func tell(_ packet: RTCPPacket) {
        var bytes: [UInt8] = []
        packet.append(to: &bytes)
        guard !isBlocked else { return }
        told.append((now + delay, bytes))
    }

    private func deliver(_ bytes: [UInt8]) {
        var room = bytes + [UInt8](repeating: 0, count: SRTPContext.trailer)
        let size = room.withUnsafeMutableBytes { closing.protect($0, count: bytes.count, isControl: true) }
        guard let size else { return }
        room.withUnsafeBytes { link.take(UnsafeRawBufferPointer(rebasing: $0[..<size]), at: at(now)) }
    }

    // MARK: Figures

    func counter(_ name: String) -> Int { harness.context.counter(name).count }
    /// Lines that the node said.
    var said: [String] { harness.graph.events.filter { $0.node == "node" }.map { $0.what } }

    /// The rate of all that was sent between two times, in kb/s.
    func sentRate(from: Double, to: Double) -> Double {
        let bytes = sent.lazy.filter { from <= $0.at && $0.at < to }.reduce(0) { $0 + $1.bytes + 28 }
        return Double(bytes) * 8 / (to - from)
    }
}
