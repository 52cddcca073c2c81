import LibAV
import MPEGTS
import Sluice

/// The readers of an `srt-output` that listens: any number of them, each with a connection of its own.
///
/// Media become a transport stream once, and its datagrams are sent to each reader. One that comes begins at a
/// keyframe, with the tables before it. One that takes too little is left out until it has caught up and a keyframe
/// comes; the others see nothing of it. A reader that is alone may hold the stream, so that a file that is sent as fast
/// as it is taken is whole; beside another one nobody holds anything.
final class Readers {
    private let context: NodeContext
    private let reception: Reception
    private let feed: TSFeed
    private let askForKeyframe: () -> Void
    private let link: LinkMetrics
    private let output: OutputMetrics
    private let metrics: Metrics
    private var statistics: SRTStatistics
    private let most: Int
    private let bound: Interval
    private let timeout: Interval
    private var readers: [Reader] = []
    private var passing: [Reader] = []
    private let bundle = TSBundle()
    private var hasServed = false
    /// The watchdog was told that readers are waited for.
    private var isWaited = true
    /// When a keyframe was asked for.
    private var lastAsked: Instant?
    private var nextLook = Instant(nanoseconds: 0)
    private var comings = LogLimiter(most: 32)
    private var congestions = LogLimiter(most: 4)
    private(set) var due = Instant.distantFuture

    private struct Metrics {
        let present, joined, left, delivered, leftOut, slowest: Metric.Counter

        init(_ context: NodeContext) {
            present = context.gauge("readers_total")
            joined = context.counter("readers_joined")
            left = context.counter("readers_left")
            delivered = context.counter("reader_packets_sent")
            leftOut = context.counter("reader_packets_dropped")
            slowest = context.gauge("slowest_reader_ms")
        }
    }

    /// How often statistics are looked at.
    private static let look = Interval.milliseconds(100)
    /// How often a full send buffer is tried again besides its events.
    private static let retry = Interval.milliseconds(5)
    /// Readers that come together need one keyframe and not one each.
    private static let keyframePause = Interval.milliseconds(1_000)

    /// - Parameters:
    ///   - most: readers at a time.
    ///   - sendBuffer: ms of media that may wait for a reader.
    ///   - peerTimeout: a reader that acknowledges nothing for so long is gone.
    init(
        _ settings: LinkSettings, most: Int, mostHandshakes: Int, sendBuffer: Int, peerTimeout: Interval, feed: TSFeed,
        _ context: NodeContext, askForKeyframe: @escaping () -> Void
    ) throws {
        (self.context, self.feed, self.most, self.askForKeyframe) = (context, feed, most, askForKeyframe)
        (bound, timeout) = (.milliseconds(Int64(sendBuffer)), peerTimeout)
        link = LinkMetrics(context)
        output = OutputMetrics(context)
        metrics = Metrics(context)
        statistics = SRTStatistics(context)
        let wanted = StreamID(settings.options.streamID)?.name ?? settings.options.streamID
        reception = try Reception(
            settings,
            Admission.Rules(
                direction: .publish, names: .many(wanted), takesOver: false, most: most,
                mostHandshakes: mostHandshakes, isEncrypted: !settings.options.passphrase.isEmpty),
            guests: "readers", link, context)
    }

    var isEmpty: Bool { readers.isEmpty }
    /// Where they call.
    var name: String { reception.name }

    // MARK: Every call

    func step(_ now: Instant) throws {
        try reception.step(now) { join($0, now) }
        for reader in readers { reader.drain() }
        if now >= nextLook { look(now) }
        leaveBroken(now)
        if !readers.isEmpty { try send(now) }
        leaveBroken(now)
        if readers.contains(where: { $0.wantsKeyframe(now) }) { ask(now) }
        arrange(now)
    }

    private func arrange(_ now: Instant) {
        due = reception.due
        if let more = comings.due { due = min(due, more) }
        guard !readers.isEmpty else { return }
        due = min(due, nextLook)
        if readers.contains(where: { !$0.sink.isEmpty }) { due = min(due, now + Readers.retry) }
        if feed.sender == nil { due = min(due, feed.due) }
    }

    // MARK: Coming and going

    private func join(_ guest: Reception.Guest, _ now: Instant) {
        let shown = StreamID.shown(guest.caller.streamID)
        let reader = Reader(
            guest.socket, name: "the reader \(guest.caller.address) (\(shown))", guest.place, bound: bound,
            timeout: timeout, isFirst: !hasServed, now)
        SRTPoller.shared.watch(guest.socket.handle, context.handle)
        if readers.isEmpty {
            feed.begin()
            goesOnWithoutReaders()
            nextLook = now + Readers.look
        }
        hasServed = true
        readers.append(reader)
        if feed.sender != nil { reader.open(hasVideo: feed.hasVideo, now) }
        link.connections.add()
        link.latency(guest.socket.sendLatencyMilliseconds)
        metrics.joined.add()
        metrics.present.set(readers.count)
        let cipher = guest.socket.cipher.map { ", \($0)" } ?? ""
        say(
            .info,
            "joined: \(reader.name), \(readers.count) of \(most), latency \(guest.socket.sendLatencyMilliseconds) ms\(cipher)",
            now)
    }

    private func leaveBroken(_ now: Instant) {
        for reader in readers where reader.isBroken { leave(reader, "ended the connection", now) }
    }

    /// `why` follows its name; empty where this side ends it as it should.
    private func leave(_ reader: Reader, _ why: String, isFault: Bool = false, _ now: Instant) {
        readers.removeAll { $0 === reader }
        SRTPoller.shared.unwatch(reader.socket.handle)
        reception.admission.leave(reader.place)
        // libsrt tells nothing more of a connection that is gone.
        if let last = reader.socket.statistics ?? reader.latest { statistics.ended(last) }
        metrics.left.add()
        metrics.present.set(readers.count)
        say(
            isFault ? .warning : .info, "left: \(reader.name) \(why)\(why.isEmpty ? "" : " ")\(reader.summary(now))",
            now)
        guard readers.isEmpty else { return }
        feed.end()
        statistics.note([])
        metrics.slowest.set(0)
    }

    /// Media go by while nobody reads: then nobody is waited for.
    func goesOnWithoutReaders() {
        guard isWaited else { return }
        isWaited = false
        context.isWaiting(for: nil)
    }

    private func say(_ level: EventLog.Level, _ line: String, _ now: Instant) {
        let unsaid = comings.takeUnsaid(now)
        if unsaid > 0 { context.log(.info, "\(unsaid) more readers joined or left") }
        if comings.judge(now) == .say { context.log(level, line) }
    }

    // MARK: Sending

    private func send(_ now: Instant) throws {
        guard !isHeld, try open(now) else { return }
        while !isHeld, let sender = feed.sender, let (track, input, format) = feed.oldest {
            guard sender.goesOn(with: format, of: track) else {
                for reader in readers { leave(reader, "is told of \(format) by a new connection", now) }
                return
            }
            guard let packet = input.next() else { break }
            try deliver(packet, track, sender, now)
        }
    }

    /// By a reader that is alone, and whose buffer is full though it takes what is sent.
    private var isHeld: Bool { readers.count == 1 && !readers[0].sink.isEmpty && !readers[0].isCongested }

    /// True when the transport stream has begun.
    private func open(_ now: Instant) throws -> Bool {
        if feed.sender != nil { return true }
        bundle.clear()
        guard try feed.open(to: bundle, now) else { return false }
        // Not sent: the tables stand before each reader's first packet.
        bundle.clear()
        for reader in readers { reader.open(hasVideo: feed.hasVideo, now) }
        return true
    }

    private func deliver(_ packet: Packet, _ track: TSTrack, _ sender: TSSender, _ now: Instant) throws {
        passing.removeAll(keepingCapacity: true)
        var refusal = SendGate.Verdict.unconnected
        for reader in readers {
            let verdict = reader.takes(packet)
            if verdict == .pass { passing.append(reader) } else { refusal = verdict }
        }
        metrics.leftOut.add(readers.count - passing.count)
        guard !passing.isEmpty else { return output.dropped(refusal).add() }
        if passing.contains(where: { !$0.hasBegun }) { sender.repeatTables() }
        bundle.clear()
        do { try sender.write(packet, of: track) } catch { throw NodeError("MPEG-TS refuses a packet: \(error)") }
        let captured = packet.header.captured
        let age = captured.nanoseconds > 0 ? now - captured : .zero
        for reader in passing {
            reader.send(bundle, age: age)
            if readers.count > 1, !reader.sink.isEmpty { tell(reader.jam(now), of: reader, now) }
        }
        output.sent.add()
        metrics.delivered.add(passing.count)
        if track == .video { context.mark("mux", pts: packet.header.pts) }
    }

    private func look(_ now: Instant) {
        nextLook = now + Readers.look
        for reader in readers { tell(reader.look(now), of: reader, now) }
        statistics.note(readers.compactMap(\.latest))
        metrics.slowest.set(readers.map { Int($0.latest?.msSndBuf ?? 0) }.max() ?? 0)
    }

    private func tell(_ change: Reader.Change, of reader: Reader, _ now: Instant) {
        switch change {
        case .none: break
        case .gone(let why, let isFault): leave(reader, why, isFault: isFault, now)
        case .congested:
            output.congestions.add()
            guard congestions.judge(now) == .say else { break }
            context.log(
                .warning,
                "\(reader.name) takes less than is sent, and over \(seconds(bound)) of media wait for it: it gets nothing until it has caught up and a keyframe comes"
            )
        }
    }

    private func ask(_ now: Instant) {
        if let lastAsked, now - lastAsked < Readers.keyframePause { return }
        lastAsked = now
        askForKeyframe()
    }

    // MARK: The end

    /// Everything has been sent. True when all readers have it, or have had the time for it.
    func finish(_ now: Instant) -> Bool {
        if let sender = feed.sender {
            bundle.clear()
            try? sender.finish()
            if bundle.bytes > 0 { for reader in readers where reader.hasBegun { reader.send(bundle, age: .zero) } }
            feed.end()
            for reader in readers { reader.close() }
        }
        for reader in readers where reader.isDone(now) {
            _ = reader.look(now)
            leave(reader, "", now)
        }
        return readers.isEmpty
    }

    func close(_ now: Instant) {
        for reader in readers { SRTPoller.shared.unwatch(reader.socket.handle) }
        readers.removeAll()
        reception.close(now)
        let unsaid = comings.takeUnsaid(now, atEnd: true)
        if unsaid > 0 { context.log(.info, "\(unsaid) more readers joined or left") }
    }
}
