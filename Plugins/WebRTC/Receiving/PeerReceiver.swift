import Bitstream
import Negotiation
import RTP
import Sluice

/// The media that a peer sends and our words on them. Plain RTP and RTCP with `now` in; packets on one line of time,
/// RTCP and the next wake-up out. No socket, no key and no clock. Of the node's lane.
final class PeerReceiver {
    /// One medium.
    final class Medium {
        let kind: MediaKind
        let receiver: StreamReceiver
        fileprivate var packets: FramePackets
        fileprivate(set) var (tooLarge, unknown, leaps, shift) = (0, 0, 0, MediaTime.zero)
        /// Of video.
        fileprivate(set) var keyframes = 0

        fileprivate init(_ kind: MediaKind, _ receiver: StreamReceiver, sourceClock: UInt16) {
            (self.kind, self.receiver) = (kind, receiver)
            let isVideo = kind == .video
            // That of Opus is known from the start; of video keyframes tell it.
            let known = isVideo ? nil : PeerReceiver.opus
            packets = FramePackets(
                FollowedFormat(receiver.settings.format, format: known, known: known.map { [.opus: $0] } ?? [:]),
                isVideo: isVideo, stream: isVideo ? 1 : 0, sourceClock: sourceClock)
        }
    }

    static let opus = MediaFormat(
        codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2), configuration: OpusHead(channels: 2).bytes)

    private(set) var media: [Medium] = []
    /// Packets of types that are not agreed on, and the first of those types.
    private(set) var (foreign, foreignType): (Int, UInt8?) = (0, nil)
    /// RTCP that makes no sense.
    private(set) var badReports = 0
    private var byType = [Int?](repeating: nil, count: 128)
    private let isPart: Bool
    /// The number of the header extension that counts all packets of the transport.
    private var transportSequence: UInt8?
    private let sourceClock: UInt16
    private var feedback: ReceiverFeedback
    // The audio is the reference, that pictures follow.
    private var timeline = ReceiveTimeline(clockRates: [48_000, 90_000], reference: 0)
    /// The newest of each source, until its packets have come. Bounded.
    private var reports: [UInt32: RTCPPacket.SenderReport] = [:]
    private static let mostReports = 8
    private let limit = PictureLimit()

    /// The media that are described, with the longest wait for a missing packet.
    struct Wanted {
        var (audio, video): (PeerSession.ReceivedMedium?, PeerSession.ReceivedMedium?)
        var (audioDelay, videoDelay): (Interval, Interval)
        /// The most bits a second that the peer is told it may send; nil tells none.
        var most: Int? = nil
        /// The peer sends other media too, which others receive.
        var isPart = false

        fileprivate var all: [(kind: MediaKind, medium: PeerSession.ReceivedMedium?, delay: Interval)] {
            [(.audio, audio, audioDelay), (.video, video, videoDelay)]
        }
    }

    init(_ wanted: Wanted, cname: String, sourceClock: UInt16) {
        var random = SystemRandomNumberGenerator()
        var told = ReceiverFeedback.Settings(ssrc: UInt32.random(in: 1 ... .max, using: &random), cname: cname)
        told.isReduced = wanted.all.allSatisfy { $0.medium?.isReduced ?? true }
        isPart = wanted.isPart
        self.sourceClock = sourceClock
        feedback = ReceiverFeedback(told)
        add(wanted)
    }

    /// Takes in those of the media that it has not had yet. One that the peer sends no more stays: it may come again.
    func add(_ wanted: Wanted) {
        transportSequence = transportSequence ?? wanted.all.compactMap { $0.medium?.transportSequence }.first
        feedback.settings.tellsArrivals = transportSequence != nil
        if wanted.all.contains(where: { $0.medium?.feedback.contains(.estimate) == true }) {
            feedback.settings.most = wanted.most
        }
        for (kind, described, delay) in wanted.all where medium(kind) == nil {
            guard let described, let settings = described.settings(delay: delay) else { continue }
            for type in described.types where type < 128 { byType[Int(type)] = media.count }
            let added = Medium(
                kind, StreamReceiver(settings, arrivals: feedback.arrivals), sourceClock: sourceClock)
            added.packets.epoch = epoch
            media.append(added)
            feedback.add(added.receiver)
        }
    }

    /// Another peer was heard before: this one's media go on behind its, on the same line of time.
    func goOn(behind former: PeerReceiver) {
        timeline = former.timeline
        for medium in media {
            medium.packets.restart(&timeline, clockRate: medium.receiver.timestampRate)
        }
    }

    func medium(_ kind: MediaKind) -> Medium? { media.first { $0.kind == kind } }

    /// Of the session.
    var epoch: UInt32 = 0 { didSet { for medium in media { medium.packets.epoch = epoch } } }

    /// The most bits a second that the peer is told; nil where it does not listen to that.
    var most: Int? {
        get { feedback.settings.most }
        set { if feedback.settings.most != nil { feedback.settings.most = newValue } }
    }

    // MARK: Datagrams

    /// A datagram of RTP or RTCP, and when it came.
    func receive(_ datagram: UnsafeRawBufferPointer, now: Instant, _ emit: (MediaKind, Packet) -> Void) {
        guard !RTPHeader.isRTCP(datagram) else { return takeReports(datagram, now) }
        guard let header = RTPHeader(headOf: datagram), let index = byType[Int(header.payloadType)] else {
            guard !isPart else { return noteArrival(of: datagram, now) }
            foreign += 1
            if foreignType == nil { foreignType = RTPHeader(headOf: datagram)?.payloadType }
            return
        }
        let medium = media[index]
        medium.receiver.receive(
            datagram, now: now,
            restarted: { medium.packets.restart(&timeline, clockRate: medium.receiver.timestampRate) },
            { send($0, of: medium, emit) })
    }

    /// Of a packet that others receive: the peer is told of all of its transport.
    private func noteArrival(of datagram: UnsafeRawBufferPointer, _ now: Instant) {
        guard let transportSequence else { return }
        RTPHeader.forEachExtension(of: datagram) { id, value in
            guard id == transportSequence, let sequence = ExtensionValue.transportSequence(value) else { return }
            feedback.arrivals.note(sequence, at: now)
        }
    }

    /// Frames that are due though nothing comes.
    func release(now: Instant, _ emit: (MediaKind, Packet) -> Void) {
        for medium in media { medium.receiver.release(now: now) { send($0, of: medium, emit) } }
    }

    private func send(_ frame: ReceivedFrame, of medium: Medium, _ emit: (MediaKind, Packet) -> Void) {
        useReport(of: medium)
        let outcome = medium.packets.take(frame, on: &timeline) { [limit] format in
            format.video.map { limit.holds(width: $0.width, height: $0.height) } ?? true
        }
        if outcome.isLeap { medium.leaps += 1 }
        medium.shift += outcome.shift
        guard let packet = outcome.packet else {
            if outcome.isRefused { medium.tooLarge += 1 } else { medium.unknown += 1 }
            return
        }
        if medium.kind == .video, frame.isKeyframe {
            medium.keyframes += 1
            feedback.noteKeyframe(of: medium.receiver)
        }
        emit(medium.kind, packet)
    }

    /// The next packet does not follow those that were handed out: some were left out behind.
    func markDiscontinuity(_ kind: MediaKind) { medium(kind)?.packets.markDiscontinuity() }

    // MARK: RTCP

    private func takeReports(_ datagram: UnsafeRawBufferPointer, _ now: Instant) {
        guard let packets = RTCPPacket.parse(datagram) else {
            badReports += 1
            return
        }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                if reports.count >= PeerReceiver.mostReports, reports[report.ssrc] == nil { reports = [:] }
                reports[report.ssrc] = report
                for medium in media where medium.receiver.source == report.ssrc {
                    medium.receiver.note(report, at: now)
                    useReport(of: medium)
                }
            case .bye(let sources):
                for medium in media where medium.receiver.source.map(sources.contains) == true {
                    medium.receiver.releaseSource()
                }
            default: break
            }
        }
    }

    /// A report may come before the packets that it speaks of.
    private func useReport(of medium: Medium) {
        guard let source = medium.receiver.source, let report = reports[source],
            let timestamp = medium.receiver.unwrapped(report.timestamp)
        else { return }
        reports[source] = nil
        timeline.note(report.ntp, timestamp: timestamp, stream: medium.kind == .video ? 1 : 0)
    }

    /// Somebody in the graph wants a keyframe, or has lost one.
    func askKeyframe() { if let video = medium(.video) { feedback.askKeyframe(of: video.receiver) } }

    /// Packets that were asked for again, and pictures that were reported lost.
    var asked: ReceiverFeedback.Counts { feedback.counts }

    /// Writes the next datagram that is due to the end of `datagram`; false where none is.
    func takeFeedback(into datagram: inout [UInt8], now: Instant) -> Bool { feedback.take(into: &datagram, now: now) }

    /// When there is something to do though nothing comes.
    func due(now: Instant) -> Instant? {
        let times = media.compactMap(\.receiver.deadline) + (feedback.due(now: now).map { [$0] } ?? [])
        return times.min()
    }
}
