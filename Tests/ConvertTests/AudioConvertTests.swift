import Foundation
import Sluice
import TestSupport
import Testing

@testable import ConvertPlugin

@Suite struct AudioConvertTests {
    private func convert(_ audio: [AudioFrame], _ parameters: [String: ParameterValue]) throws -> [AudioFrame] {
        try NodeBench(AudioConvert.self, parameters).run(audio).audio
    }

    private func expectGapless(_ frames: [AudioFrame]) {
        for (frame, next) in zip(frames, frames.dropFirst()) {
            #expect(frame.header.pts + frame.header.duration == next.header.pts)
            #expect(frame.header.duration == frame.sampleDuration)
        }
    }

    @Test(arguments: [
        (44_100, 48_000), (48_000, 44_100), (48_000, 16_000), (16_000, 48_000), (8_000, 48_000), (48_000, 8_000),
        (22_050, 24_000),
    ]) func asManySamplesComeOutAsWentIn(from: Int, to: Int) throws {
        let start = MediaTime.milliseconds(-40)
        let audio = TestAudio.sine(rate: from, frame: from / 50, count: 100, start: start)
        let frames = try convert(audio, ["sample_rate": .integer(to)])
        #expect(frames.first?.header.pts == start)
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == to * (from / 50) * 100 / from)
        expectGapless(frames)
    }

    @Test(arguments: [1, 2, 441, 1_023, 5_000]) func theAudioStaysInPlace(frame: Int) throws {
        let audio = TestAudio.sine(channels: 1, frame: frame, count: 20_000 / frame)
        let frames = try convert(audio, ["sample_rate": .integer(44_100), "sample_format": .string("f32")])
        expectGapless(frames)
        let samples = frames.flatMap { Array($0.f32) }
        for index in 200..<samples.count - 200 {
            let wanted = 0.4 * sin(2 * .pi * 440 * Double(index) / 44_100)
            guard abs(Double(samples[index]) - wanted) < 0.002 else {
                Issue.record("sample \(index) is \(samples[index]), not \(wanted)")
                return
            }
        }
    }

    @Test(arguments: [(2, 1), (1, 2)], [AudioLayout.SampleFormat.s16, .f32])
    func channelsAndSampleFormatChangeWithoutDelayAndAsLoud(channels: (Int, Int), format: AudioLayout.SampleFormat)
        throws
    {
        let frames = try convert(
            TestAudio.sine(channels: channels.0, count: 10),
            ["channels": .integer(channels.1), "sample_format": .string(format.rawValue)])
        #expect(frames.map(\.sampleCount) == Array(repeating: 960, count: 10))
        #expect(frames[0].format.audio == AudioLayout(format, rate: 48_000, channels: channels.1))
        for (frame, other) in zip(frames, TestAudio.sine(format: format, channels: channels.1, count: 10)) {
            switch format {
            case .s16: #expect(zip(frame.s16, other.s16).allSatisfy { abs(Int($0) - Int($1)) < 3 })
            case .f32: #expect(zip(frame.f32, other.f32).allSatisfy { abs($0 - $1) < 0.0001 })
            }
        }
    }

    /// Three channels are left, right and low frequencies unless the layout says that the third is the centre: speech.
    @Test(arguments: [(UInt64(0x7), true), (0, false)])
    func theCentreIsHeardInStereo(speakers: UInt64, isHeard: Bool) throws {
        let format = MediaFormat(audio: AudioLayout(.f32, rate: 48_000, channels: 3, speakers: speakers))
        let frame = AudioFrame(format: format, sampleCount: 960)
        for index in 0..<960 { for channel in 0..<3 { frame.f32[3 * index + channel] = channel == 2 ? 0.5 : 0 } }
        frame.header.pts = .zero
        let peak = try convert([frame], ["channels": 2]).flatMap { Array($0.f32) }.map(abs).max() ?? 0
        #expect(isHeard ? peak > 0.2 : peak < 0.01, "\(peak)")
    }

    @Test func whatFitsPassesUntouched() throws {
        let audio = TestAudio.sine(count: 5)
        let parameters: [[String: ParameterValue]] = [
            [:], ["sample_rate": .integer(48_000), "channels": .integer(2), "sample_format": .string("s16")],
        ]
        for settings in parameters {
            let frames = try convert(audio, settings)
            #expect(frames.count == 5)
            #expect(zip(audio, frames).allSatisfy { $0 === $1 })
        }
    }

    @Test func formatsThatChangeInMidStreamAreFollowed() throws {
        let parts = [
            TestAudio.sine(rate: 44_100, frame: 441, count: 20),
            TestAudio.sine(format: .f32, rate: 48_000, channels: 1, frame: 480, count: 20, start: .milliseconds(200)),
            TestAudio.sine(rate: 48_000, frame: 480, count: 20, start: .milliseconds(400)),
            TestAudio.sine(rate: 8_000, channels: 1, frame: 80, count: 20, start: .milliseconds(600)),
        ]
        let frames = try convert(
            parts.flatMap { $0 },
            ["sample_rate": .integer(48_000), "channels": .integer(2), "sample_format": .string("s16")])
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == 800 * 48)
        expectGapless(frames)
        #expect(frames.allSatisfy { $0.format.audio == AudioLayout(.s16, rate: 48_000, channels: 2) })
        // The third part already is what is asked for.
        #expect(frames.filter { frame in parts[2].contains { $0 === frame } }.count == 20)
    }

    @Test func aHoleStartsTheCountAnew() throws {
        let audio =
            TestAudio.sine(rate: 44_100, frame: 441, count: 10)
            + TestAudio.sine(rate: 44_100, frame: 441, count: 10, start: .milliseconds(150))
        let frames = try convert(audio, ["sample_rate": .integer(48_000)])
        let flagged = frames.filter { $0.header.flags.contains(.discontinuity) }
        #expect(flagged.map(\.header.pts) == [.milliseconds(150)])
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == 9_600)
    }

    @Test func noSampleOfOneEpochIsInAFrameOfTheNext() throws {
        let audio = TestAudio.sine(rate: 44_100, frame: 441, count: 20)
        for frame in audio[10...] { frame.header.epoch = 4 }
        let frames = try convert(audio, ["sample_rate": .integer(48_000)])
        #expect(frames.filter { $0.header.epoch == 0 }.reduce(0) { $0 + $1.sampleCount } == 4_800)
        #expect(frames.filter { $0.header.epoch == 4 }.reduce(0) { $0 + $1.sampleCount } == 4_800)
        #expect(!frames.contains { $0.header.flags.contains(.discontinuity) })
        expectGapless(frames)
    }

    @Test func timesRoundedToMillisecondsComeOutExact() throws {
        let audio = TestAudio.sine(rate: 44_100, frame: 1_024, count: 100)
        for frame in audio { frame.header.pts = .milliseconds(Int64(frame.header.pts.milliseconds.rounded())) }
        let frames = try convert(audio, ["sample_rate": .integer(48_000)])
        #expect(!frames.contains { $0.header.flags.contains(.discontinuity) })
        expectGapless(frames)
    }

    @Test func aRateThatMakesNoSenseIsRefused() throws {
        #expect { try convert(TestAudio.sine(count: 1), ["sample_rate": .integer(3)]) } throws: {
            "\($0)".contains("sample_rate is 3")
        }
    }
}
