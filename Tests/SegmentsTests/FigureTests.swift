import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SegmentsPlugin

/// The talking figure of the graph `demo`.
@Suite struct FigureTests {
    private static let sentence = FigureSpeech(syllables: 44, seed: 1, rises: false)

    private static func peak(_ samples: [Int16]) -> Int { samples.map { abs(Int($0)) }.max() ?? 0 }

    private static func samples(_ frames: [AudioFrame]) -> [Int16] {
        frames.flatMap { frame in (0..<frame.sampleCount).map { frame.s16[$0] } }
    }

    // MARK: Voice and mouth

    @Test func theVoiceIsLoudInItsSyllablesAndSilentBetweenThem() {
        var voice = FigureVoice(rate: 48_000)
        let count = Int(FigureTests.sentence.length * 48_000)
        let samples = (0..<count).map { voice.next(FigureTests.sentence, at: Double($0) / 48_000) }
        for (syllable, next) in zip(FigureTests.sentence.syllables, FigureTests.sentence.syllables.dropFirst()) {
            let (start, end) = (Int(syllable.start * 48_000), Int((syllable.start + syllable.length) * 48_000))
            let loud = FigureTests.peak(Array(samples[start..<end]))
            // Between −18 and −6 dBFS.
            #expect((4_000...16_400).contains(loud), "\(syllable.vowel) at \(syllable.start) s: \(loud)")
            let pause = samples[end..<Int(next.start * 48_000)].suffix(240)
            #expect(FigureTests.peak(Array(pause)) < loud / 10)
        }
    }

    @Test func theMouthIsOpenWhileTheVoiceSoundsAndShutInPauses() {
        let long = FigureTests.sentence.syllables[6]
        let pause = long.start + long.length + 0.08
        #expect(FigureTests.sentence.voiced(at: long.start + long.length * 0.4)?.loudness == 1)
        #expect(FigureTests.sentence.voiced(at: pause) == nil)
        #expect(FigureTests.sentence.voiced(at: -0.1) == nil)
        #expect(FigureTests.sentence.voiced(at: FigureTests.sentence.length + 1) == nil)
    }

    @Test(arguments: [(64, 64), (65, 99), (4_096, 64), (640, 360)])
    func itIsDrawnInPicturesOfAnySize(_ width: Int, _ height: Int) {
        let layout = VideoLayout(width: width, height: height, pixelFormat: .i420)
        let frame = VideoFrame(format: MediaFormat(video: layout))
        var look = FigurePainter.Look()
        FigurePainter(layout).draw(look, in: frame)
        let shut = frame.copy()
        look.mouth = (1, 1)
        FigurePainter(layout).draw(look, in: frame)
        let unit = Double(min(width, height)) / 20
        let row = Int(Double(height) / 2 + 3.6 * unit)
        let place = row * frame.stride(0) + width / 2
        #expect(shut.plane(0)[place] == 88)
        #expect(frame.plane(0)[place] == 30)
    }

    // MARK: The node

    private static func play(_ parameters: [String: ParameterValue]) throws -> (
        pictures: [VideoFrame], audio: [AudioFrame], events: [String]
    ) {
        let harness = try NodeHarness(TalkingFigure.self, parameters: parameters)
        var pictures: [VideoFrame] = []
        var audio: [AudioFrame] = []
        for _ in 0..<4_000 where !harness.isOver {
            harness.advance(by: .milliseconds(5))
            pictures += harness.pullAll(from: "video").compactMap { $0 as? VideoFrame }
            audio += harness.pullAll(from: "audio").compactMap { $0 as? AudioFrame }
        }
        #expect(harness.isOver)
        return (pictures, audio, harness.events.map(\.what))
    }

    @Test func anInterruptedSentenceEndsWithOneFadedPieceAndNothingOldFollows() throws {
        let (pictures, audio, events) = try FigureTests.play(["duration_s": 10, "interrupt_s": 4])
        #expect(events.contains("is interrupted: 2.2 s that were made ahead are neither seen nor heard"), "\(events)")
        let old = audio.filter { $0.header.epoch == 1 }
        let new = audio.filter { $0.header.epoch == 2 }
        #expect(old.count + new.count == audio.count)
        let fade = try #require(new.first)
        #expect(fade.header.pts == (try #require(old.last)).header.pts + .milliseconds(20))
        let faded = FigureTests.samples([fade])
        #expect(FigureTests.peak(Array(faded.suffix(48))) <= FigureTests.peak(faded) / 20)
        // It listens for 0.8 s.
        let after = FigureTests.samples(new.dropFirst().filter { $0.header.pts < fade.header.pts + .milliseconds(800) })
        #expect(after.count > 30_000 && FigureTests.peak(after) == 0)
        // The answer's first millisecond is soft: nothing of the sentence sounds on in it.
        let answer = FigureTests.samples(Array(new.dropFirst())).drop { $0 == 0 }
        #expect(FigureTests.peak(Array(answer.prefix(48))) < 1_000)
        let lastOld = pictures.last { $0.header.epoch == 1 }
        #expect(try #require(lastOld).header.pts <= fade.header.pts)
    }

    @Test func bothMediaLastAsLongAsAskedForWithoutAHole() throws {
        let (pictures, audio, _) = try FigureTests.play(["duration_s": 10, "interrupt_s": 4])
        for (item, next) in zip(audio, audio.dropFirst()) {
            #expect(item.header.pts + item.header.duration == next.header.pts)
        }
        let end = try #require(audio.last.map { $0.header.pts + $0.header.duration })
        #expect(abs(end.seconds - 10) <= 0.02)
        #expect((248...251).contains(pictures.count))
    }
}
