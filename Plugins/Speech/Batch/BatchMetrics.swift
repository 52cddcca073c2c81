import Sluice

/// The counts of an `stt-batch`.
struct BatchMetrics {
    let recorded: Metric.Counter
    let lost: Metric.Counter
    let texts: Metric.Counter
    let stored: Metric.Counter
    let retries: Metric.Counter
    let waiting: Metric.Counter
    let chunks: Metric.Counter
    let bytes: Metric.Counter
    let jobs: Metric.Counter
    let dead: Metric.Counter
    let delay: Metric.Histogram
    let engine: Metric.Counter
    let written: Metric.Counter

    init(_ context: NodeContext) {
        recorded = context.counter("recorded_ms")
        lost = context.counter("lost_ms")
        texts = context.counter("texts")
        stored = context.counter("jobs_stored")
        retries = context.counter("retries")
        waiting = context.gauge("waiting_ms")
        chunks = context.gauge("chunks_total")
        bytes = context.gauge("spool_bytes")
        jobs = context.gauge("jobs_waiting_total")
        dead = context.gauge("jobs_dead_total")
        delay = context.histogram("stored_after_ms")
        engine = context.counter("engine_ms")
        written = context.counter("written_ms")
    }
}

extension SpeechBatch {
    public static let metrics: [Metric] = [
        .counter("recorded_ms", "Audio in ms that was put into the spool."),
        .counter("lost_ms", "Audio in ms for which the spool had no room."),
        .counter("texts", "Texts that were stored."),
        .counter("jobs_stored", "Batches whose text was stored."),
        .counter("retries", "Batches that were sent again."),
        .gauge("waiting_ms", "Audio in ms that is in the spool and has no text yet."),
        .gauge("chunks_total", "Chunks that are in the spool."),
        .gauge("spool_bytes", "The size in bytes of the chunks in the spool."),
        .gauge("jobs_waiting_total", "Batches that wait to be written, or are being written."),
        .gauge("jobs_dead_total", "Batches that were tried eight times and are not tried again."),
        .histogram(
            "stored_after_ms",
            "The time in ms from the end of a batch's audio to the moment at which its text is stored."),
        .counter("engine_ms", "The time in ms that the server or the engine took for the batches that it wrote."),
        .counter("written_ms", "The audio in ms of those batches."),
    ]
}
