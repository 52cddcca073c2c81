import Glibc
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SyncPlugin

@Suite struct CalibrationTests {
    /// Pictures at 25 a second and audio in frames of 20 ms, each at its media time, pictures first on ties.
    private func run(
        _ parameters: [String: ParameterValue] = [:], pictures: [VideoFrame], audio: [AudioFrame],
        during: (NodeHarness<Calibration>, Int) -> Void = { _, _ in }
    ) throws -> (pictures: [VideoFrame], audio: [AudioFrame], harness: NodeHarness<Calibration>) {
        let harness = try NodeHarness(Calibration.self, parameters: parameters)
        harness.settle()
        let all = (pictures as [MediaItem] + audio as [MediaItem]).enumerated().sorted {
            ($0.element.header.pts, $0.offset) < ($1.element.header.pts, $1.offset)
        }
        for (index, entry) in all.enumerated() {
            let item = entry.element
            let due = Instant(nanoseconds: 0) + Interval(item.header.pts)
            if due > harness.now { harness.advance(to: due) }
            during(harness, index)
            harness.push(item, into: item is VideoFrame ? "video" : "audio")
            harness.settle()
        }
        #expect(harness.finish() == .finished)
        return (
            harness.pullAll(from: "video").compactMap { $0 as? VideoFrame },
            harness.pullAll(from: "audio").compactMap { $0 as? AudioFrame }, harness
        )
    }

    private func grey(
        _ count: Int, width: Int = 320, height: Int = 180, _ pixels: VideoLayout.PixelFormat = .i420,
        rate: VideoLayout.FrameRate = .init(25),
        marked: Range<Int> = 0..<0
    ) -> [VideoFrame] {
        let frames = TestMedia.pictures(TestMedia.video(width, height, pixels, rate: rate), count: count)
        for index in marked where index < count { frames[index].header.flags.insert(.marker) }
        return frames
    }

    private func silence(_ count: Int, _ samples: AudioLayout.SampleFormat = .s16, rate: Int = 48_000) -> [AudioFrame] {
        TestMedia.silence(format: TestMedia.audio(samples, rate: rate), samples: rate / 50, count: count)
    }

    private func samples(_ frames: [AudioFrame]) -> [Double] {
        frames.flatMap { frame in (0..<frame.sampleCount).map { frame.sample($0 * frame.layout.channels) } }
    }

    @Test func offFramesPassUntouchedAndUncopied() throws {
        let (pictures, audio) = (grey(50, marked: 2..<4), silence(100))
        let out = try run(["on": false], pictures: pictures, audio: audio)
        #expect(out.pictures.count == 50 && out.audio.count == 100)
        #expect(zip(pictures, out.pictures).allSatisfy { $0 === $1 })
        #expect(zip(audio, out.audio).allSatisfy { $0 === $1 })
    }

    @Test func onOnlyWhatIsMarkedIsCopied() throws {
        let (pictures, audio) = (grey(50, marked: 2..<4), silence(100))
        let out = try run(pictures: pictures, audio: audio)
        #expect(zip(pictures, out.pictures).enumerated().filter { $1.0 !== $1.1 }.map(\.offset) == [2, 3])
        #expect(zip(audio, out.audio).enumerated().filter { $1.0 !== $1.1 }.map(\.offset) == [4, 5, 6, 7])
        // Inputs are shared: nobody may have written into them.
        #expect(pictures.allSatisfy { Flash.magenta(in: $0) == 0 })
        #expect(samples(audio).allSatisfy { $0 == 0 })
    }

    @Test(arguments: [(1280, 720, 256, 144), (320, 180, 64, 48), (200, 100, 48, 48), (40, 30, 40, 30)])
    func theBlockIsAFifthOfThePictureAndAtLeast48(_ width: Int, _ height: Int, _ blockWidth: Int, _ blockHeight: Int) {
        #expect(Flash.size(width: width, height: height) == (blockWidth, blockHeight))
        let frame = VideoFrame(format: TestMedia.video(width, height, .rgb24))
        for y in 0..<height { (frame.plane(0) + y * frame.stride(0)).update(repeating: 7, count: width * 3) }
        Flash.paint(frame)
        for y in 0..<height {
            for x in 0..<width {
                let pixel = frame.plane(0) + y * frame.stride(0) + 3 * x
                let isInside = x < blockWidth && y < blockHeight
                guard (pixel[0], pixel[1], pixel[2]) == (isInside ? (255, 0, 255) : (7, 7, 7)) else {
                    Issue.record("at \(x), \(y)")
                    return
                }
            }
        }
    }

    @Test(arguments: VideoLayout.PixelFormat.allCases) func everyPixelFormatIsPaintedAndReadAlike(
        _ pixels: VideoLayout.PixelFormat
    ) {
        let frame = VideoFrame(format: TestMedia.video(321, 183, pixels))
        frame.plane(0).update(repeating: 90, count: frame.byteCount)
        if pixels.planeCount > 1 {
            for plane in 1..<pixels.planeCount {
                frame.plane(plane).update(
                    repeating: 128, count: frame.stride(plane) * pixels.rows(plane: plane, height: 183))
            }
        }
        #expect(abs(Flash.magenta(in: frame)) < 0.01)
        Flash.paint(frame)
        #expect(abs(Flash.magenta(in: frame) - 1) < 0.01)
    }

    /// The burst by its definition, sample by sample.
    @Test(arguments: [AudioLayout.SampleFormat.s16, .f32], [8_000, 44_100, 48_000])
    func theChirpIsAsSpecified(_ format: AudioLayout.SampleFormat, _ rate: Int) throws {
        let out = try run(pictures: grey(25, marked: 2..<4), audio: silence(50, format, rate: rate))
        let audio = samples(out.audio)
        let start = rate * 80 / 1_000
        let count = rate * 80 / 1_000  // two pictures of 40 ms
        let fade = rate / 200
        for (index, value) in audio.enumerated() {
            let position = index - start
            var expected = 0.0
            if (0..<count).contains(position) {
                let edge = min(position, count - 1 - position)
                let envelope = min(1, Double(edge) / Double(fade))
                expected =
                    22_000.0 / 32_767 * envelope * sin(2 * .pi * 1_800 * Double(position) / Double(rate))
            }
            guard abs(value - expected) < 1e-4 else {
                Issue.record("sample \(position): \(value), not \(expected)")
                return
            }
        }
    }

    @Test func theChirpIsAtLeast60MillisecondsLong() throws {
        for (rate, marked, milliseconds) in [(60, 2..<4, 60), (25, 2..<4, 80), (10, 2..<4, 200), (10, 0..<1, 100)] {
            let out = try run(
                pictures: grey(rate, rate: .init(rate), marked: marked), audio: silence(50, .f32))
            let all = samples(out.audio)
            let loud = all.indices.filter { all[$0] != 0 }
            let length = Double(loud.last! - loud.first! + 2) / 48
            #expect(abs(length - Double(milliseconds)) < 0.1, "\(rate)/s")
        }
    }

    @Test func loudAudioSaturates() throws {
        let loud = TestMedia.sine(1_800, samples: 960, count: 50, amplitude: 1)
        let out = try run(pictures: grey(25, marked: 2..<4), audio: loud)
        #expect(samples(out.audio).allSatisfy { abs($0) <= 1 })
        #expect(samples(out.audio).contains { $0 > 0.9999 })
    }

    @Test func aStreamIsMarkedSoOftenAndMarksAreCounted() throws {
        let out = try run(["every_s": 2], pictures: grey(250), audio: silence(500))
        let marked = out.pictures.indices.filter { Flash.magenta(in: out.pictures[$0]) > 0.9 }
        #expect(marked == [25, 26, 75, 76, 125, 126, 175, 176, 225, 226])
        #expect(out.harness.context.counter("marks").count == 5)
        #expect(out.harness.value(of: "mark") == 5)
    }

    @Test func itIsSwitchedWhileRunning() throws {
        let out = try run(["every_s": 1, "on": false], pictures: grey(250), audio: silence(500)) { harness, index in
            if index == 300 { harness.set("on", to: 1) }
            if index == 600 { harness.set("on", to: 0) }
        }
        let marked = out.pictures.indices.filter { Flash.magenta(in: out.pictures[$0]) > 0.9 }
        // The three hundredth item of three every 40 ms is at 4 s, the six hundredth at 8 s.
        #expect(!marked.isEmpty && marked.allSatisfy { (100...202).contains($0) })
        #expect(marked.count.isMultiple(of: 2))
    }

    @Test func aRequestMarksTheNextPicture() throws {
        let out = try run(["on": false], pictures: grey(50), audio: silence(100)) { harness, index in
            if index == 60 { harness.request("calibrate") }
        }
        let marked = out.pictures.indices.filter { Flash.magenta(in: out.pictures[$0]) > 0.9 }
        #expect(marked.count == 2 && (19...22).contains(marked[0]))
        #expect(samples(out.audio).contains { $0 != 0 })
    }

    @Test func withoutBothMediaNothingIsMarked() throws {
        let harness = try NodeHarness(
            Calibration.self, parameters: ["every_s": 0.5], unconnected: ["audio"])
        harness.push(grey(100, marked: 2..<4), into: "video")
        #expect(harness.finish() == .finished)
        let pictures = harness.pullAll(from: "video").compactMap { $0 as? VideoFrame }
        #expect(pictures.allSatisfy { Flash.magenta(in: $0) < 0.1 })
        #expect(harness.events.contains { $0.what == "has no audio: nothing is marked without both media" })
        // Audio that is connected and silent is no audio either.
        let out = try run(["every_s": 0.5], pictures: grey(100), audio: [])
        #expect(out.pictures.allSatisfy { Flash.magenta(in: $0) < 0.1 })
    }

    @Test func audioThatWentBeforeItsPictureIsNotMarkedAndNeitherIsThePicture() throws {
        let audio = silence(100)
        for frame in audio { frame.header.pts += .milliseconds(1_000) }
        let harness = try NodeHarness(Calibration.self, parameters: ["max_wait_ms": 0])
        harness.push(audio, into: "audio")
        harness.settle()
        harness.push(grey(50, marked: 2..<4), into: "video")
        harness.settle()
        #expect(harness.finish() == .finished)
        #expect(harness.context.counter("missed_marks").count == 1)
        let pictures = harness.pullAll(from: "video").compactMap { $0 as? VideoFrame }
        #expect(pictures.allSatisfy { Flash.magenta(in: $0) < 0.1 })
    }

    @Test func audioWaitsNoLongerThanItsOwnLengthWhilePicturesFlow() throws {
        let audio = silence(100)
        var latest = Interval.zero
        let harness = try NodeHarness(Calibration.self, parameters: ["every_s": 1])
        let pictures = grey(50)
        for millisecond in 0..<2_000 {
            harness.advance(to: Instant(nanoseconds: Int64(millisecond) * 1_000_000))
            if millisecond % 40 == 0 { harness.push(pictures[millisecond / 40], into: "video") }
            if millisecond % 20 == 0 { harness.push(audio[millisecond / 20], into: "audio") }
            harness.settle()
            while let item = harness.pull(from: "audio") {
                latest = max(latest, harness.now - (Instant(nanoseconds: 0) + Interval(item.header.pts)))
            }
        }
        #expect(latest <= .milliseconds(21))
    }

    @Test func senselessParametersAreRefused() {
        #expect(throws: (any Error).self) { try NodeHarness(Calibration.self, parameters: ["every_s": 0.1]) }
        do {
            _ = try NodeHarness(Calibration.self, parameters: ["every_s": 0.1])
        } catch {
            #expect("\(error)".contains("every_s is 0.1, too close for flashes to be told apart"))
        }
    }

    @Test(arguments: 0..<10) func senselessTimesDoNotCrashIt(_ seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        let harness = try NodeHarness(Calibration.self, parameters: ["every_s": seed % 2 == 0 ? 0 : 0.2])
        let times: [Int64] = [.min, .max, .max - 1, .min + 1, 0, -1, 705_600_000, 7_056_000]
        for _ in 0..<300 {
            let isVideo = dice.next() % 2 == 0
            let item: MediaItem = isVideo ? grey(1)[0] : silence(1)[0]
            item.header.pts = MediaTime(ticks: times.randomElement(using: &dice)!)
            item.header.duration = MediaTime(ticks: times.randomElement(using: &dice)!)
            item.header.epoch = UInt32(dice.next() % 2)
            item.header.flags = MediaItem.Header.Flags(rawValue: UInt16(dice.next() % 32))
            harness.push(item, into: isVideo ? "video" : "audio")
            if dice.next() % 3 == 0 { harness.request("calibrate") }
            harness.advance(by: .milliseconds(Int64(dice.next() % 30)))
            _ = (harness.pullAll(from: "video"), harness.pullAll(from: "audio"))
        }
        #expect(harness.finish() == .finished)
    }
}
