import Sluice
import Testing

@testable import RawPlugin

/// Whether pictures begin where the reader thinks, in virtual time.
@Suite struct AlignmentTests {
    /// A writer that sends pieces and rests, and a reader of pictures of `pictureBytes` at 30 a second.
    struct Scene {
        let pictureBytes: Int
        var alignment: RawAlignment
        var position = 0
        var now = Instant(nanoseconds: 1_000_000_000)
        var verdicts: [RawAlignment.Verdict] = []

        init(_ pictureBytes: Int) {
            self.pictureBytes = pictureBytes
            alignment = RawAlignment(pictureBytes: pictureBytes, period: .milliseconds(33))
        }

        /// Rests for so many ms, then sends `bytes` in pieces of 64 KiB, each of which the reader waits for.
        mutating func send(_ bytes: Int, after milliseconds: Int64) {
            alignment.wait()
            now = now + .milliseconds(milliseconds)
            let verdict = alignment.resume(at: now, position: position)
            if verdict != .unknown { verdicts.append(verdict) }
            if verdict == .beginsHere { position = 0 }
            var left = bytes
            while left > 0 {
                let piece = min(left, 65_536)
                alignment.note(piece, at: now)
                position = (position + piece) % pictureBytes
                left -= piece
                alignment.wait()
                now = now + .microseconds(50)
                if left > 0 { #expect(alignment.resume(at: now, position: position) == .unknown) }
            }
        }
    }

    @Test func picturesThatFitGiveNoVerdict() {
        var scene = Scene(1_000_000)
        for _ in 0..<300 { scene.send(1_000_000, after: 32) }
        #expect(scene.verdicts.isEmpty)
    }

    @Test func aStreamCutWithinAPictureIsTakenUpAtTheNextOne() {
        var scene = Scene(1_000_000)
        for _ in 0..<10 { scene.send(1_000_000, after: 32) }
        // The writer died within a picture, and another one came in its place.
        scene.send(123_456, after: 32)
        for _ in 0..<RawAlignment.proof { scene.send(1_000_000, after: 32) }
        #expect(scene.position == 123_456)
        for _ in 0..<100 { scene.send(1_000_000, after: 32) }
        #expect(scene.verdicts == [.beginsHere])
        #expect(scene.position == 0)
    }

    @Test(arguments: [345_600, 999_999, 4_000_001, 250_000]) func anotherSizeIsFoundOut(_ size: Int) {
        var scene = Scene(1_000_000)
        for _ in 0..<20 { scene.send(size, after: 32) }
        #expect(scene.verdicts.first == .otherSize(size))
    }

    /// Every fifth time the machine is busy, and two pictures come at once.
    @Test func anotherSizeIsFoundOutOnABusyMachine() {
        var scene = Scene(819_200)
        for index in 0..<100 { scene.send(index % 5 == 4 ? 691_200 : 345_600, after: index % 5 == 4 ? 65 : 32) }
        #expect(scene.verdicts.first == .otherSize(345_600))
    }

    /// Its stream seems late, and the reader holds the writer after every third picture.
    @Test func anotherSizeIsFoundOutWhereTheReaderLooksAwayAgainAndAgain() {
        var scene = Scene(819_200)
        for index in 0..<100 {
            scene.send(345_600, after: 32)
            if index % 3 == 2 { scene.alignment.lookAway() }
        }
        #expect(scene.verdicts.first == .otherSize(345_600))
    }

    @Test func slicesAreNoOtherSizeThoughSomeComeAtAPicturesPace() {
        var scene = Scene(1_000_000)
        for index in 0..<400 { scene.send(250_000, after: index % 4 == 0 ? 32 : 8) }
        #expect(scene.verdicts.isEmpty)
    }

    @Test func aSizeThatChangesIsFoundOut() {
        var scene = Scene(1_382_400)
        for _ in 0..<100 { scene.send(1_382_400, after: 32) }
        #expect(scene.verdicts.isEmpty)
        for _ in 0..<20 { scene.send(345_600, after: 32) }
        #expect(scene.verdicts.first == .otherSize(345_600))
    }

    @Test func slicesOfAPictureAreNoOtherSize() {
        var scene = Scene(1_000_000)
        for _ in 0..<100 { for _ in 0..<4 { scene.send(250_000, after: 8) } }
        #expect(scene.verdicts.isEmpty)
    }

    @Test func severalPicturesAtOnceAreNoOtherSize() {
        var scene = Scene(1_000_000)
        for _ in 0..<100 { scene.send(3_000_000, after: 98) }
        #expect(scene.verdicts.isEmpty)
    }

    @Test func aBufferedWriterIsNoOtherSize() {
        // The pieces that a library with a buffer of 4 KiB lets go after each picture: never the same twice in a row
        // for long.
        var scene = Scene(1_000_001)
        var sent = 0
        for index in 1...300 {
            let whole = index * 1_000_001 / 4_096 * 4_096
            scene.send(whole - sent, after: 32)
            sent = whole
        }
        #expect(!scene.verdicts.contains(.beginsHere))
    }

    @Test func whatHappenedWhileNobodyReadProvesNothing() {
        var scene = Scene(1_000_000)
        for index in 0..<100 {
            scene.send(1_000_000, after: 32)
            if index % 5 == 0 {
                scene.send(500, after: 32)
                scene.alignment.lookAway()
            }
        }
        #expect(scene.verdicts.isEmpty)
    }

    @Test func theAdviceNamesWhatHasThatSize() {
        let expected = VideoLayout(width: 1280, height: 720, pixelFormat: .bgra)
        #expect(VideoSizes.guess(bytes: 1_382_400, expected: expected) == "1280x720 i420 or nv12")
        #expect(VideoSizes.guess(bytes: 2_764_800, expected: expected) == "1280x720 rgb24")
        #expect(VideoSizes.guess(bytes: 345_600, expected: expected) == "640x360 i420 or nv12")
        #expect(VideoSizes.guess(bytes: 65_536, expected: expected) == nil)
    }
}
