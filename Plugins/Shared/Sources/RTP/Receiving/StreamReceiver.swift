import Bitstream
import Sluice

/// One stream of RTP from datagrams to frames: source selection, statistics, jitter buffer, depacketizer. Pure: time
/// comes with each call, and any bytes may come.
public final class StreamReceiver {
    /// The facts of the stream that its description gives.
    public struct Settings: Sendable {
        /// How media lie in the payloads.
        public var format: PayloadFormat
        /// Packets of another are not of this stream.
        public var payloadType: UInt8
        /// Timestamps a second.
        public var clockRate: Int
        /// How long a missing packet is waited for.
        public var delay: Interval
        /// When packets go on.
        public var release: JitterBuffer.Release
        /// The sources that may send.
        public var sources: SourceSelector.Settings
        /// Bytes that packets may take which wait for missing ones; the oldest go on, or are given up, before more do.
        public var mostBytes = 16 << 20
        /// Missing packets are to be asked for again.
        public var asksAgain = false
        /// Numbers of the header extensions that are read; nil where the description gives none.
        public var transportSequence: UInt8?
        /// The number of `absoluteCaptureTime`; nil where the description gives none.
        public var captureTime: UInt8?
        /// Bytes of the largest frame of video; what grows beyond it is no frame.
        public var largestFrame = 8 << 20

        /// `clockRate` is the format's unless it is given.
        public init(
            format: PayloadFormat, payloadType: UInt8, clockRate: Int? = nil, delay: Interval,
            release: JitterBuffer.Release = .early, sources: SourceSelector.Settings = .init()
        ) {
            self.format = format
            self.payloadType = payloadType
            self.clockRate = clockRate ?? format.clockRate
            self.delay = delay
            self.release = release
            self.sources = sources
        }
    }

    /// Counters since the stream began, over all of its sources.
    public struct Counts: Equatable, Sendable {
        /// Packets of the stream, duplicates and late ones too.
        public var packets = 0
        /// Of payload.
        public var bytes = 0
        /// Datagrams that are no RTP, or not of this stream.
        public var foreign = 0
        /// Packets of this stream's kind from where they must not come.
        public var strangers = 0
        /// Packets that had come before.
        public var duplicates = 0
        /// Packets that came after they had been given up.
        public var late = 0
        /// Packets that came behind later ones.
        public var reordered = 0
        /// Packets that were given up.
        public var lost = 0
        /// How often another source took over, or the same began anew.
        public var sourceChanges = 0
    }

    /// The news that a call has brought.
    public enum News: Equatable, Sendable {
        case frame
        /// Another source, or the same with new numbers: timestamps start over.
        case restarted
    }

    /// As given.
    public let settings: Settings
    /// Since the stream began.
    public private(set) var counts = Counts()
    /// Of the present source.
    public private(set) var statistics: ReceiverStatistics
    private var selector: SourceSelector
    private let jitter: JitterBuffer
    /// Puts frames together; it counts those that are damaged.
    public private(set) var depacketizer: Depacketizer
    private var sequences = Unwrapper<UInt16>()
    private var timestamps = Unwrapper<UInt32>()
    /// The packets that the sender is to be asked for again; nil where it is not asked.
    public var missing: MissingPackets?
    /// When packets came, for a sender that wants to know.
    public var arrivals = ArrivalRecorder()
    /// When what came last was captured, by the sender's wall clock.
    public private(set) var captured: (time: NTPTime, arrival: Instant)?
    /// The packets of sources that are not believed yet, one from each place.
    private var held: [HeldPacket] = []

    private struct HeldPacket {
        let header: RTPHeader
        let origin: PacketOrigin?
        let payload: [UInt8]
        let arrival: Instant
    }

    /// No source is listened to yet.
    public init(_ settings: Settings) {
        self.settings = settings
        statistics = ReceiverStatistics(clockRate: settings.clockRate)
        selector = SourceSelector(settings.sources)
        jitter = JitterBuffer(
            delay: settings.delay, mode: settings.release, clockRate: settings.clockRate, mostBytes: settings.mostBytes)
        missing = settings.asksAgain ? MissingPackets(delay: settings.delay) : nil
        depacketizer = Depacketizer(settings.format, largestFrame: settings.largestFrame)
    }

    /// The source that is listened to; nil before the first.
    public var source: UInt32? { selector.current }
    /// Where it sends from.
    public var origin: PacketOrigin? { selector.origin }
    /// Whether RTCP from there may speak of this stream.
    public func mayReport(_ origin: PacketOrigin?) -> Bool { selector.mayReport(origin) }
    /// The source has said goodbye: another may follow at once.
    public func releaseSource() { selector.release() }
    /// Asks to call `release` then; nil while nothing waits.
    public var deadline: Instant? { jitter.deadline }
    /// An RTP timestamp as the frames count them.
    public func unwrapped(_ timestamp: UInt32) -> Int64? { timestamps.last == nil ? nil : timestamps.place(timestamp) }

    /// Takes a datagram. `restarted` is called before frames that do not continue those before. `origin` is nil where
    /// datagrams come from one place only.
    public func receive(
        _ datagram: UnsafeRawBufferPointer, from origin: PacketOrigin? = nil, now: Instant, restarted: () -> Void,
        _ emit: (ReceivedFrame) -> Void
    ) {
        guard let (header, payload) = RTPHeader.parse(datagram), header.payloadType == settings.payloadType else {
            counts.foreign += 1
            return
        }
        defer { if header.ssrc == source { noteExtensions(of: datagram, now) } }
        switch selector.judge(header, from: origin, now: now) {
        case .current: break
        case .stranger:
            counts.strangers += 1
            return
        case .held:
            held.removeAll { $0.origin == origin || !selector.isOnProbation($0.origin) }
            held.append(HeldPacket(header: header, origin: origin, payload: Array(datagram[payload]), arrival: now))
            return
        case .new:
            restart(isFirst: counts.packets == 0, restarted)
            let first = held.first { $0.header.ssrc == header.ssrc && $0.origin == origin }
            held = []
            if let first {
                let isBehind = first.header.sequence &- header.sequence < 0x8000
                if isBehind { take(header, datagram.part(payload), now, restarted, emit) }
                first.payload.withUnsafeBytes { take(first.header, $0, first.arrival, restarted, emit) }
                if isBehind { return }
            }
        }
        take(header, datagram.part(payload), now, restarted, emit)
    }

    private func noteExtensions(of datagram: UnsafeRawBufferPointer, _ now: Instant) {
        guard settings.transportSequence != nil || settings.captureTime != nil else { return }
        RTPHeader.forEachExtension(of: datagram) { id, value in
            if id == settings.transportSequence, let sequence = ExtensionValue.transportSequence(value) {
                arrivals.note(sequence, at: now)
            } else if id == settings.captureTime, let time = ExtensionValue.captureTime(value) {
                captured = (time, now)
            }
        }
    }

    private func take(
        _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, _ now: Instant, _ restarted: () -> Void,
        _ emit: (ReceivedFrame) -> Void
    ) {
        counts.packets += 1
        counts.bytes += payload.count
        switch statistics.note(header, at: now) {
        case .inOrder: break
        case .reordered: counts.reordered += 1
        case .stray:
            counts.foreign += 1
            counts.packets -= 1
            counts.bytes -= payload.count
            return
        case .restarted:
            restart(isFirst: false, restarted)
            _ = statistics.note(header, at: now)
        }
        missing?.note(header.sequence, now: now)
        let (sequence, timestamp) = (sequences.unwrap(header.sequence), timestamps.unwrap(header.timestamp))
        let insertion = jitter.insert(
            payload, sequence: sequence, timestamp: timestamp, isMarked: header.isMarked, now: now
        ) { push($0, emit) }
        switch insertion {
        case .taken: break
        case .duplicate: counts.duplicates += 1
        case .late: counts.late += 1
        }
    }

    /// Frames that are due, and what is given up.
    public func release(now: Instant, _ emit: (ReceivedFrame) -> Void) { jitter.release(now: now) { push($0, emit) } }

    /// Everything that is left: nothing more comes.
    public func drain(_ emit: (ReceivedFrame) -> Void) {
        jitter.drain { push($0, emit) }
        depacketizer.drain(emit)
    }

    private func push(_ packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        counts.lost += packet.lost
        depacketizer.push(packet, emit)
    }

    private func restart(isFirst: Bool, _ restarted: () -> Void) {
        if !isFirst {
            counts.sourceChanges += 1
            depacketizer.restart()
            restarted()
        }
        jitter.reset()
        missing?.restart()
        sequences = Unwrapper()
        timestamps = Unwrapper()
        statistics = ReceiverStatistics(clockRate: settings.clockRate)
    }

    // MARK: RTCP

    /// A sender report came; one of another source is passed over.
    public func note(_ report: RTCPPacket.SenderReport, at now: Instant) {
        if report.ssrc == source { statistics.note(report, at: now) }
    }

    /// The source's part of a receiver report that is sent now; nil before there is one.
    public func report(now: Instant) -> RTCPPacket.ReportBlock? {
        source.map { statistics.report(on: $0, now: now) }
    }
}
