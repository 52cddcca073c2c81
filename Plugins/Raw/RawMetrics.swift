import Sluice

/// Of both raw sources.
private let readingMetrics: [Metric] = [
    .counter("bytes", "Bytes read."),
    .counter("partial_bytes", "Bytes of cut frames, which are thrown away."),
    .counter("corrections", "Times that the timestamps were set anew."),
    .counter("cut_units", "Frames that came in part."),
    .counter("late_frames_dropped", "Frames that were late and left out."),
    .gauge("late_max_ms", "The longest delay of the stream while it was held up."),
]

/// Of both raw outputs.
private let writingMetrics: [Metric] = [
    .counter("bytes", "Bytes written."),
    .counter("lost_frames", "Frames that no reader took."),
]

extension RawAudioSource { public static var metrics: [Metric] { readingMetrics } }
extension RawVideoSource { public static var metrics: [Metric] { readingMetrics } }
extension RawAudioOutput {
    public static var metrics: [Metric] {
        writingMetrics + [
            .counter("silence_ms", "Silence written where audio was missing."),
            .counter("cut_ms", "Audio cut because it overlapped what was there."),
        ]
    }
}
extension RawVideoOutput { public static var metrics: [Metric] { writingMetrics } }
