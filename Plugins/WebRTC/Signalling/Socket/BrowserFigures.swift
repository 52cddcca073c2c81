import Sluice

/// A browser's measurement of its picture against its sound (`av_sync_feedback`), with the fields of
/// docs/av-segments.md.
struct SyncReport: Equatable, Sendable {
    /// The turn that was watched; 0 where it is not known.
    var turn = 0
    /// How much later than its sound the picture is seen, in ms.
    var excessVideoLag = 0.0
    /// The video's jitter buffer less the audio's, in ms.
    var jitterBufferDelta = 0.0
    /// `likely` is `video_late_audio_leads`, the one verdict that moves anything.
    var isVideoLate = false

    init(turn: Int = 0, excessVideoLag: Double = 0, jitterBufferDelta: Double = 0, isVideoLate: Bool = false) {
        (self.turn, self.excessVideoLag) = (turn, excessVideoLag)
        (self.jitterBufferDelta, self.isVideoLate) = (jitterBufferDelta, isVideoLate)
    }

    init(_ fields: SignalFields) throws(SignalFault) {
        let milliseconds = -1e7...1e7
        turn = try fields.integer("turn_seq", 0...Int(UInt32.max)) ?? 0
        excessVideoLag = try fields.number("excess_video_lag_ms", milliseconds) ?? 0
        jitterBufferDelta = try fields.number("jitter_buffer_delta_ms", milliseconds) ?? 0
        isVideoLate = try fields.string("likely", longest: 64) == "video_late_audio_leads"
    }
}

/// Figures of a browser's `getStats` (`stats`), for the report: what it counts, beside what we count.
struct BrowserFigures: Equatable, Sendable {
    /// One of them.
    struct Figure: Sendable {
        /// In the message.
        let field: String
        /// In the report, where whole numbers stand.
        let metric: String
        let help: String
        /// The metric's unit is so much finer than the field's.
        var scale = 1.0
        /// It only rises.
        var isCount = false

        var declaration: Metric { isCount ? .counter(metric, help) : .gauge(metric, help) }
    }

    /// In the order of `values`.
    static let all = [
        Figure(field: "video_delay_ms", metric: "browser_video_delay_ms", help: "The browser's video jitter buffer."),
        Figure(field: "audio_delay_ms", metric: "browser_audio_delay_ms", help: "The browser's audio jitter buffer."),
        Figure(
            field: "audio_target_ms", metric: "browser_audio_target_ms",
            help: "The delay that the browser aims at for audio."),
        Figure(
            field: "lost_packets", metric: "browser_lost_packets",
            help: "Packets of all media that the browser misses.",
            isCount: true
        ),
        Figure(
            field: "concealed_percent", metric: "browser_concealed_ppm",
            help: "Sound that the browser made up, of a million samples.", scale: 10_000),
        Figure(
            field: "stretched_percent", metric: "browser_stretched_ppm",
            help: "Sound that the browser played slower or faster, of a million samples.", scale: 10_000),
        Figure(
            field: "freezes", metric: "browser_freezes", help: "Freezes of the picture that the browser counts.",
            isCount: true),
        Figure(
            field: "av_offset_ms", metric: "browser_av_offset_ms", help: "How late the picture is behind the sound."),
        Figure(field: "video_kbps", metric: "browser_video_kbps", help: "The bitrate of video that comes, in kb/s."),
        Figure(field: "audio_kbps", metric: "browser_audio_kbps", help: "The bitrate of audio that comes, in kb/s."),
        Figure(
            field: "round_trip_ms", metric: "browser_round_trip_us", help: "The round trip of the browser's checks.",
            scale: 1_000),
    ]

    /// Those of `all`; nil where the browser does not tell it.
    var values: [Double?]

    init(_ fields: SignalFields) throws(SignalFault) {
        var found: [Double?] = []
        for figure in BrowserFigures.all { found.append(try fields.number(figure.field, -1e9...1e9)) }
        values = found
    }
}
