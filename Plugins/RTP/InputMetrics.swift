import RTP
import Sluice

/// The counters of `rtp-input` for one medium.
struct InputMetrics {
    let packets, bytes, frames, lost, late, reordered, duplicates, foreign, strangers, sourceChanges: Metric.Counter
    let damaged, beforeKeyframe, malformed, unknown, notAuthentic, replayed: Metric.Counter
    let otherTypes, dropped, leaps, reports, badReports, asked, again, tooLarge, jitter, captureAge,
        shift: Metric.Counter

    let keys: Metric.Counter?

    init(_ context: NodeContext, _ kind: String) {
        func counter(_ name: String) -> Metric.Counter { context.counter("\(kind)_\(name)") }
        packets = counter("packets")
        bytes = counter("bytes")
        frames = counter("frames")
        lost = counter("lost")
        late = counter("late")
        reordered = counter("reordered")
        duplicates = counter("duplicates")
        foreign = counter("foreign")
        strangers = counter("strangers")
        sourceChanges = counter("source_changes")
        otherTypes = counter("other_types")
        dropped = counter("dropped")
        leaps = counter("time_leaps")
        keys = kind == "audio" ? counter("keys") : nil
        damaged = counter("damaged_frames")
        beforeKeyframe = counter("frames_before_keyframe")
        malformed = counter("malformed_packets")
        unknown = counter("frames_without_format")
        notAuthentic = counter("not_authentic")
        replayed = counter("replayed")
        reports = counter("sender_reports")
        badReports = counter("bad_reports")
        asked = counter("keyframes_asked")
        again = counter("asked_again")
        captureAge = counter("capture_age_us")
        tooLarge = counter("too_large")
        jitter = counter("jitter_us")
        shift = counter("sync_shift_ms")
    }

    /// `strays` are datagrams that did not get as far as the receiver.
    func note(_ receiver: StreamReceiver, strays: Int) {
        let counts = receiver.counts
        foreign.set(strays + counts.foreign)
        strangers.set(counts.strangers)
        packets.set(counts.packets)
        bytes.set(counts.bytes)
        lost.set(counts.lost)
        late.set(counts.late)
        reordered.set(counts.reordered)
        duplicates.set(counts.duplicates)
        sourceChanges.set(counts.sourceChanges)
        otherTypes.set(counts.otherTypes)
        keys?.set(counts.keys)
        damaged.set(receiver.depacketizer.damagedFrames)
        beforeKeyframe.set(receiver.depacketizer.framesBeforeKeyframe)
        malformed.set(receiver.depacketizer.malformedPackets)
        jitter.set(Int(receiver.statistics.jitter.nanoseconds / 1_000))
    }
}
