import Sluice

extension RTPInput {
    public static let metrics: [Metric] =
        keys
        + ["video", "audio"].flatMap { kind in
            [
                .counter("\(kind)_packets", "RTP packets taken"),
                .counter("\(kind)_bytes", "bytes of RTP taken, headers included"),
                .counter("\(kind)_frames", "frames handed on"),
                .counter("\(kind)_lost", "packets that never came"),
                .counter("\(kind)_late", "packets that came when they were no longer waited for"),
                .counter("\(kind)_reordered", "packets that came after later ones"),
                .counter("\(kind)_duplicates", "packets that came twice"),
                .counter("\(kind)_foreign", "datagrams that are not of this stream"),
                .counter("\(kind)_strangers", "packets from where they must not come"),
                .counter("\(kind)_other_types", "packets whose payload type carries no media here"),
                .counter("\(kind)_dropped", "frames left out because what takes them was busy for longer than hold_ms"),
                .counter(
                    "\(kind)_time_leaps",
                    "times that the sender's timestamps leapt to somewhere new and were made to go on"),
                .counter("\(kind)_too_large", "frames left out because their picture is too large"),
                .counter("\(kind)_asked_again", "lost packets that the sender was asked for, each time"),
                .counter("\(kind)_source_changes", "times that another source took over"),
                .counter("\(kind)_damaged_frames", "frames that lack a packet"),
                .counter("\(kind)_frames_before_keyframe", "frames left out because no keyframe had come"),
                .counter("\(kind)_malformed_packets", "packets whose payload makes no sense"),
                .counter("\(kind)_frames_without_format", "frames left out because their format was not known"),
                .counter("\(kind)_not_authentic", "packets that SRTP refused"),
                .counter("\(kind)_replayed", "packets that SRTP had seen before"),
                .counter("\(kind)_sender_reports", "sender reports taken"),
                .counter("\(kind)_bad_reports", "RTCP packets that make no sense"),
                .counter("\(kind)_keyframes_asked", "picture loss indications sent"),
                .gauge("\(kind)_jitter_us", "interarrival jitter (RFC 3550)"),
                .gauge("\(kind)_capture_age_us", "time since what came last was captured, by both wall clocks"),
                .gauge("\(kind)_sync_shift_ms", "how far sender reports have moved the stream"),
            ]
        }

    private static let keys = [Metric.counter("audio_keys", "keys that were pressed (telephone events, RFC 4733)")]
}

extension RTPOutput {
    public static let metrics: [Metric] = ["video", "audio"].flatMap { kind in
        [
            .counter("\(kind)_packets", "RTP packets sent"),
            .counter("\(kind)_bytes", "bytes of RTP sent, headers included"),
            .counter("\(kind)_refused", "packets that the receiver's host refused"),
            .counter("\(kind)_unsent", "packets that could not be sent or protected"),
            .counter("\(kind)_oversize", "packets larger than a datagram may be"),
            .counter("\(kind)_bad_reports", "RTCP packets that make no sense"),
            .counter("\(kind)_lost_at_receiver", "packets that the receiver reports as lost"),
            .gauge("\(kind)_loss_percent", "share of packets that the receiver lost lately"),
            .gauge("\(kind)_rtt_us", "round trip by the last receiver report"),
            .counter("\(kind)_asked_again", "lost packets that the receiver asked for, each time"),
            .counter("\(kind)_sent_again", "lost packets sent again"),
            .counter("\(kind)_told_arrived", "packets that the receiver told to have come"),
            .counter("\(kind)_told_missing", "packets that the receiver told to be missing"),
            .gauge("\(kind)_queued_us", "how much longer than the fastest one the last packet was under way"),
        ]
    }
}
