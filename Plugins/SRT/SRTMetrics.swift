import Sluice

extension SRTInput {
    public static let metrics = linkMetrics + receiverMetrics + libraryMetrics

    private static let receiverMetrics: [Metric] = [
        .counter("datagrams", "Datagrams taken from SRT."),
        .counter("ts_packets_lost", "MPEG-TS packets missing by their continuity counters."),
        .counter("damaged_units", "Frames that lack a part."),
        .counter("stray_bytes", "Bytes that are no MPEG-TS."),
        .counter("ts_packets_scrambled", "MPEG-TS packets that are scrambled."),
        .counter("before_keyframe", "Frames left out because no keyframe had come."),
        .counter("video_dropped", "Packets of video left out because the next node took none for too long."),
        .counter("audio_dropped", "Packets of audio left out because the next node took none for too long."),
        .counter("program_changes", "Changes of the sender's program map."),
        .counter("time_leaps", "Leaps of the sender's timestamps that were smoothed out."),
    ]
}

extension SRTOutput {
    public static let metrics = linkMetrics + senderMetrics + libraryMetrics

    private static let senderMetrics: [Metric] = [
        .counter("media_packets_sent", "Media packets sent."),
        .counter("dropped_unconnected", "Media packets dropped while no peer was connected."),
        .counter("dropped_congested", "Media packets dropped because the peer took too little."),
        .counter("dropped_before_keyframe", "Media packets dropped until a keyframe came."),
        .counter("congestions", "Times that the peer took too little."),
        .gauge("readers_total", "Readers that are connected, when it listens."),
        .counter("readers_joined", "Readers that have come, when it listens."),
        .counter("readers_left", "Readers that have gone, when it listens."),
        .counter("reader_packets_sent", "Media packets sent, counted for each reader, when it listens."),
        .counter(
            "reader_packets_dropped",
            "Media packets that a reader did not get, counted for each reader, when it listens."),
        .gauge("slowest_reader_ms", "Media that wait for the slowest reader, when it listens."),
    ]
}

private let linkMetrics: [Metric] = [
    .counter("connections", "Connections that came about."),
    .counter("failed_calls", "Calls that failed: they were refused, or no peer answered."),
    .counter("refused_callers", "Callers that were not let in."),
    .counter("taken_over", "Connections that another caller has taken over."),
    .counter("outages", "Times that the connection was lost."),
    .counter("outage_ms", "The time without a connection after the first one, in sum."),
    .gauge("longest_outage_ms", "The longest time without a connection."),
    .gauge("latency_ms", "The latency that both ends have agreed on."),
]

/// As libsrt counts (its "API/statistics.md"). Counters go on over reconnections, gauges are the present connection's.
private let libraryMetrics: [Metric] = [
    .counter("packets_sent", "Data packets sent, with those sent again."),
    .counter("packets_sent_unique", "Data packets sent for the first time."),
    .counter("packets_received", "Data packets received, with those sent again."),
    .counter("packets_received_unique", "Data packets received for the first time."),
    .counter("packets_send_lost", "Data packets that the peer has reported as lost."),
    .counter("packets_receive_lost", "Data packets found missing."),
    .counter("packets_retransmitted", "Data packets sent again."),
    .counter("packets_send_dropped", "Data packets dropped before sending because they were too late."),
    .counter("packets_receive_dropped", "Data packets skipped because they had not come in time."),
    .counter("packets_undecrypted", "Data packets that could not be decrypted."),
    .counter("packets_received_retransmitted", "Data packets received that were sent again."),
    .counter("packets_belated", "Data packets that came after their time."),
    .counter("acks_sent", "Acknowledgements sent."),
    .counter("acks_received", "Acknowledgements received."),
    .counter("naks_sent", "Reports of loss sent."),
    .counter("naks_received", "Reports of loss received."),
    .counter("filter_packets_sent", "Packets of the packet filter sent."),
    .counter("filter_packets_received", "Packets of the packet filter received."),
    .counter("filter_packets_rebuilt", "Data packets that the packet filter has rebuilt."),
    .counter("filter_packets_lost", "Data packets that the packet filter could not rebuild."),
    .counter("bytes_sent", "Bytes sent, with those sent again and with headers."),
    .counter("bytes_sent_unique", "Bytes sent for the first time."),
    .counter("bytes_received", "Bytes received, with those sent again and with headers."),
    .counter("bytes_received_unique", "Bytes received for the first time."),
    .counter("bytes_receive_lost", "Bytes found missing, by the mean size of a packet."),
    .counter("bytes_retransmitted", "Bytes sent again."),
    .counter("bytes_send_dropped", "Bytes dropped before sending because they were too late."),
    .counter("bytes_receive_dropped", "Bytes skipped because they had not come in time."),
    .counter("bytes_undecrypted", "Bytes that could not be decrypted."),
    .counter("sending_us", "The time in which there was something to send."),
    .gauge("rtt_us", "The round trip, smoothed."),
    .gauge("connected_ms", "The age of the connection."),
    .gauge("send_rate_kbps", "The rate of sending since the last look."),
    .gauge("receive_rate_kbps", "The rate of receiving since the last look."),
    .gauge("bandwidth_kbps", "The estimated bandwidth of the path."),
    .gauge("max_bandwidth_kbps", "The highest rate of sending."),
    .gauge("send_period_us", "The least time between two data packets."),
    .gauge("flow_window_packets", "The most packets that may be under way."),
    .gauge("congestion_window_packets", "The most packets under way that congestion control allows."),
    .gauge("in_flight_packets", "Packets under way."),
    .gauge("send_buffer_packets", "Packets that wait in the sender's buffer."),
    .gauge("send_buffer_bytes", "Bytes that wait in the sender's buffer."),
    .gauge("send_buffer_ms", "Media that wait in the sender's buffer."),
    .gauge("send_buffer_free_bytes", "The room in the sender's buffer."),
    .gauge("send_delay_ms", "The latency of the peer, by which packets are dropped."),
    .gauge("receive_buffer_packets", "Packets that wait in the receiver's buffer."),
    .gauge("receive_buffer_bytes", "Bytes that wait in the receiver's buffer."),
    .gauge("receive_buffer_ms", "Media that wait in the receiver's buffer."),
    .gauge("receive_buffer_free_bytes", "The room in the receiver's buffer."),
    .gauge("receive_delay_ms", "The latency of this end."),
    .gauge("belated_us", "The mean delay of packets that came after their time."),
    .gauge("reorder_distance_packets", "The largest distance that a packet was out of order."),
    .gauge("reorder_tolerance_packets", "The distance that a packet may be out of order before it counts as lost."),
    .gauge("mss_bytes", "The largest packet, with headers."),
]
