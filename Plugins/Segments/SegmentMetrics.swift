import Sluice

extension AVSegments {
    public static let metrics: [Metric] = [
        .counter("segments", "Segments begun."),
        .counter("interrupted_segments", "Segments that an interruption cut off."),
        .counter("interruptions", "Interruptions."),
        .counter("unwatched_segments", "Segments that were dropped because no viewer came."),
        .counter("skipped", "Pictures and pieces of audio left out because the graph took too little."),
        .counter("microphone_frames", "Frames sent to the peer."),
        .counter("microphone_dropped", "Frames that the peer did not take."),
        .counter("messages_dropped", "Messages that found no room."),
        .histogram(
            "user_final_to_first_picture_ms", "The time from the user's last word to the first picture of the answer."),
        .counter("pacing_slips", "Segments whose media went out 20 ms or more after their time."),
        .counter("refused", "Messages that make no sense."),
        .counter("stale_segments", "Segments of a turn that was interrupted before."),
    ]
}
