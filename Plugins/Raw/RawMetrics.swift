import Sluice

/// Of both raw sources.
private let readingMetrics: [Metric] = [
    .counter("bytes", "bytes read"),
    .counter("partial_bytes", "bytes of frames that were cut off, which are thrown away"),
    .counter("corrections", "times that the timestamps were set anew"),
    .counter("cut_units", "frames that came in part"),
    .counter("late_frames_dropped", "frames that were late and left out"),
    .gauge("late_max_ms", "the most that the stream was behind while it was held up"),
]

/// Of both raw outputs.
private let writingMetrics: [Metric] = [
    .counter("bytes", "bytes written"),
    .counter("lost_frames", "frames that no reader took"),
]

extension RawAudioSource { public static var metrics: [Metric] { readingMetrics } }
extension RawVideoSource { public static var metrics: [Metric] { readingMetrics } }
extension RawAudioOutput {
    public static var metrics: [Metric] {
        writingMetrics + [
            .counter("silence_ms", "silence where audio was missing"),
            .counter("cut_ms", "audio that overlapped what was there, cut"),
        ]
    }
}
extension RawVideoOutput { public static var metrics: [Metric] { writingMetrics } }
