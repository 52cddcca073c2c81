import Sluice

extension Source {
    public static let metrics: [Metric] = [
        .counter("slipped_ms", "how much later than the clock its media became because the graph did not take them"),
        .counter("late_video_dropped", "items of video that were late and left out"),
        .counter("late_audio_dropped", "items of audio that were late and left out"),
        .counter("time_leaps", "times that the file's timestamps leapt to somewhere new and were made to go on"),
        .counter("damaged_packets", "packets of the file that could not be decoded"),
    ]
}

extension Record {
    public static let metrics: [Metric] = [
        .counter("bytes", "bytes written"),
        .counter("files", "files, the present one included"),
        .counter("deleted_files", "files of this run that were deleted because of keep, keep_mb or min_free_mb"),
        .counter("late_items", "items of a stream that came after a pipe was begun without it, left out"),
        .counter("undecodable_packets", "packets before the first keyframe of a stream, left out"),
        .counter("refused_packets", "packets that the container does not take, left out"),
        .counter("corrected_times", "timestamps that did not rise and were changed"),
        .counter("silence_ms", "silence where audio was missing, in a file without times"),
        .counter("cut_ms", "audio that overlapped what was there, cut in a file without times"),
    ]
}
