import Sluice

/// The counters of `webrtc-input`.
struct WebRTCInputMetrics {
    /// Those of one medium.
    struct Medium {
        let packets, bytes, lost, late, repaired, dropped, jitter: Metric.Counter

        init(_ context: NodeContext, _ kind: String) {
            packets = context.counter("\(kind)_packets")
            bytes = context.counter("\(kind)_bytes")
            lost = context.counter("\(kind)_lost")
            late = context.counter("\(kind)_late")
            repaired = context.counter(kind == "audio" ? "audio_filled" : "video_repaired")
            dropped = context.counter("\(kind)_dropped")
            jitter = context.gauge("\(kind)_jitter_us")
        }

        func note(_ medium: PeerReceiver.Medium) {
            let counts = medium.receiver.counts
            packets.set(counts.packets)
            bytes.set(counts.bytes)
            lost.set(counts.lost)
            late.set(counts.late)
            repaired.set(medium.kind == .audio ? counts.filled : counts.repaired)
            jitter.set(Int(medium.receiver.statistics.jitter.nanoseconds / 1_000))
        }
    }

    let audio, video: Medium
    let notAuthentic, foreign, badReports, damaged, asked, keyframes, tooLarge, shift: Metric.Counter

    init(_ context: NodeContext) {
        (audio, video) = (Medium(context, "audio"), Medium(context, "video"))
        notAuthentic = context.counter("not_authentic")
        foreign = context.counter("foreign")
        badReports = context.counter("bad_reports")
        damaged = context.counter("video_damaged_frames")
        asked = context.counter("asked_again")
        keyframes = context.counter("keyframes_asked")
        tooLarge = context.counter("video_too_large")
        shift = context.gauge("sync_shift_ms")
    }

    func note(_ receiver: PeerReceiver) {
        for medium in receiver.media {
            (medium.kind == .audio ? audio : video).note(medium)
            guard medium.kind == .video else { continue }
            damaged.set(medium.receiver.depacketizer.damagedFrames)
            tooLarge.set(medium.tooLarge)
            shift.set(Int(medium.shift.milliseconds.rounded()))
        }
        foreign.set(receiver.foreign)
        badReports.set(receiver.badReports)
        asked.set(receiver.asked.askedAgain)
        keyframes.set(receiver.asked.picturesLost)
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
        .counter("keyframes_asked", "Keyframes that the peer was asked for."),
        .counter("video_too_large", "Pictures left out because they are larger than 8192 pixels on a side."),
        .gauge("sync_shift_ms", "How far the video was moved in all to be in step with the audio."),
    ]
}
