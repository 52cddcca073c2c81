import Sluice

extension Source {
    public static let metrics: [Metric] = [
        .counter("slipped_ms", "The delay of its media behind the clock because the graph did not take them."),
        .counter("late_video_dropped", "Items of video that were late and left out."),
        .counter("late_audio_dropped", "Items of audio that were late and left out."),
        .counter("time_leaps", "Leaps of the file's timestamps that were smoothed out."),
        .counter("damaged_packets", "Packets of the file that could not be decoded, or not wholly."),
    ]
}

extension Record {
    public static let metrics: [Metric] = [
        .counter("bytes", "Bytes written."),
        .counter("files", "Files written, with the present one."),
        .counter("deleted_files", "Files of this run that were deleted because of keep, keep_mb or min_free_mb."),
        .counter("late_items", "Items left out because a pipe was begun without their stream."),
        .counter("undecodable_packets", "Packets left out because their stream had no keyframe yet."),
        .counter("refused_packets", "Packets left out because the container does not take them."),
        .counter("corrected_times", "Timestamps that did not rise and were changed."),
        .counter("silence_ms", "Silence written where audio was missing, in a file without times."),
        .counter("cut_ms", "Audio cut because it overlapped what was there, in a file without times."),
    ]
}
