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

    /// In this order, as docs/av-segments.md has them.
    var fields: [JSONValue.Member] {
        let start = turnStart.milliseconds
        let rate = header.frameCount > 0 ? header.frameRate.perSecond : 0
        let markerTime = marker.map { start + $0.plan.offset.milliseconds } ?? 0
        return [
            .init("session", .init(.string(session))), .init("turn_seq", .init(.integer(Int(epoch)))),
            .init("segment_seq", .init(.integer(header.sequence))), .init("media_start_ms", .init(.number(start))),
            .init("duration_ms", .init(.number(durationMilliseconds))),
            .init("video_frames", .init(.integer(header.frameCount))), .init("fps", .init(.number(rate))),
            .init("audio_samples", .init(.integer(header.sampleCount))),
            .init("sample_rate", .init(.integer(header.sampleRate))),
            .init("publish_wall_ms", .init(.number(publishWall))),
            .init("marker_id", .init(.integer(marker?.number ?? 0))),
            .init("marker_media_time_ms", .init(.number(markerTime))),
            .init("marker_duration_ms", .init(.number(marker?.plan.duration.milliseconds ?? 0))),
            .init("marker_frequency_hz", .init(.integer(marker == nil ? 0 : MarkerPlan.frequency))),
        ]
    }

    var json: String {
        MessageText.object {
            $0.key("type", "segment")
            for field in fields {
                switch field.value.kind {
                case .string(let text): $0.key(field.key, text)
                case .integer(let number): $0.key(field.key, number)
                default: $0.key(field.key, field.value.number ?? 0, places: 3)
                }
            }
        }
    }

    /// Of the output `events`.
    static let schema = DataSchema(
        "av-segment",
        fields: [
            .init("session", help: "The session's name."),
            .init("turn_seq", help: "The turn that the segment belongs to."),
            .init("segment_seq", help: "The segment's number in its turn."),
            .init("media_start_ms", help: "The beginning of the segment in its turn, in ms."),
            .init("duration_ms", help: "The length of the segment in ms."),
            .init("video_frames", help: "The number of pictures."),
            .init("fps", help: "Pictures a second. 0 without pictures."),
            .init("audio_samples", help: "The number of samples of each channel."),
            .init("sample_rate", help: "The rate of the samples in Hz."),
            .init("publish_wall_ms", help: "The time at which its first media go out, in ms since 1970."),
            .init("marker_id", help: "The number of its mark for calibration. 0 where it has none."),
            .init("marker_media_time_ms", help: "The time of the mark in the turn, in ms."),
            .init("marker_duration_ms", help: "The length of the mark in ms."),
            .init("marker_frequency_hz", help: "The frequency of the mark's tone in Hz."),
        ])
    static let format = MediaFormat(data: schema)
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
