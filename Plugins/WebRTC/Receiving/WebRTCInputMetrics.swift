import ICE
import Negotiation
import Sluice

/// The counters of nodes that receive from a peer.
struct WebRTCInputMetrics {
    /// Those of one medium.
    struct Medium {
        let packets, bytes, rate, lost, late, repaired, dropped, jitter: Metric.Counter
        /// The last time that the bitrate was counted.
        private var counted: (at: Instant, bytes: Int)?

        init(_ context: NodeContext, _ kind: String) {
            packets = context.counter("\(kind)_packets")
            bytes = context.counter("\(kind)_bytes")
            rate = context.gauge("\(kind)_kbps")
            lost = context.counter("\(kind)_lost")
            late = context.counter("\(kind)_late")
            repaired = context.counter(kind == "audio" ? "audio_filled" : "video_repaired")
            dropped = context.counter("\(kind)_dropped")
            jitter = context.gauge("\(kind)_jitter_us")
        }

        mutating func note(_ medium: PeerReceiver.Medium, now: Instant) {
            let counts = medium.receiver.counts
            packets.set(counts.packets)
            bytes.set(counts.bytes)
            lost.set(counts.lost)
            late.set(counts.late)
            repaired.set(medium.kind == .audio ? counts.filled : counts.repaired)
            jitter.set(Int(medium.receiver.statistics.jitter.nanoseconds / 1_000))
            // Another peer is counted from its start.
            guard let counted, counts.bytes >= counted.bytes else {
                self.counted = (now, counts.bytes)
                return
            }
            let time = now - counted.at
            guard time >= .milliseconds(500) else { return }
            rate.set(Int((Double(counts.bytes - counted.bytes) * 8 / time.seconds / 1_000).rounded()))
            self.counted = (now, counts.bytes)
        }
    }

    private var audio, video: Medium
    let notAuthentic: Metric.Counter
    private let foreign, badReports, damaged, asked, requests, keyframesAsked, keyframes, redundant: Metric.Counter
    private let tooLarge, shift, firstPicture, byTCP, ways: Metric.Counter
    /// The session's start, until its first picture has come.
    private var begun: Instant?
    private var route: ICERoute?

    init(_ context: NodeContext) {
        (audio, video) = (Medium(context, "audio"), Medium(context, "video"))
        notAuthentic = context.counter("not_authentic")
        foreign = context.counter("foreign")
        badReports = context.counter("bad_reports")
        damaged = context.counter("video_damaged_frames")
        asked = context.counter("asked_again")
        requests = context.counter("nacks")
        keyframesAsked = context.counter("keyframes_asked")
        keyframes = context.counter("video_keyframes")
        redundant = context.counter("audio_redundant_packets")
        firstPicture = context.gauge("first_picture_ms")
        byTCP = context.gauge("by_tcp_percent")
        ways = context.counter("ways")
        tooLarge = context.counter("video_too_large")
        shift = context.gauge("sync_shift_ms")
    }

    /// Another session begins.
    mutating func begin(now: Instant) { (begun, route) = (now, nil) }

    /// Its first picture goes on.
    mutating func notePicture(now: @autoclosure () -> Instant) {
        guard let begun else { return }
        firstPicture.set(Int(((now() - begun).seconds * 1_000).rounded()))
        self.begun = nil
    }

    /// The packets of a medium that the next node had no room for.
    func noteDropped(_ kind: MediaKind, _ count: Int = 1) { (kind == .audio ? audio : video).dropped.add(count) }

    /// Tells whether media come by another way than before.
    mutating func notePath(_ present: ICERoute?) {
        guard let present, present != route else { return }
        route = present
        ways.add()
        byTCP.set(present.connection == nil ? 0 : 100)
    }

    mutating func note(_ receiver: PeerReceiver, now: Instant) {
        for medium in receiver.media {
            guard medium.kind == .video else {
                audio.note(medium, now: now)
                redundant.set(medium.receiver.counts.redundant)
                continue
            }
            video.note(medium, now: now)
            keyframes.set(medium.keyframes)
            damaged.set(medium.receiver.depacketizer.damagedFrames)
            tooLarge.set(medium.tooLarge)
            shift.set(Int(medium.shift.milliseconds.rounded()))
        }
        foreign.set(receiver.foreign)
        badReports.set(receiver.badReports)
        asked.set(receiver.asked.askedAgain)
        requests.set(receiver.asked.requestsAgain)
        keyframesAsked.set(receiver.asked.picturesLost)
    }

    static let declared: [Metric] = ofMedium("audio") + ofMedium("video") + others

    private static func ofMedium(_ kind: String) -> [Metric] {
        let repaired: Metric =
            kind == "audio"
            ? .counter("audio_filled", "Frames of audio that came with later packets (RED).")
            : .counter("video_repaired", "Packets of video that came when they were asked for again (RTX).")
        return [
            .counter("\(kind)_packets", "Packets of \(kind) that came."),
            .counter("\(kind)_bytes", "Bytes of \(kind) that came, without headers."),
            .gauge("\(kind)_kbps", "The bitrate of \(kind) at the end, in kb/s, without headers."),
            .counter("\(kind)_lost", "Packets of \(kind) that never came."),
            .counter("\(kind)_late", "Packets of \(kind) that came when they were no longer waited for."),
            repaired,
            .counter("\(kind)_dropped", "Frames of \(kind) left out because the next node was busy."),
            .gauge("\(kind)_jitter_us", "The jitter between arrivals of \(kind) (RFC 3550)."),
        ]
    }

    private static let others: [Metric] = [
        .counter("not_authentic", "Datagrams that SRTP refused."),
        .counter("foreign", "Packets of types that were not agreed on."),
        .counter("bad_reports", "RTCP packets that make no sense."),
        .counter("video_damaged_frames", "Pictures left out because a part of them never came."),
        .counter("asked_again", "Packets that the peer was asked to send again, each time."),
        .counter("nacks", "Messages that ask the peer for packets again (NACK)."),
        .counter("keyframes_asked", "Keyframes that the peer was asked for (PLI)."),
        .counter("video_keyframes", "Keyframes that came."),
        .counter("audio_redundant_packets", "Packets of audio with the frame before beside their own (RED)."),
        .gauge("first_picture_ms", "From the session's start until the first picture came."),
        .gauge("by_tcp_percent", "100 where media come by TCP in the end, 0 where they come by UDP."),
        .counter("ways", "Ways that media took from the peer: each after the first is another path of ICE."),
        .counter("video_too_large", "Pictures left out because they are larger than 8192 pixels on a side."),
        .gauge("sync_shift_ms", "How far the video was moved in all to be in step with the audio."),
    ]
}
