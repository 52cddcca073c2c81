import Sluice
import TestSupport
import Testing

@testable import SegmentsPlugin

@Suite struct ReceiverTests {
    private var sample: Take {
        var take = Take()
        take.message(["type": "calibration", "on": true])
        take.segment(["epoch": 1, "segment_seq": 1], frames: 3, samples: 1_920)
        take.message(["type": "fence", "id": "after one"])
        take.segment(["epoch": 1, "segment_seq": 2, "pixel_format": "i420"], frames: 2, width: 33, height: 17)
        take.segment(["epoch": 1, "segment_seq": 3], samples: 441, rate: 22_050)
        take.message(["type": "interrupt", "epoch": 9])
        return take
    }

    @Test func theSameMessagesComeOutWhateverPiecesTheBytesComeIn() {
        let whole = receive(sample.bytes, pieces: [Int.max])
        #expect(whole.count == 6)
        #expect(whole[1].hasPrefix("segment 1/1: 3 frames, 1920 samples"))
        for pieces in [[1], [2, 3, 5, 7, 11], [15, 1], [4_096], [16, 17]] {
            #expect(receive(sample.bytes, pieces: pieces) == whole)
        }
    }

    private func first(of take: Take, session: UInt32) -> Segment? {
        let receiver = SegmentReceiver(mostMemory: 1 << 20)
        var rules = EpochRules(session: session)
        return take.bytes.withUnsafeBytes { bytes in
            var bytes = bytes
            guard case .segment(let segment) = receiver.next(&bytes, hasRoom: true, rules: &rules) else { return nil }
            return segment
        }
    }

    @Test func picturesAndAudioAreWhatWasWritten() throws {
        var take = Take()
        take.segment(frames: 2, samples: 100, width: 33, height: 17)
        let segment = first(of: take, session: 4)
        #expect(try #require(segment?.takeFrame(1)).packed == Take.picture(1, 33, 17))
        #expect(segment?.audio.map { Array($0.bytes) } == Take.tone(100, 16_000))
        #expect(segment?.epoch == 4)
    }

    @Test func rgbPicturesLieInRowsToo() throws {
        var take = Take()
        let bytes = (0..<3 * 7 * 5).map { UInt8($0) }
        take.raw(2, #"{"video_frames":1,"width":7,"height":5,"pixel_format":"rgb24"}"#, payload: bytes)
        let segment = first(of: take, session: 1)
        #expect(try #require(segment?.takeFrame(0)).packed == bytes)
    }

    static let bad: [(String, [UInt8], String)] = [
        (
            #"{"video_frames":2,"width":2,"height":2}"#, [1, 2, 3],
            "a segment of 2 pictures of 2x2 i420 has 12 bytes of payload, but 3 come"
        ),
        (
            #"{"audio_samples":4,"sample_rate":16000,"channels":2}"#, [0],
            "a segment of 4 samples of 2 ch has 16 bytes of payload, but 1 come"
        ),
        (
            #"{"audio_samples":1,"sample_rate":16000,"media_start_ms":-1}"#, [0, 0],
            "media_start_ms of a segment is -1, not a number from 0 to 1000000000"
        ),
        (
            #"{"audio_samples":1,"sample_rate":16000,"duration_ms":-20}"#, [0, 0],
            "duration_ms of a segment is -20, not a number from 0 to 3600000"
        ),
        (
            #"{"audio_samples":1,"sample_rate":7}"#, [0, 0],
            "sample_rate of a segment is 7, not a whole number from 8000 to 192000"
        ),
        (#"{"audio_samples":-1}"#, [], "audio_samples of a segment is -1, not a whole number from 0 to 2147483647"),
        (#"{}"#, [], "a segment has neither video_frames nor audio_samples"),
        (#"{"video_frames":1}"#, [], "a segment has 1 video_frames but no width and height"),
        (#"{"audio_samples":1}"#, [0, 0], "a segment has 1 audio_samples but no sample_rate"),
        (
            #"{"epoch":-1,"audio_samples":1,"sample_rate":16000}"#, [0, 0],
            "epoch of a segment is -1, not a whole number from 0 to 4294967295"
        ),
        (#"{"epoch":"two"}"#, [], "epoch of a segment is a string, not a whole number from 0 to 4294967295"),
        (#"{"fps":0}"#, [], "fps of a segment is 0, not a number from 1 to 1000"),
        (#"{"pixel_format":"nv12"}"#, [], #"pixel_format of a segment is "nv12", not i420 or rgb24"#),
        (#"{"audio_samples":2147483647,"sample_rate":8000}"#, [], "a segment lasts longer than an hour"),
        (#"[1]"#, [], "the JSON of a segment is an array, not an object"),
        (#"{"epoch":1"#, [], "the JSON of a segment is broken: the file ends inside the object that begins at 1:1"),
        ("", [], "the JSON of a segment is broken: the file is empty; a JSON object was expected"),
    ]

    @Test(arguments: bad) func aBadSegmentIsReadOverAndSaysWhatIsWrong(
        _ json: String, _ payload: [UInt8], _ message: String
    ) {
        var take = Take()
        take.raw(2, json, payload: payload)
        take.message(["type": "fence", "id": 1])
        let events = receive(take.bytes, pieces: [7])
        #expect(events.first?.hasPrefix("refused: \(message)") == true, "\(events)")
        #expect(events.dropFirst() == ["fence(SegmentsPlugin.MessageID.number(1))"])
    }

    static let messages: [(String, String)] = [
        (#"{"type":"fence"}"#, "a fence has no id"),
        (#"{"type":"interupt"}"#, #"there is no message of type "interupt"; there are interrupt, fence,"#),
        (#"{"epoch":1}"#, #"a message has no "type"; there are"#),
        (#"{"type":"interrupt","epoch":0}"#, "epoch of a message is 0, not a whole number from 1 to 4294967295"),
        (#"{"type":"calibration","on":1}"#, "on of a message is 1, not true or false"),
        (#"{"type":"fence","id":1,"name":2}"#, #"a message has no field "name"; it has type, at_ms, id"#),
        (#"{"type":"av_sync_feedback","excess_video_lag_ms":NaN}"#, "the JSON of a message is broken: "),
    ]

    @Test(arguments: messages) func aBadMessageIsReadOverAndSaysWhatIsWrong(_ json: String, _ message: String) {
        var take = Take()
        take.raw(1, json)
        take.message(["type": "interrupt"])
        let events = receive(take.bytes, pieces: [7])
        #expect(events.first?.hasPrefix("refused: \(message)") == true, "\(events)")
        #expect(events.count == 2)
    }

    @Test func bytesThatAreNoMessageBreakTheStream() {
        #expect(
            receive(Array("GET / HTTP/1.1\r\n\r\n".utf8), pieces: [5])
                == ["broken: no message begins with the bytes 47 45 54 20; each begins with AVS1"])
        var take = Take()
        take.raw(9, "{}")
        #expect(receive(take.bytes, pieces: [5])[0].hasPrefix("broken: a message of kind 9 is not known"))
        let long = Array("AVS1".utf8) + [1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
        #expect(receive(long, pieces: [5])[0].hasPrefix("broken: a message says that it has 16842752 bytes of JSON"))
    }

    @Test func aStreamThatEndsWithinASegmentSaysHowMuchOfItCame() {
        var take = Take()
        take.segment(samples: 100)
        #expect(
            receive(Array(take.bytes.dropLast(50)), pieces: [33]) == [
                "unfinished after 150 of the 200 bytes of a segment"
            ])
        #expect(receive(Array(take.bytes.prefix(9)), pieces: [33]) == ["unfinished before a message was complete"])
    }

    private func refusal(
        _ receiver: SegmentReceiver, _ bytes: inout UnsafeRawBufferPointer, _ rules: inout EpochRules
    ) -> String? {
        guard case .refused(let what) = receiver.next(&bytes, hasRoom: true, rules: &rules) else { return nil }
        return what
    }

    @Test func aSegmentThatIsTooLargeIsReadOver() {
        var take = Take()
        take.segment(samples: 600)
        take.segment(samples: 100)
        let receiver = SegmentReceiver(mostMemory: 1_000)
        var rules = EpochRules(session: 1)
        take.bytes.withUnsafeBytes { bytes in
            var bytes = bytes
            #expect(
                refusal(receiver, &bytes, &rules)
                    == "a segment takes 1200 bytes of memory, and max_segment_mb allows 1000")
            guard case .segment = receiver.next(&bytes, hasRoom: true, rules: &rules) else {
                Issue.record("the next was not taken")
                return
            }
        }
        #expect(receiver.received == 2)
    }

    @Test func manySmallPicturesCountWithTheMemoryThatTheyTake() {
        var take = Take()
        take.raw(2, #"{"video_frames":1000,"width":1,"height":1}"#, payload: [UInt8](repeating: 0, count: 3_000))
        let receiver = SegmentReceiver(mostMemory: 100_000)
        var rules = EpochRules(session: 1)
        take.bytes.withUnsafeBytes { bytes in
            var bytes = bytes
            #expect(
                refusal(receiver, &bytes, &rules)
                    == "a segment takes 704000 bytes of memory, and max_segment_mb allows 100000")
        }
    }

    @Test func withoutRoomNothingBehindASegmentIsLookedAtUntilThereIs() {
        var take = Take()
        take.segment(samples: 100)
        take.message(["type": "interrupt"])
        let receiver = SegmentReceiver(mostMemory: 1_000)
        var rules = EpochRules(session: 1)
        take.bytes.withUnsafeBytes { bytes in
            var bytes = bytes
            for _ in 0..<3 {
                guard case .held = receiver.next(&bytes, hasRoom: false, rules: &rules) else {
                    Issue.record("was not held")
                    return
                }
            }
            // Interrupted meanwhile: a segment of an epoch that has passed needs no room.
            guard case .segment = receiver.next(&bytes, hasRoom: true, rules: &rules) else {
                Issue.record("was not taken")
                return
            }
            guard case .message = receiver.next(&bytes, hasRoom: false, rules: &rules) else {
                Issue.record("no message")
                return
            }
        }
    }

    @Test func brokenAndRandomStreamsNeverCrash() {
        var dice = Dice(seed: 4)
        let whole = sample.bytes
        for _ in 0..<3_000 {
            var bytes = whole
            switch Int.random(in: 0..<4, using: &dice) {
            case 0:
                for _ in 0..<Int.random(in: 1...8, using: &dice) {
                    bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
                }
            case 1: bytes.removeSubrange(0..<Int.random(in: 0..<bytes.count, using: &dice))
            case 2: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &dice))
            default:
                // Within the first JSON, where damage is most often still a message.
                let index = Int.random(in: 8..<600, using: &dice)
                bytes[index] = UInt8.random(in: 0x20...0x7e, using: &dice)
            }
            let pieces = (0..<5).map { _ in Int.random(in: 1...2_000, using: &dice) }
            let events = receive(bytes, pieces: pieces)
            // A stream of n messages gives no more events than that, and one about its end.
            #expect(events.count <= 8)
        }
        for _ in 0..<2_000 {
            let count = Int.random(in: 0..<200, using: &dice)
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) }
            _ = receive(Array("AVS1".utf8) + [UInt8.random(in: 0...3, using: &dice), 0, 0, 0] + noise, pieces: [3])
        }
    }

    @Test func jsonOfRandomFieldsNeverCrashes() {
        var dice = Dice(seed: 5)
        let names = [
            "epoch", "segment_seq", "media_start_ms", "duration_ms", "video_frames", "width", "height", "fps",
            "audio_samples", "sample_rate", "channels", "user_final_at", "type", "id", "timeout_ms", "at_ms",
        ]
        let values = [
            "0", "1", "-1", "2", "16384", "25", "4294967295", "4294967296", "9223372036854775807", "1e308", "-0.0",
            "0.001",
            "null", "true", "\"\"", "[]", "{}", "48000", "1000000", "2147483647",
        ]
        for _ in 0..<20_000 {
            let fields = names.shuffled(using: &dice).prefix(Int.random(in: 0...8, using: &dice)).map {
                "\"\($0)\":\(values.randomElement(using: &dice)!)"
            }
            var take = Take()
            take.raw(UInt8.random(in: 1...2, using: &dice), "{\(fields.joined(separator: ","))}", payload: [0, 0])
            #expect(receive(take.bytes, pieces: [100]).count == 1)
        }
    }
}
