import Sluice

extension SRTInput {
    public static let metrics = linkMetrics + receiverMetrics + libraryMetrics

    private static let receiverMetrics: [Metric] = [
        .counter("datagrams", "datagrams taken from SRT"),
        .counter("ts_packets_lost", "MPEG-TS packets missing by their continuity counters"),
        .counter("damaged_units", "frames that lack a part"),
        .counter("stray_bytes", "bytes that are no MPEG-TS"),
        .counter("ts_packets_scrambled", "MPEG-TS packets that are scrambled"),
        .counter("before_keyframe", "frames left out because no keyframe had come"),
        .counter("video_dropped", "packets of video left out because the node behind took none for too long"),
        .counter("audio_dropped", "packets of audio left out because the node behind took none for too long"),
        .counter("program_changes", "changes of the sender's program map"),
        .counter("time_leaps", "times that the sender's timestamps leapt to somewhere new and were made to go on"),
    ]
}

extension SRTOutput {
    public static let metrics = linkMetrics + senderMetrics + libraryMetrics

    private static let senderMetrics: [Metric] = [
        .counter("media_packets_sent", "media packets sent"),
        .counter("dropped_unconnected", "media packets dropped while no peer was connected"),
        .counter("dropped_congested", "media packets dropped because the peer took too little"),
        .counter("dropped_before_keyframe", "media packets dropped until a keyframe came"),
        .counter("congestions", "times that the peer took too little"),
        .gauge("readers_total", "as a listener: readers that are connected"),
        .counter("readers_joined", "as a listener: readers that have come"),
        .counter("readers_left", "as a listener: readers that have gone"),
        .counter("reader_packets_sent", "as a listener: media packets sent, counted for each reader"),
        .counter("reader_packets_dropped", "as a listener: media packets that a reader did not get, for each reader"),
        .gauge("slowest_reader_ms", "as a listener: media that wait for the reader for which most wait"),
    ]
}

private let linkMetrics: [Metric] = [
    .counter("connections", "connections that came about"),
    .counter("failed_calls", "calls that nobody answered or that were refused"),
    .counter("refused_callers", "callers that were not let in"),
    .counter("taken_over", "connections that another caller has taken over"),
    .counter("outages", "times that the connection was lost"),
    .counter("outage_ms", "how long there was no connection after the first, together"),
    .gauge("longest_outage_ms", "the longest time without a connection"),
    .gauge("latency_ms", "latency that both ends have agreed on"),
]

/// As libsrt counts (its "API/statistics.md"). Counters go on over reconnections, gauges are the present connection's.
private let libraryMetrics: [Metric] = [
    .counter("packets_sent", "data packets sent, retransmitted ones included"),
    .counter("packets_sent_unique", "data packets sent for the first time"),
    .counter("packets_received", "data packets received, retransmitted ones included"),
    .counter("packets_received_unique", "data packets received for the first time"),
    .counter("packets_send_lost", "data packets that the peer has reported as lost"),
    .counter("packets_receive_lost", "data packets found missing"),
    .counter("packets_retransmitted", "data packets sent again"),
    .counter("packets_send_dropped", "data packets dropped before sending because they were too late"),
    .counter("packets_receive_dropped", "data packets skipped because they had not come in time"),
    .counter("packets_undecrypted", "data packets that could not be decrypted"),
    .counter("packets_received_retransmitted", "retransmitted data packets received"),
    .counter("packets_belated", "data packets that came after their time"),
    .counter("acks_sent", "acknowledgements sent"),
    .counter("acks_received", "acknowledgements received"),
    .counter("naks_sent", "reports of loss sent"),
    .counter("naks_received", "reports of loss received"),
    .counter("filter_packets_sent", "packets of the packet filter sent"),
    .counter("filter_packets_received", "packets of the packet filter received"),
    .counter("filter_packets_rebuilt", "data packets that the packet filter has rebuilt"),
    .counter("filter_packets_lost", "data packets that the packet filter could not rebuild"),
    .counter("bytes_sent", "bytes sent, retransmitted ones and headers included"),
    .counter("bytes_sent_unique", "bytes sent for the first time"),
    .counter("bytes_received", "bytes received, retransmitted ones and headers included"),
    .counter("bytes_received_unique", "bytes received for the first time"),
    .counter("bytes_receive_lost", "bytes found missing, by the mean size of a packet"),
    .counter("bytes_retransmitted", "bytes sent again"),
    .counter("bytes_send_dropped", "bytes dropped before sending because they were too late"),
    .counter("bytes_receive_dropped", "bytes skipped because they had not come in time"),
    .counter("bytes_undecrypted", "bytes that could not be decrypted"),
    .counter("sending_us", "time in which there was something to send"),
    .gauge("rtt_us", "round trip, smoothed"),
    .gauge("connected_ms", "how long the connection lasts"),
    .gauge("send_rate_kbps", "rate of sending since the last look"),
    .gauge("receive_rate_kbps", "rate of receiving since the last look"),
    .gauge("bandwidth_kbps", "estimated bandwidth of the path"),
    .gauge("max_bandwidth_kbps", "most that may be sent"),
    .gauge("send_period_us", "least time between two data packets"),
    .gauge("flow_window_packets", "packets that may be under way"),
    .gauge("congestion_window_packets", "packets that congestion control allows to be under way"),
    .gauge("in_flight_packets", "packets under way"),
    .gauge("send_buffer_packets", "packets that wait in the sender's buffer"),
    .gauge("send_buffer_bytes", "bytes that wait in the sender's buffer"),
    .gauge("send_buffer_ms", "media that wait in the sender's buffer"),
    .gauge("send_buffer_free_bytes", "room in the sender's buffer"),
    .gauge("send_delay_ms", "latency of the peer, by which packets are dropped"),
    .gauge("receive_buffer_packets", "packets that wait in the receiver's buffer"),
    .gauge("receive_buffer_bytes", "bytes that wait in the receiver's buffer"),
    .gauge("receive_buffer_ms", "media that wait in the receiver's buffer"),
    .gauge("receive_buffer_free_bytes", "room in the receiver's buffer"),
    .gauge("receive_delay_ms", "latency of this end"),
    .gauge("belated_us", "how late belated packets are on average"),
    .gauge("reorder_distance_packets", "how far packets have been out of order at most"),
    .gauge("reorder_tolerance_packets", "how far packets may be out of order before they count as lost"),
    .gauge("mss_bytes", "largest packet, headers included"),
]
