import Sluice

extension RTPInput {
    public static let metrics: [Metric] =
        keys
        + ["video", "audio"].flatMap { kind in
            [
                .counter("\(kind)_packets", "RTP packets taken."),
                .counter("\(kind)_bytes", "Bytes of RTP taken, with headers."),
                .counter("\(kind)_frames", "Frames handed on."),
                .counter("\(kind)_lost", "Packets that never came."),
                .counter("\(kind)_late", "Packets that came when they were no longer waited for."),
                .counter("\(kind)_reordered", "Packets that came after later ones."),
                .counter("\(kind)_duplicates", "Packets that came twice."),
                .counter("\(kind)_foreign", "Datagrams that are not of this stream."),
                .counter("\(kind)_strangers", "Packets from an address that is not allowed."),
                .counter("\(kind)_other_types", "Packets whose payload type carries no media here."),
                .counter("\(kind)_dropped", "Frames left out because the next node was busy for longer than hold_ms."),
                .counter(
                    "\(kind)_time_leaps",
                    "Leaps of the sender's timestamps that were smoothed out."),
                .counter("\(kind)_too_large", "Frames left out because their picture is too large."),
                .counter("\(kind)_asked_again", "Requests to the sender for a lost packet."),
                .counter("\(kind)_source_changes", "Times that another source took over."),
                .counter("\(kind)_damaged_frames", "Frames that lack a packet."),
                .counter("\(kind)_frames_before_keyframe", "Frames left out because no keyframe had come."),
                .counter("\(kind)_malformed_packets", "Packets whose payload makes no sense."),
                .counter("\(kind)_frames_without_format", "Frames left out because their format was not known."),
                .counter("\(kind)_not_authentic", "Packets that SRTP refused."),
                .counter("\(kind)_replayed", "Packets that SRTP had seen before."),
                .counter("\(kind)_sender_reports", "Sender reports taken."),
                .counter("\(kind)_bad_reports", "RTCP packets that make no sense."),
                .counter("\(kind)_keyframes_asked", "Requests for a keyframe sent (picture loss indications)."),
                .gauge("\(kind)_jitter_us", "The jitter between arrivals (RFC 3550)."),
                .gauge("\(kind)_capture_age_us", "The time since the latest media were captured, by both wall clocks."),
                .gauge("\(kind)_sync_shift_ms", "The distance by which sender reports have moved the stream."),
            ]
        }

    private static let keys = [Metric.counter("audio_keys", "Keys that were pressed (telephone events, RFC 4733).")]
}

extension RTPOutput {
    public static let metrics: [Metric] = ["video", "audio"].flatMap { kind in
        [
            .counter("\(kind)_packets", "RTP packets sent."),
            .counter("\(kind)_bytes", "Bytes of RTP sent, with headers."),
            .counter("\(kind)_refused", "Packets that the receiver's host refused."),
            .counter("\(kind)_unsent", "Packets that could not be sent or protected."),
            .counter("\(kind)_oversize", "Packets that are larger than a datagram may be."),
            .counter("\(kind)_bad_reports", "RTCP packets that make no sense."),
            .counter("\(kind)_lost_at_receiver", "Packets that the receiver reports as lost."),
            .gauge("\(kind)_loss_percent", "The share of packets that the receiver lost lately."),
            .gauge("\(kind)_rtt_us", "The round trip by the last receiver report."),
            .counter("\(kind)_asked_again", "Requests of the receiver for a lost packet."),
            .counter("\(kind)_sent_again", "Lost packets sent again."),
            .counter("\(kind)_told_arrived", "Packets that the receiver reports as come."),
            .counter("\(kind)_told_missing", "Packets that the receiver reports as missing."),
            .gauge("\(kind)_queued_us", "The excess of the last packet's travel time over the fastest one's."),
        ]
    }
}
