import Sluice
import Testing

@testable import SegmentsPlugin

@Suite struct TracingTests {
    private func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64(milliseconds * 1e6)) }

    private func entry(_ sequence: Int, start: Int64, epoch: UInt32 = 2) -> TraceBook.Entry {
        TraceBook.Entry(
            clock: 1, epoch: epoch, start: .milliseconds(start), label: "hello", sequence: sequence,
            enqueued: at(1_000),
            userFinal: at(400))
    }

    private func seen(_ pts: Int64, epoch: UInt32 = 2, captured: Double = 1_100) -> TraceBook.Sighting {
        TraceBook.Sighting(
            clock: 1, epoch: epoch, pts: .milliseconds(pts), captured: at(captured), bitrate: 1_500_000)
    }

    @Test func aSegmentIsFollowedFromItsEncoderToItsSender() {
        var book = TraceBook()
        book.open(entry(3, start: 400))
        let encoded = book.encoded(seen(400), at(1_112.5))
        let published = book.published(seen(400), at(1_120))
        let sent = book.sent(seen(400), at(1_121))
        #expect(
            (encoded + published + sent).map(\.json) == [
                #"""
                {"type": "trace", "trace_label": "hello", "event": "encode_started", "turn_seq": 2, "segment_seq": 3, \#
                "queue_ms": 100, "bitrate_kbps": 1500, "since_user_final_ms": 700}
                """#,
                #"""
                {"type": "trace", "trace_label": "hello", "event": "encode_done", "turn_seq": 2, "segment_seq": 3, \#
                "encode_ms": 12.5, "since_user_final_ms": 712.5}
                """#,
                #"""
                {"type": "trace", "trace_label": "hello", "event": "publish_started", "turn_seq": 2, \#
                "segment_seq": 3, "queue_ms": 7.5, "since_user_final_ms": 720}
                """#,
                #"""
                {"type": "trace", "trace_label": "hello", "event": "first_video_sent", "turn_seq": 2, \#
                "segment_seq": 3, "publish_ms": 1, "since_user_final_ms": 721}
                """#,
            ])
    }

    @Test func withoutATraceNodeAtTheEncoderTheSendersTellsItAll() {
        var book = TraceBook()
        book.open(entry(3, start: 400))
        #expect(
            book.published(seen(400), at(1_112)).map(\.event) == ["encode_started", "encode_done", "publish_started"])
        #expect(book.sent(seen(400), at(1_113)).map(\.event) == ["first_video_sent"])
    }

    @Test func theNearestSegmentOfTheTurnIsMeant() {
        var book = TraceBook()
        for (sequence, start) in [(1, 0), (2, 400), (3, 800)] { book.open(entry(sequence, start: Int64(start))) }
        book.open(entry(9, start: 400, epoch: 3))
        // Restamped by a clock that runs a little fast.
        #expect(book.encoded(seen(402), at(1_120)).map(\.sequence) == [2, 2])
        #expect(book.encoded(seen(402, epoch: 3), at(1_120)).map(\.sequence) == [9, 9])
        #expect(book.encoded(seen(5_000), at(1_120)).isEmpty)
        #expect(book.sent(seen(400), at(1_120)).isEmpty)
    }

    @Test func theBookIsBounded() {
        var book = TraceBook()
        for sequence in 1...100 { book.open(entry(sequence, start: Int64(sequence) * 10_000)) }
        #expect(book.encoded(seen(360_000), at(0)).isEmpty)
        #expect(book.encoded(seen(370_000), at(0)).count == 2)
    }

    @Test func diagnosticsHaveTheirFieldsInOrder() {
        var header = SegmentHeader()
        (header.sequence, header.frameCount, header.width, header.height) = (4, 10, 64, 48)
        (header.sampleCount, header.sampleRate) = (6_400, 16_000)
        header.frameRate = .init(30_000, 1_001)
        let plain = SegmentDiagnostics(
            session: "room 1", header: header, epoch: 7, turnStart: .milliseconds(1_200),
            publishWall: 1_700_000_000_123.5, marker: nil)
        #expect(
            plain.json
                == #"""
                {"type": "segment", "session": "room 1", "turn_seq": 7, "segment_seq": 4, "media_start_ms": 1200, \#
                "duration_ms": 334, "video_frames": 10, "fps": 29.97, "audio_samples": 6400, "sample_rate": 16000, \#
                "publish_wall_ms": 1700000000123.5, "marker_id": 0, "marker_media_time_ms": 0, \#
                "marker_duration_ms": 0, "marker_frequency_hz": 0}
                """#
        )
        header.frameRate = .init(25)
        header.duration = .milliseconds(390)
        let marked = SegmentDiagnostics(
            session: "", header: header, epoch: 7, turnStart: .milliseconds(1_200), publishWall: 0,
            marker: MarkerPlan(header).map { (12, $0) })
        #expect(
            marked.json.hasSuffix(
                #"""
                "marker_id": 12, "marker_media_time_ms": 1280, "marker_duration_ms": 80, "marker_frequency_hz": 1800}
                """#
            ))
        #expect(marked.json.contains(#""duration_ms": 390,"#))
    }

    @Test func theTimeOfDayIsMappedOnlyWhereItIsNear() {
        let wall = WallClock(offset: 1_700_000_000_000_000_000)
        #expect(wall.milliseconds(at: at(250)) == 1_700_000_000_250)
        #expect(wall.instant(atMilliseconds: 1_700_000_000_100, near: at(250)) == at(100))
        // Seconds instead of milliseconds, say.
        #expect(wall.instant(atMilliseconds: 1_700_000_000, near: at(250)) == nil)
    }
}
