import Sluice

/// The diagnostics that a peer gets of each segment with a `segment_seq` above 0, before its first packet.
struct SegmentDiagnostics {
    let session: String
    let header: SegmentHeader
    let epoch: UInt32
    /// Where it begins in its turn, as it says or as it follows.
    let turnStart: MediaTime
    /// When its first media go out, in milliseconds since 1970.
    let publishWall: Double
    /// Its marker and the marker's number; nil while calibration is off, and for a segment without both media.
    let marker: (number: Int, plan: MarkerPlan)?

    /// As the segment says, else of its video, else of its audio.
    var durationMilliseconds: Double {
        if let duration = header.duration { return duration.milliseconds }
        if header.frameCount > 0 { return (Double(header.frameCount) * 1_000 / header.frameRate.perSecond).rounded() }
        return (Double(header.sampleCount) * 1_000 / Double(max(1, header.sampleRate))).rounded()
    }

    var json: String {
        MessageText.object {
            $0.key("type", "segment")
            $0.key("session", session)
            $0.key("turn_seq", Int(epoch))
            $0.key("segment_seq", header.sequence)
            $0.key("media_start_ms", turnStart.milliseconds, places: 3)
            $0.key("duration_ms", durationMilliseconds, places: 3)
            $0.key("video_frames", header.frameCount)
            $0.key("fps", header.frameCount > 0 ? header.frameRate.perSecond : 0, places: 3)
            $0.key("audio_samples", header.sampleCount)
            $0.key("sample_rate", header.sampleRate)
            $0.key("publish_wall_ms", publishWall, places: 3)
            let start = turnStart.milliseconds
            $0.key("marker_id", marker?.number ?? 0)
            $0.key("marker_media_time_ms", marker.map { start + $0.plan.offset.milliseconds } ?? 0, places: 3)
            $0.key("marker_duration_ms", marker?.plan.duration.milliseconds ?? 0, places: 3)
            $0.key("marker_frequency_hz", marker == nil ? 0 : MarkerPlan.frequency)
        }
    }
}

/// The graph's clock against the time of day.
struct WallClock {
    /// The graph's clock shows so much less than the nanoseconds since 1970.
    var offset: Int64

    /// In milliseconds since 1970.
    func milliseconds(at instant: Instant) -> Double {
        // Whole milliseconds apart: in one number they would leave no digits for the rest.
        let (whole, rest) = (instant.nanoseconds &+ offset).quotientAndRemainder(dividingBy: 1_000_000)
        return Double(whole) + Double(rest) / 1e6
    }

    /// nil for times that are a day or more away from `now`: no such time was meant.
    func instant(atMilliseconds wall: Double, near now: Instant) -> Instant? {
        let ago = milliseconds(at: now) - wall
        guard abs(ago) < 86_400_000 else { return nil }
        return now - .seconds(ago / 1_000)
    }
}
