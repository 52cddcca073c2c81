import Bitstream
import Sluice

/// One stream of RTP from datagrams to frames: source selection, statistics, jitter buffer, depacketizer. Pure: time
/// comes with each call, and any bytes may come.
public final class StreamReceiver {
    /// The facts of the stream that its description gives.
    public struct Settings: Sendable {
        /// How media lie in the payloads.
        public var format: PayloadFormat
        /// The type of its packets.
        public var payloadType: UInt8
        /// Formats of further types that carry media of this stream: a sender may change between them.
        public var others: [UInt8: PayloadFormat] = [:]
        /// Types of telephone events: keys that somebody presses (RFC 4733).
        public var keys: Set<UInt8> = []
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
        /// The number of `audioLevel`; nil where the description gives none.
        public var audioLevel: UInt8?
        /// Types of packets that go out again in a stream of their own (RFC 4588), with the types of those that they
        /// repeat.
        public var retransmissions: [UInt8: UInt8] = [:]
        /// The source of that stream; nil where the description does not name it.
        public var retransmissionSource: UInt32?
        /// The type of packets that carry earlier frames beside their own (RFC 2198).
        public var redundantType: UInt8?
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
        /// Packets of the source whose type carries no media here. They have numbers among the others.
        public var otherTypes = 0
        /// Keys that were pressed.
        public var keys = 0
        /// Lost packets that came in the stream that repairs (RFC 4588).
        public var repaired = 0
        /// Lost packets whose media came with a later one (RFC 2198).
        public var filled = 0
        /// Packets with earlier frames beside their own (RFC 2198).
        public var redundant = 0
        /// Packets of that kind that make no sense.
        public var malformedRedundancy = 0
        /// How often another source took over, or the same began anew.
        public var sourceChanges = 0
    }

    // On one lane, and never while a call of its own changes them: exclusivity need not be checked at run time.
    /// As given.
    public let settings: Settings
    /// Since the stream began.
    @exclusivity(unchecked) public internal(set) var counts = Counts()
    /// Of the present source.
    @exclusivity(unchecked) public private(set) var statistics: ReceiverStatistics
    @exclusivity(unchecked) private var selector: SourceSelector
    let jitter: JitterBuffer
    /// Puts frames together; it counts those that are damaged.
    @exclusivity(unchecked) public private(set) var depacketizer: Depacketizer
    @exclusivity(unchecked) private(set) var sequences = Unwrapper<UInt16>()
    @exclusivity(unchecked) var times = RecentTimes()
    @exclusivity(unchecked) private(set) var timestamps = Unwrapper<UInt32>(followsLatest: true)
    /// The packets that the sender is to be asked for again; nil where it is not asked.
    @exclusivity(unchecked) public var missing: MissingPackets?
    /// When packets came, for a sender that wants to know.
    public let arrivals: ArrivalRecorder
    /// When what came last was captured, by the sender's wall clock.
    @exclusivity(unchecked) public private(set) var captured: (time: NTPTime, arrival: Instant)?
    /// How loud the sender says that its media are.
    public private(set) var level: AudioLevel?
    /// The packets of sources that are not believed yet.
    @exclusivity(unchecked) private var held: [HeldPacket] = []
    private var heldBytes = 0
    /// Perhaps the first of new numbers of the source.
    private var stray: HeldPacket?
    /// By payload type; nil for those that carry no media here.
    let formats: [PayloadFormat?]
    private var clockRate: Int
    private var lastKey: UInt32?

    private struct HeldPacket {
        let header: RTPHeader
        let origin: PacketOrigin?
        let payload: [UInt8]
        let arrival: Instant
    }

    /// No source is listened to yet. Streams of one transport are given the same `arrivals`.
    public init(_ settings: Settings, arrivals: ArrivalRecorder = ArrivalRecorder()) {
        self.settings = settings
        self.arrivals = arrivals
        formats = (0..<128).map {
            $0 == settings.payloadType || $0 == settings.redundantType ? settings.format : settings.others[$0]
        }
        clockRate = settings.clockRate
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
    /// When the last packet came of a source that may follow the present one; nil where none has.
    @exclusivity(unchecked) public private(set) var followerHeard: Instant?
    /// Whether RTCP from there may speak of this stream.
    public func mayReport(_ origin: PacketOrigin?) -> Bool { selector.mayReport(origin) }
    /// The source has said goodbye: another may follow at once.
    public func releaseSource() { selector.release() }
    /// Timestamps a second, of the codec that the source sends.
    public var timestampRate: Int { clockRate }
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
        // A source's other packets count among its numbers, but make it nobody's source.
        guard let (header, payload) = RTPHeader.parse(datagram),
            formats[Int(header.payloadType)] != nil || isAgain(header, from: origin)
                || selector.isCurrent(header, from: origin)
        else {
            counts.foreign += 1
            return
        }
        if isAgain(header, from: origin), let type = settings.retransmissions[header.payloadType] {
            noteExtensions(of: datagram, now)
            return takeAgain(header, repeating: type, datagram.part(payload), now, emit)
        }
        defer { if header.ssrc == source { noteExtensions(of: datagram, now) } }
        switch selector.judge(header, from: origin, now: now) {
        case .current:
            if !held.isEmpty { forgetHeld { _ in true } }
        case .stranger:
            counts.strangers += 1
            return
        case .held, .waiting:
            if source != nil { followerHeard = now }
            forgetHeld {
                $0.origin == origin
                    ? $0.header.ssrc != header.ssrc
                    : !selector.isOnProbation($0.origin) && !selector.isNeighbour($0.origin)
            }
            hold(HeldPacket(header: header, origin: origin, payload: Array(datagram[payload]), arrival: now))
            return
        case .new:
            restart(isFirst: counts.packets == 0, restarted, emit)
            if !held.isEmpty {
                hold(HeldPacket(header: header, origin: origin, payload: Array(datagram[payload]), arrival: now))
                return takeHeld(of: header, origin, restarted, emit)
            }
        }
        take(header, datagram.part(payload), now, restarted, emit)
    }

    /// A packet of the stream that repairs the present source's.
    private func isAgain(_ header: RTPHeader, from origin: PacketOrigin?) -> Bool {
        guard !settings.retransmissions.isEmpty, settings.retransmissions[header.payloadType] != nil,
            selector.isHere(origin), header.ssrc != source
        else { return false }
        return settings.retransmissionSource.map { $0 == header.ssrc } ?? true
    }

    private static let (mostHeld, mostHeldBytes) = (2_048, 4 << 20)

    private func hold(_ packet: HeldPacket) {
        held.append(packet)
        heldBytes += packet.payload.count
        guard held.count > StreamReceiver.mostHeld || heldBytes > StreamReceiver.mostHeldBytes else { return }
        // Seldom, and then many at once.
        let oldest = held.prefix(held.count / 4 + 1)
        counts.strangers += oldest.count
        heldBytes -= oldest.reduce(0) { $0 + $1.payload.count }
        held.removeFirst(oldest.count)
    }

    /// Packets that nobody will ask for any more.
    private func forgetHeld(_ isForgotten: (HeldPacket) -> Bool) {
        let before = held.count
        held.removeAll(where: isForgotten)
        guard held.count < before else { return }
        counts.strangers += source == nil ? 0 : before - held.count
        heldBytes = held.reduce(0) { $0 + $1.payload.count }
    }

    /// The packets of a source that is believed now, in the order of their numbers, which need not be that in which
    /// they came.
    private func takeHeld(
        of header: RTPHeader, _ origin: PacketOrigin?, _ restarted: () -> Void, _ emit: (ReceivedFrame) -> Void
    ) {
        let mine = held.filter { $0.header.ssrc == header.ssrc && $0.origin == origin }
        (held, heldBytes) = ([], 0)
        func place(_ packet: HeldPacket) -> Int16 { Int16(bitPattern: packet.header.sequence &- header.sequence) }
        for packet in mine.sorted(by: { place($0) < place($1) }) {
            packet.payload.withUnsafeBytes { take(packet.header, $0, packet.arrival, restarted, emit) }
        }
    }

    private func noteExtensions(of datagram: UnsafeRawBufferPointer, _ now: Instant) {
        guard settings.transportSequence != nil || settings.captureTime != nil || settings.audioLevel != nil else {
            return
        }
        RTPHeader.forEachExtension(of: datagram) { id, value in
            if id == settings.transportSequence, let sequence = ExtensionValue.transportSequence(value) {
                arrivals.note(sequence, at: now)
            } else if id == settings.captureTime, let time = ExtensionValue.captureTime(value) {
                captured = (time, now)
            } else if id == settings.audioLevel, let told = ExtensionValue.audioLevel(value) {
                level = AudioLevel(dBov: -told.level, isSpeech: told.isSpeech, arrival: now)
            }
        }
    }

    private func take(
        _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, _ now: Instant, _ restarted: () -> Void,
        _ emit: (ReceivedFrame) -> Void
    ) {
        let format = formats[Int(header.payloadType)]
        if let format, rate(of: format) != clockRate { changeClock(to: rate(of: format), restarted, emit) }
        let verdict = statistics.note(header, at: now, tellsTime: format != nil)
        if verdict == .stray {
            if stray != nil { counts.foreign += 1 }
            stray = HeldPacket(header: header, origin: nil, payload: Array(payload), arrival: now)
            return
        }
        let before = stray
        stray = nil
        if verdict == .restarted { return beginAnew(before, header, payload, now, restarted, emit) }
        if before != nil { counts.foreign += 1 }
        if verdict == .reordered { counts.reordered += 1 }
        counts.packets += 1
        counts.bytes += payload.count
        missing?.note(header.sequence, now: now)
        if format == nil { noteOther(header, payload) }
        let sequence = sequences.unwrap(header.sequence)
        let timestamp = format == nil ? timestamps.last ?? 0 : timestamps.unwrap(header.timestamp)
        var media = format.map { (payload: payload, format: $0) }
        if format != nil, header.payloadType == settings.redundantType {
            media = takeRedundant(header, payload, sequence: sequence, timestamp: timestamp, now, emit)
            if media == nil { counts.malformedRedundancy += 1 }
        }
        if settings.redundantType != nil { times.note(sequence, timestamp) }
        let insertion = jitter.insert(
            media?.payload ?? UnsafeRawBufferPointer(start: nil, count: 0), sequence: sequence, timestamp: timestamp,
            isMarked: media != nil && header.isMarked, format: media?.format, now: now
        ) { push($0, emit) }
        switch insertion {
        case .taken: break
        case .duplicate: counts.duplicates += 1
        case .late: counts.late += 1
        }
    }

    /// The source has new numbers: `first` was the first of them that came, this packet the second.
    private func beginAnew(
        _ first: HeldPacket?, _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, _ now: Instant,
        _ restarted: () -> Void, _ emit: (ReceivedFrame) -> Void
    ) {
        restart(isFirst: false, restarted, emit)
        guard let first else { return take(header, payload, now, restarted, emit) }
        // In the order of their numbers, which need not be that in which they came.
        let isBehind = first.header.sequence &- header.sequence < 0x8000
        if isBehind { take(header, payload, now, restarted, emit) }
        first.payload.withUnsafeBytes { take(first.header, $0, first.arrival, restarted, emit) }
        if !isBehind { take(header, payload, now, restarted, emit) }
    }

    /// A key is told by several packets of one timestamp.
    private func noteOther(_ header: RTPHeader, _ payload: UnsafeRawBufferPointer) {
        counts.otherTypes += 1
        guard settings.keys.contains(header.payloadType), payload.count >= 4, header.timestamp != lastKey else {
            return
        }
        counts.keys += 1
        lastKey = header.timestamp
    }

    private func rate(of format: PayloadFormat) -> Int {
        format == settings.format ? settings.clockRate : format.clockRate
    }

    /// The sender goes on with a codec whose clock is another, under the same numbers.
    private func changeClock(to rate: Int, _ restarted: () -> Void, _ emit: (ReceivedFrame) -> Void) {
        let isFirst = timestamps.last == nil
        if !isFirst { drain(emit) }
        clockRate = rate
        jitter.reset(clockRate: rate)
        timestamps = Unwrapper(followsLatest: true)
        times = RecentTimes()
        statistics.restartClock(rate)
        if !isFirst { restarted() }
    }

    /// Frames that are due, and what is given up.
    public func release(now: Instant, _ emit: (ReceivedFrame) -> Void) { jitter.release(now: now) { push($0, emit) } }

    /// Everything that is left: nothing more comes.
    public func drain(_ emit: (ReceivedFrame) -> Void) {
        jitter.drain { push($0, emit) }
        depacketizer.drain(emit)
    }

    func push(_ packet: OrderedPacket, _ emit: (ReceivedFrame) -> Void) {
        counts.lost += packet.lost
        depacketizer.push(packet, emit)
    }

    /// Packets of the old numbers go on first.
    private func restart(isFirst: Bool, _ restarted: () -> Void, _ emit: (ReceivedFrame) -> Void) {
        if !isFirst {
            counts.sourceChanges += 1
            drain(emit)
            depacketizer.restart()
            restarted()
        }
        jitter.reset()
        missing?.restart()
        sequences = Unwrapper()
        times = RecentTimes()
        timestamps = Unwrapper(followsLatest: true)
        stray = nil
        statistics = ReceiverStatistics(clockRate: clockRate)
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
