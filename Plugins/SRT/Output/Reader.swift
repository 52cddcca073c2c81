import CSRT
import Sluice

/// One of several readers of an `srt-output`: its connection, what it may get just now, and what it got.
final class Reader {
    let socket: SRTSocket
    /// For messages: `the reader 192.0.2.7:40112 ("camera")`.
    let name: String
    let place: Admission.Place
    let sink: SRTSink
    private var gate: SendGate
    private var watch: PeerWatch
    private let joined: Instant
    private var ending = SendEnding()
    /// Since when it waits for a keyframe; nil while it does not.
    private var waitsSince: Instant?
    /// How long it waits for one that comes by itself before one is asked for.
    private var patience = Interval.zero
    /// Tables are written before its first packet.
    private(set) var hasBegun = false
    private(set) var packets = 0
    private(set) var bytes = 0
    private(set) var leftOut = 0
    /// Of the last look.
    private(set) var latest: SRT_TRACEBSTATS?

    /// A reader that takes too little is no reason for a keyframe that all others get too, unless none comes by itself.
    static let patience = Interval.milliseconds(2_000)

    /// - Parameter isFirst: media were held for it.
    init(
        _ socket: SRTSocket, name: String, _ place: Admission.Place, bound: Interval, timeout: Interval, isFirst: Bool,
        _ now: Instant
    ) {
        (self.socket, self.name, self.place, joined) = (socket, name, place, now)
        sink = SRTSink(socket)
        gate = SendGate(bound: bound, isFirst: isFirst)
        watch = PeerWatch(patience: timeout)
    }

    var isCongested: Bool { gate.isCongested }
    var isBroken: Bool { sink.isBroken }

    /// The transport stream has begun, or had begun when the reader came.
    func open(hasVideo: Bool, _ now: Instant) {
        gate.open(hasVideo: hasVideo)
        waitsSince = hasVideo ? now : nil
    }

    func close() { gate.close() }

    /// Whether it gets the packet. The packets that it does not get are counted.
    func takes(_ packet: Packet) -> SendGate.Verdict {
        let verdict = gate.judge(packet)
        if verdict != .pass { leftOut += 1 }
        return verdict
    }

    /// Sends the datagrams of a packet that it takes, whose media were captured `age` ago.
    func send(_ bundle: TSBundle, age: Interval) {
        sink.begin(age: age)
        bundle.forEach { if !sink.isBroken { _ = sink.write($0) } }
        (hasBegun, waitsSince) = (true, gate.awaitsKeyframe ? waitsSince : nil)
        packets += 1
        bytes += bundle.bytes
    }

    enum Change: Equatable {
        case none
        /// It gets nothing until it has caught up and a keyframe comes.
        case congested
        /// It is gone, and why: follows its name.
        case gone(String, isFault: Bool)
    }

    /// Datagrams that wait in this process go out as far as there is room.
    func drain() { if !sink.isEmpty { sink.drain() } }

    /// The send buffer is full. Only this reader sees anything of it.
    func jam(_ now: Instant) -> Change {
        guard gate.jam() else { return .none }
        (waitsSince, patience) = (nil, Reader.patience)
        return .congested
    }

    /// Looks at libsrt's statistics.
    func look(_ now: Instant) -> Change {
        if case .broken = socket.state { return .gone("ended the connection", isFault: false) }
        guard let all = socket.statistics else { return .none }
        latest = all
        let silence = watch.note(
            acknowledged: Int(all.pktRecvACKTotal), waiting: Int(all.pktSndBuf), roundTrip: .seconds(all.msRTT / 1_000),
            at: now)
        if let silence { return .gone("has acknowledged nothing for \(seconds(silence))", isFault: true) }
        // Datagrams that wait here come on top of a full buffer.
        let waiting = sink.isEmpty ? Interval.milliseconds(Int64(all.msSndBuf)) : gate.bound + .milliseconds(1)
        switch gate.note(waiting: waiting) {
        case .none: return .none
        case .congested:
            (waitsSince, patience) = (nil, Reader.patience)
            return .congested
        case .relieved:
            waitsSince = gate.awaitsKeyframe ? now : nil
            return .none
        }
    }

    /// It needs a keyframe that does not come by itself.
    func wantsKeyframe(_ now: Instant) -> Bool {
        guard gate.isOpen, !gate.isCongested, gate.awaitsKeyframe, let since = waitsSince else { return false }
        return now - since >= patience
    }

    /// `after 12.3 s: 812 packets, 2.3 MB, 12 left out, 3 datagrams sent again`.
    func summary(_ now: Instant) -> String {
        let again = latest.map { Int($0.pktRetransTotal) } ?? 0
        return "after \(seconds(now - joined)): \(packets) packets, \(tenths(Double(bytes) / 1e6)) MB, "
            + "\(leftOut) left out, \(again) datagrams sent again"
    }

    /// Nothing follows. True when it has everything, or has had the time for it.
    func isDone(_ now: Instant) -> Bool {
        sink.drain()
        return sink.isBroken
            || ending.step(
                unacknowledged: socket.unacknowledged + (sink.isEmpty ? 0 : 1),
                latency: .milliseconds(Int64(socket.sendLatencyMilliseconds)), at: now)
    }
}
