import Sluice

extension AVSegments {
    public static let metrics: [Metric] = [
        .counter("segments", "segments begun"),
        .counter("interrupted_segments", "segments that an interruption cut off"),
        .counter("interruptions", "interruptions"),
        .counter("skipped", "pictures and pieces of audio left out because the graph took too little"),
        .counter("microphone_frames", "frames sent to the peer"),
        .counter("microphone_dropped", "frames that the peer did not take"),
        .counter("messages_dropped", "messages that found no room"),
        .histogram("user_final_to_first_picture_ms", "from the user's last word to the first picture of the answer"),
        .counter("pacing_slips", "segments whose media went out 20 ms or more after their time"),
        .counter("refused", "messages that make no sense"),
        .counter("stale_segments", "segments of a turn that was interrupted before"),
    ]
}
