import Sluice

/// The words of a receiver to its sender, on the streams of one transport: reports, packets that are missing, lost
/// pictures, when packets came, and the most that it takes. Pure: it says when it wants to write (`due`), and writes
/// one datagram after the other. One lane.
public struct ReceiverFeedback {
    /// The facts that two sides have agreed on.
    public struct Settings: Sendable {
        /// The receiver's SSRC, and its name.
        public var ssrc: UInt32
        /// As in the other streams of this side.
        public var cname: String
        /// Feedback needs no report before it (RFC 5506).
        public var isReduced = false
        /// The sender wants to know when packets came.
        public var tellsArrivals = false
        /// The most bits a second that the streams may have together, told each second; nil tells none.
        public var most: Int?
        /// The mean time between two reports.
        public var reportInterval = Interval.milliseconds(1_000)
        /// The most bytes of a datagram.
        public var mtu = 1_200

        /// Reports alone, each second.
        public init(ssrc: UInt32, cname: String) { (self.ssrc, self.cname) = (ssrc, cname) }
    }

    /// Messages that were written.
    public struct Counts: Equatable, Sendable {
        /// Packets that were asked for again, each time.
        public var askedAgain = 0
        /// Messages that ask for packets again.
        public var requestsAgain = 0
        /// Picture loss indications.
        public var picturesLost = 0
        /// Packets that tell arrivals.
        public var arrivals = 0
    }

    private struct Stream {
        let receiver: StreamReceiver
        var requests = KeyframeRequests()
        /// When the first packet was seen.
        var began: Instant?
        var lacksPicture = false
    }

    /// Changes take effect with the next datagram.
    public var settings: Settings
    /// Since the beginning.
    public private(set) var counts = Counts()
    /// Of all streams; give it to their receivers.
    public let arrivals = ArrivalRecorder()
    private var streams: [Stream] = []
    private var timer: ReportTimer
    private var toldMost: (bits: Int, at: Instant)?
    /// Since when arrivals wait to be told.
    private var arrivalsSince: Instant?
    private var waiting: [RTCPPacket] = []

    /// Arrivals are told so long after the first that waits: between 50 and 100 ms, as browsers do.
    static let arrivalDelay = Interval.milliseconds(60)
    /// A stream mostly begins with a keyframe, of which only a part has come at first.
    static let firstPicture = Interval.milliseconds(100)
    /// The most is told so often.
    static let mostInterval = Interval.milliseconds(1_000)

    /// No streams yet.
    public init(_ settings: Settings) {
        self.settings = settings
        timer = ReportTimer(interval: settings.reportInterval, ssrc: settings.ssrc)
    }

    /// Tells of this stream too, from now on.
    public mutating func add(_ receiver: StreamReceiver) { streams.append(Stream(receiver: receiver)) }

    /// Somebody in the graph wants a keyframe of a stream.
    public mutating func askKeyframe(of receiver: StreamReceiver) {
        if let index = streams.firstIndex(where: { $0.receiver === receiver }) { streams[index].requests.ask() }
    }

    /// A keyframe of a stream has come.
    public mutating func noteKeyframe(of receiver: StreamReceiver) {
        if let index = streams.firstIndex(where: { $0.receiver === receiver }) { streams[index].requests.serve() }
    }

    /// Call it behind the packets that came `now`: when `take` wants to be called, as there is something to write or to
    /// forget; nil while nothing is to be told.
    public mutating func due(now: Instant) -> Instant? {
        if settings.tellsArrivals, arrivalsSince == nil, !arrivals.isEmpty { arrivalsSince = now }
        guard waiting.isEmpty else { return now }
        guard streams.contains(where: { $0.receiver.source != nil }) else { return nil }
        var next = timer.due ?? now
        if let arrivalsSince { next = min(next, arrivalsSince + ReceiverFeedback.arrivalDelay) }
        if let most = settings.most {
            next = min(next, toldMost.map { $0.bits == most ? $0.at + ReceiverFeedback.mostInterval : now } ?? now)
        }
        for index in streams.indices where streams[index].receiver.source != nil {
            if let missing = streams[index].receiver.missing?.due { next = min(next, missing) }
            noteLostPicture(index, now)
            if let request = streams[index].requests.due { next = min(next, max(request, now)) }
        }
        return next
    }

    private mutating func noteLostPicture(_ index: Int, _ now: Instant) {
        let receiver = streams[index].receiver
        let began = streams[index].began ?? now
        streams[index].began = began
        guard receiver.settings.format.isVideo else { return }
        let needs = receiver.depacketizer.needsKeyframe
        // The picture is whole again: that was the keyframe.
        if streams[index].lacksPicture, !needs { streams[index].requests.serve() }
        streams[index].lacksPicture = needs
        if needs, now - began >= ReceiverFeedback.firstPicture { streams[index].requests.ask() }
    }

    /// Writes the next datagram that is due to the end of `datagram`; false where none is. `reports` are this side's
    /// sender reports, which go out with a report of the receiver's.
    public mutating func take(
        into datagram: inout [UInt8], now: Instant, reports: () -> [RTCPPacket] = { [] }
    ) -> Bool {
        guard streams.contains(where: { $0.receiver.source != nil }) else { return false }
        if waiting.isEmpty { gather(now) }
        let isReport = timer.take(now: now)
        guard isReport || !waiting.isEmpty else { return false }
        let start = datagram.count
        if isReport || !settings.isReduced {
            if isReport { for packet in reports() { packet.append(to: &datagram) } }
            appendReports(&datagram, now)
        }
        var isFirst = !isReport
        while let packet = waiting.first {
            let before = datagram.count
            packet.append(to: &datagram)
            if datagram.count - start > settings.mtu, !isFirst {
                datagram.removeLast(datagram.count - before)
                return true
            }
            isFirst = false
            waiting.removeFirst()
        }
        return true
    }

    private func appendReports(_ datagram: inout [UInt8], _ now: Instant) {
        let blocks = streams.compactMap { $0.receiver.report(now: now) }
        RTCPPacket.receiverReport(ssrc: settings.ssrc, reports: blocks).append(to: &datagram)
        RTCPPacket.sourceDescription([.init(ssrc: settings.ssrc, cname: settings.cname)]).append(to: &datagram)
    }

    /// All feedback that is due.
    private mutating func gather(_ now: Instant) {
        for index in streams.indices {
            let receiver = streams[index].receiver
            guard let source = receiver.source else { continue }
            if let lost = receiver.missing?.take(now: now), !lost.isEmpty {
                counts.askedAgain += lost.count
                counts.requestsAgain += 1
                waiting.append(.lost(sender: settings.ssrc, media: source, lost))
            }
            noteLostPicture(index, now)
            if streams[index].requests.take(now: now) {
                counts.picturesLost += 1
                waiting.append(.pictureLoss(sender: settings.ssrc, media: source))
            }
        }
        tellArrivals(now)
        guard let most = settings.most else { return }
        if let toldMost, toldMost.bits == most, now - toldMost.at < ReceiverFeedback.mostInterval { return }
        toldMost = (most, now)
        waiting.append(
            .estimate(
                ReceiverEstimate(
                    sender: settings.ssrc, bitsPerSecond: most, sources: streams.compactMap(\.receiver.source))))
    }

    private mutating func tellArrivals(_ now: Instant) {
        guard settings.tellsArrivals, !arrivals.isEmpty else { return }
        let since = arrivalsSince ?? now
        guard now - since >= ReceiverFeedback.arrivalDelay else {
            arrivalsSince = since
            return
        }
        arrivalsSince = nil
        let media = streams.lazy.compactMap(\.receiver.source).first ?? 0
        let made = arrivals.take(sender: settings.ssrc, media: media)
        counts.arrivals += made.count
        waiting += made.map { .transport($0) }
    }
}
