import Holding
import MPEGTS
import Sluice
import SourceTime

/// From datagrams of a connection to packets on the node's outputs. The connection is read whatever these take: the
/// rest waits here.
final class TSReceiver: TSDemuxerClient {
    private let context: NodeContext
    private let video: Output<Packet>
    private let audio: Output<Packet>
    private let metrics: Metrics
    /// By the track.
    private var waiting: [FrameQueue]
    private var saidDropped = [false, false]
    private var demuxer: TSDemuxer
    private let unitLimit: Int
    private let program: Int
    private var timeline = SourceTimeline(.live)
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: SRTSocket.largest, alignment: 64)
    private var now = Instant(nanoseconds: 0)
    /// When the last datagram came, for `sluice latency`.
    private var arrived: Instant?
    private var peer = ""
    private var began = Instant(nanoseconds: 0)
    private var awaitsKeyframe = true
    /// The next packet does not continue the last one.
    private var marks: [MediaItem.Header.Flags] = [[], []]
    private var hasBegun = false
    /// Of this connection nothing has come.
    private var isWaiting = false
    private var saidGarbage = false
    /// The streams that this connection was said to send, and the lines that may still be said of it.
    private var saidStreams = ""
    private var limiter = LogLimiter(most: 4)
    private var leapLimiter = LogLimiter(most: 4)
    /// The formats that what stands behind the outputs takes.
    private var taken: [MediaFormat?] = [nil, nil]
    /// Why the sender is refused, in words that follow its name.
    private var refusal: String?
    /// Of demuxers before this one.
    private var earlier = (lost: 0, damaged: 0, stray: 0, scrambled: 0, maps: 0)

    private struct Metrics {
        let datagrams, lost, damaged, stray, scrambled, before, maps, leaps: Metric.Counter
        /// By the track.
        let dropped: [Metric.Counter]
        init(_ context: NodeContext) {
            datagrams = context.counter("datagrams")
            lost = context.counter("ts_packets_lost")
            damaged = context.counter("damaged_units")
            stray = context.counter("stray_bytes")
            scrambled = context.counter("ts_packets_scrambled")
            before = context.counter("before_keyframe")
            maps = context.counter("program_changes")
            leaps = context.counter("time_leaps")
            dropped = [context.counter("video_dropped"), context.counter("audio_dropped")]
        }
    }

    /// - Parameters:
    ///   - unitLimit: bytes that a picture or a packet of audio may have; a longer one is lost.
    ///   - program: the number of the program that is read; 0: the first one.
    ///   - hold: for how long, and in how many bytes, packets of a stream wait for the node behind.
    init(
        _ context: NodeContext, video: Output<Packet>, audio: Output<Packet>, unitLimit: Int, program: Int,
        hold: (longest: Interval, bytes: Int)
    ) {
        waiting = [true, false].map { FrameQueue(longest: hold.longest, mostBytes: hold.bytes, isVideo: $0) }
        (self.context, self.video, self.audio) = (context, video, audio)
        (self.unitLimit, self.program) = (unitLimit, program)
        metrics = Metrics(context)
        demuxer = TSDemuxer(unitLimit: unitLimit, program: program)
        demuxer.client = self
    }

    deinit { room.deallocate() }

    func begin(_ peer: String, _ now: Instant) {
        (self.peer, began, saidGarbage, saidStreams, refusal) = (peer, now, false, "", nil)
        (limiter, isWaiting) = (LogLimiter(most: 4), true)
        if hasBegun { marks = [.discontinuity, .discontinuity] }
        awaitsKeyframe = true
        timeline.restart()
        context.isWaiting(for: "media from \(peer)")
    }

    /// Whole units go out; of a connection that was cut, nothing more.
    func end(isCut: Bool = false) {
        if !isCut { demuxer.finish() }
        tellUnsaid(now, atEnd: true)
        earlier.lost += demuxer.lost
        earlier.damaged += demuxer.damaged
        earlier.stray += demuxer.strayBytes
        earlier.scrambled += demuxer.scrambled
        earlier.maps += demuxer.mapChanges
        demuxer = TSDemuxer(unitLimit: unitLimit, program: program)
        demuxer.client = self
    }

    enum Result: Equatable {
        case goesOn, ended
        /// The media cannot be taken: `why` follows the sender's name.
        case refused(_ why: String)
    }

    /// Datagrams that one call reads: what carries no media spends no budget.
    private static let mostDatagrams = 256

    /// Everything that is there, whatever the outputs take.
    func receive(from socket: SRTSocket, _ now: Instant) -> Result {
        defer { release() }
        self.now = now
        for _ in 0..<TSReceiver.mostDatagrams {
            switch socket.receive(into: room) {
            case .bytes(let count):
                metrics.datagrams.add()
                arrived = context.traceInstant
                demuxer.feed(UnsafeRawBufferPointer(rebasing: room[..<count]), at: now)
                if let refusal { return .refused(refusal) }
                lookForGarbage()
            case .nothing: return .goesOn
            case .broken: return .ended
            }
        }
        context.wakeAgain()
        return .goesOn
    }

    /// Hands on what waits, as far as the outputs have room. True where nothing is left.
    @discardableResult
    func release() -> Bool {
        for (track, output) in [video, audio].enumerated() {
            while output.hasRoom, let packet = waiting[track].next() { output.send(packet) }
        }
        return waiting.allSatisfy(\.isEmpty)
    }

    /// Said once for a connection.
    private func lookForGarbage() {
        guard !saidGarbage, demuxer.packets == 0, demuxer.strayBytes > 10 * SRTSocket.payload else { return }
        saidGarbage = true
        context.log(
            .warning,
            "\(peer) sends something that is no MPEG-TS\n  Send MPEG-TS: in ffmpeg -f mpegts, in GStreamer mpegtsmux.")
    }

    func note() {
        metrics.lost.set(earlier.lost + demuxer.lost)
        metrics.damaged.set(earlier.damaged + demuxer.damaged)
        metrics.stray.set(earlier.stray + demuxer.strayBytes)
        metrics.scrambled.set(earlier.scrambled + demuxer.scrambled)
        metrics.maps.set(earlier.maps + demuxer.mapChanges)
        tellUnsaid(now)
    }

    // MARK: From the demuxer

    func take(_ packet: Packet, of track: TSTrack) {
        guard isTaken(packet.format, of: track) else { return }
        if packet.header.flags.contains(.discontinuity) && track == .video { awaitsKeyframe = true }
        if track == .video && awaitsKeyframe {
            guard packet.header.flags.contains(.keyframe) else {
                marks[track.rawValue].formUnion(packet.header.flags.intersection(.discontinuity))
                metrics.before.add()
                return
            }
            awaitsKeyframe = false
        }
        packet.header.flags.formUnion(marks[track.rawValue])
        marks[track.rawValue] = []
        place(packet, track)
        packet.header.epoch = context.epoch
        packet.header.sourceClock = context.sourceClock
        if track == .video, let arrived {
            context.mark("SRT", pts: packet.header.pts, at: arrived)
            context.mark("demux", pts: packet.header.pts)
        }
        hasBegun = true
        if isWaiting {
            isWaiting = false
            context.isWaiting(for: nil)
        }
        hold(packet, track)
    }

    private func hold(_ packet: Packet, _ track: TSTrack) {
        let output = track == .video ? video : audio
        // Nobody takes it: it is no loss.
        guard output.isConnected else { return }
        let left = waiting[track.rawValue].append(packet)
        guard left > 0 else { return }
        metrics.dropped[track.rawValue].add(left)
        guard !saidDropped[track.rawValue] else { return }
        saidDropped[track.rawValue] = true
        context.log(
            .warning,
            "\(output.name) is left out, since the node behind takes none for longer than hold_ms or hold_kb allows; counted as \(output.name)_dropped"
        )
    }

    private func place(_ packet: Packet, _ track: TSTrack) {
        guard packet.header.dts.isKnown else { return }
        let placed = timeline.place(
            track.rawValue, dts: packet.header.dts, pts: packet.header.pts, duration: packet.header.duration, at: now)
        packet.header.dts += placed.offset
        if packet.header.pts.isKnown { packet.header.pts += placed.offset }
        guard let leap = placed.leap else { return }
        metrics.leaps.add()
        if leapLimiter.judge(now) == .say { context.log(.warning, "\(peer): \(leap.words())") }
    }

    /// Looked up once for each new format.
    private func isTaken(_ format: MediaFormat, of track: TSTrack) -> Bool {
        guard refusal == nil else { return false }
        if let known = taken[track.rawValue], known === format || known == format { return true }
        if let why = context.refusal(of: format, at: track == .video ? video : audio) {
            refusal = "sends \(format), and \(why)"
            return false
        }
        taken[track.rawValue] = format
        return true
    }

    func noteStreams(_ kinds: [TSStreamKind], leftOut: [String]) {
        let read = kinds.isEmpty ? "nothing that can be read" : kinds.map(\.name).joined(separator: " and ")
        let shown = leftOut.prefix(8).joined(separator: ", ") + (leftOut.count > 8 ? ", \(leftOut.count - 8) more" : "")
        let words = "\(peer) sends \(read)\(leftOut.isEmpty ? "" : "; left out: \(shown)")"
        guard words != saidStreams else { return }
        saidStreams = words
        if limiter.judge(now) == .say { context.log(kinds.isEmpty ? .warning : .info, words) }
    }

    private func tellUnsaid(_ now: Instant, atEnd: Bool = false) {
        let unsaid = limiter.takeUnsaid(now, atEnd: atEnd)
        if unsaid > 0 { context.log(.warning, "\(peer) has changed what it sends \(unsaid) times more") }
        let leaps = leapLimiter.takeUnsaid(now, atEnd: atEnd)
        if leaps > 0 { context.log(.warning, "\(peer): times leap \(leaps) times more") }
    }
}
