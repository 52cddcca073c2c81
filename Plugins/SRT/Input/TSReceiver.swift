import MPEGTS
import Sluice

/// From datagrams of a connection to packets on the node's outputs.
final class TSReceiver: TSDemuxerClient {
    private let context: NodeContext
    private let video: Output<Packet>
    private let audio: Output<Packet>
    private let metrics: Metrics
    private var demuxer = TSDemuxer()
    private var timeline = InputTimeline()
    private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: SRTSocket.largest, alignment: 64)
    private var now = Instant(nanoseconds: 0)
    /// When the last datagram came, for `sluice latency`.
    private var arrived: Instant?
    private var peer = ""
    private var began = Instant(nanoseconds: 0)
    private var awaitsKeyframe = true
    /// The next packet does not continue the last one.
    private var marks: [Header.Flags] = [[], []]
    private var hasBegun = false
    private var saidGarbage = false
    /// Of demuxers before this one.
    private var earlier = (lost: 0, damaged: 0, stray: 0, scrambled: 0)

    private struct Metrics {
        let datagrams, lost, damaged, stray, scrambled, before: CounterMetric
        init(_ context: NodeContext) {
            datagrams = context.counter("datagrams")
            lost = context.counter("ts_packets_lost")
            damaged = context.counter("damaged_units")
            stray = context.counter("stray_bytes")
            scrambled = context.counter("ts_packets_scrambled")
            before = context.counter("before_keyframe")
        }
    }

    init(_ context: NodeContext, video: Output<Packet>, audio: Output<Packet>) {
        (self.context, self.video, self.audio) = (context, video, audio)
        metrics = Metrics(context)
        demuxer.client = self
    }

    deinit { room.deallocate() }

    func begin(_ peer: String, _ now: Instant) {
        (self.peer, began, saidGarbage) = (peer, now, false)
        if hasBegun { marks = [.discontinuity, .discontinuity] }
        awaitsKeyframe = true
        timeline.restart()
        context.isWaiting(for: "media from \(peer)")
    }

    /// What was whole goes out; of a connection that was cut, nothing more.
    func end(isCut: Bool = false) {
        if !isCut { demuxer.finish() }
        earlier.lost += demuxer.lost
        earlier.damaged += demuxer.damaged
        earlier.stray += demuxer.strayBytes
        earlier.scrambled += demuxer.scrambled
        demuxer = TSDemuxer()
        demuxer.client = self
    }

    enum Result { case goesOn, ended }

    /// Everything that is there, as far as the outputs have room.
    func receive(from socket: SRTSocket, _ now: Instant) -> Result {
        self.now = now
        while video.hasRoom && audio.hasRoom {
            switch socket.receive(into: room) {
            case .bytes(let count):
                metrics.datagrams.add()
                arrived = context.traceInstant
                demuxer.feed(UnsafeRawBufferPointer(rebasing: room[..<count]), at: now)
                lookForGarbage()
            case .nothing: return .goesOn
            case .broken: return .ended
            }
        }
        return .goesOn
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
    }

    // MARK: From the demuxer

    func take(_ packet: Packet, of track: TSTrack) {
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
        let dts = timeline.place(packet.header.dts, duration: packet.header.duration, at: now)
        if packet.header.pts.isKnown { packet.header.pts += timeline.offset }
        packet.header.dts = dts
        packet.header.epoch = context.epoch
        packet.header.sourceClock = context.sourceClock
        if track == .video, let arrived {
            context.mark("SRT", pts: packet.header.pts, at: arrived)
            context.mark("demux", pts: packet.header.pts)
        }
        if !hasBegun {
            hasBegun = true
            context.isWaiting(for: nil)
        }
        (track == .video ? video : audio).send(packet)
    }

    func noteStreams(_ kinds: [TSStreamKind], leftOut: [String]) {
        let read = kinds.isEmpty ? "nothing that can be read" : kinds.map(\.codec.name).joined(separator: " and ")
        let rest = leftOut.isEmpty ? "" : "; left out: \(leftOut.joined(separator: ", "))"
        context.log(kinds.isEmpty ? .warning : .info, "\(peer) sends \(read)\(rest)")
    }
}
