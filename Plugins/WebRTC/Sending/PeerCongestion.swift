import CongestionControl
import RTP
import Sluice

/// How much is sent to one peer, and when: one count of packets, one estimate and one pacer for all streams of its
/// connection. Within turns of the session.
///
/// Where the peer tells when packets come (transport-cc), and pictures are among them, all packets are numbered,
/// pictures are paced and probes are sent. Sound alone needs none of that: its packets have no number, so nothing is
/// told of them. Where the peer tells its own estimate (REMB) that counts, and each packet leaves at once.
final class PeerCongestion {
    /// Whose turn it is in the pacer.
    struct Place {
        var stream: Int
        /// A packet that was asked for again.
        var isRepair: Bool
    }

    // Turns exclude each other, so exclusivity need not be checked at run time.
    @exclusivity(unchecked) private var controller: CongestionController
    @exclusivity(unchecked) private var pacer: PacketPacer<Place>
    /// Not all packets of a probe have left.
    @exclusivity(unchecked) private var hasProbe = false
    /// Pictures are made at that rate whatever the estimate is, in bits a second.
    private var floor = 0
    private var news: RateNews
    private var streams: [Int: SentStream] = [:]
    private var joined = 0
    /// Packets are numbered and paced.
    @exclusivity(unchecked) private(set) var isCounting = false
    private let first: Int
    /// Of the next packet.
    @exclusivity(unchecked) private(set) var sequence: UInt16
    /// When the node will be called.
    @exclusivity(unchecked) var armed = Instant.distantFuture
    /// Decisions by their reason.
    private(set) var counts = Counts()

    struct Counts {
        var (byDelay, byLoss, bySilence, probes, proofs) = (0, 0, 0, 0, 0)
    }

    /// Headers of UDP and IPv4.
    static let overhead = 28

    /// The connection stands from `now` on. `first` is the estimate before any feedback, in bits a second.
    init(first: Int, now: Instant) {
        self.first = first
        controller = CongestionController(PeerCongestion.settings(first, hasArrivals: false), now: now)
        pacer = PacketPacer(estimate: first, now: now)
        news = RateNews(told: first)
        sequence = UInt16.random(in: 0 ... .max)
    }

    private static func settings(_ first: Int, hasArrivals: Bool) -> CongestionController.Settings {
        var settings = CongestionController.Settings()
        (settings.first, settings.hasArrivals) = (first, hasArrivals)
        return settings
    }

    /// The media that the peer is sent from now on. The link is known as before.
    func follow(_ media: [PeerSession.SentMedium], now: Instant) {
        isCounting = media.contains { $0.stream.format.isVideo && $0.extensions.transportSequence != nil }
        if isCounting, !controller.hasArrivals {
            controller = CongestionController(PeerCongestion.settings(first, hasArrivals: true), now: now)
        }
        controller.mayProbe = media.contains { $0.stream.format.isVideo && $0.repair != nil }
    }

    /// A stream of the connection; gives its number here.
    func join(_ stream: SentStream) -> Int {
        joined += 1
        streams[joined] = stream
        return joined
    }

    /// Packets of that stream that wait leave no more.
    func leave(_ place: Int) { streams[place] = nil }

    /// Bits a second, headers included.
    var bitsPerSecond: Int { controller.bitsPerSecond }
    /// The peer has told something of its link.
    var isInformed: Bool { controller.isInformed }
    /// The most that one who catches up may be sent, in bits a second; nil while that is not known.
    var known: Int? {
        controller.isProved ? max(controller.bitsPerSecond, controller.arrivedBitsPerSecond ?? 0) : nil
    }

    // MARK: Packets

    /// All of a picture of `bytes` in so many packets may leave at once.
    @inline(__always)
    func passes(bytes: Int, packets: Int, at now: Instant) -> Bool {
        pacer.passes(bytes: bytes + packets * PeerCongestion.wrapping, at: now)
    }

    /// About what headers, extensions and protection add to a payload.
    private static let wrapping = overhead + 48

    /// A packet with a payload of `bytes` waits for its turn.
    func wait(_ place: Place, bytes: Int, at now: Instant) {
        pacer.add(place, bytes: bytes + PeerCongestion.wrapping, place.isRepair ? .repair : .picture, at: now)
    }

    /// A packet of `bytes`, protected, leaves; those before `next` have left. `passage` says whether the pacer knows.
    @inline(__always)
    func noteSent(next: UInt16, bytes: Int, _ passage: Passage, at now: Instant) {
        let whole = bytes + PeerCongestion.overhead
        var isProbe = false
        switch passage {
        case .free: isProbe = pacer.leave(bytes: whole, at: now)
        case .turn(let probe): isProbe = probe
        case .padding: isProbe = pacer.leave(bytes: whole, at: now)
        }
        // One that goes out again as it was has the number that it had.
        if next != sequence {
            controller.noteSent(sequence, bytes: whole, at: now, isProbe: isProbe)
            sequence = next
        }
        endProbe()
    }

    /// How a packet leaves.
    enum Passage {
        /// Past the pacer, which counts it.
        case free
        /// In its turn.
        case turn(isProbe: Bool)
        /// For a probe.
        case padding
    }

    // MARK: Time

    /// Begins with a probe that is due, and sends what may leave.
    func run(now: Instant) {
        guard isCounting else { return }
        if let probe = controller.run(now: now) {
            pacer.begin(probe, at: now)
            hasProbe = true
        }
        pump(now: now)
    }

    /// Sends what may leave.
    func pump(now: Instant) {
        while let turn = pacer.next(now: now) {
            switch turn {
            case .packet(let place, let isProbe):
                streams[place.stream]?.leave(isRepair: place.isRepair, isProbe: isProbe, now: now)
            case .padding:
                if !streams.values.contains(where: { $0.pad(now: now) }) { pacer.endProbe() }
            }
        }
        endProbe()
    }

    private func endProbe() {
        guard hasProbe, !pacer.isProbing else { return }
        hasProbe = false
        controller.endProbe()
    }

    /// When `run` has something to do; nil where nothing waits.
    var due: Instant? {
        guard isCounting else { return controller.due }
        guard let paced = pacer.due else { return controller.due }
        return min(paced, controller.due ?? paced)
    }

    /// The node is to be called before the time that it knows of.
    var isEarlier: Bool { due.map { $0 < armed } ?? false }

    /// The media would take `bits` a second; so many are sent of pictures that no encoder makes for this peer.
    func wish(_ bits: Int, unheeding pictures: Int) {
        guard isCounting else { return }
        controller.wish(bits)
        floor = pictures
        followPacer()
    }

    /// Pictures that are not made for this peer alone wait no longer for an estimate below their rate: each would wait
    /// as long as the pacer's patience is.
    private func followPacer() {
        pacer.follow(estimate: max(controller.bitsPerSecond, floor), isInformed: controller.isInformed)
    }

    // MARK: Feedback

    /// The peer tells when packets came.
    func take(_ feedback: TransportFeedback, at now: Instant) {
        controller.take(feedback, at: now)
        followPacer()
    }

    /// The peer's own estimate.
    func take(_ estimate: ReceiverEstimate, at now: Instant) { controller.take(estimate, at: now) }

    /// A report on one of the streams.
    func take(_ block: RTCPPacket.ReportBlock, at now: Instant) { controller.take(block, at: now) }

    /// True once, where no estimate has come for long.
    func takeSilence(now: Instant) -> Bool { controller.takeSilence(now: now) }

    /// The next line about decisions; nil where there is none, or not yet.
    func takeNews(now: Instant) -> String? {
        for decision in controller.takeDecisions() {
            switch decision.cause {
            case .delay: counts.byDelay += 1
            case .loss where decision.after < decision.before: counts.byLoss += 1
            case .silence: counts.bySilence += 1
            case .probe: counts.probes += 1
            case .proved: counts.proofs += 1
            default: break
            }
            news.note(decision)
        }
        return news.take(now: now)?.sentence
    }
}
