import AudioDecoderPlugin
import Bitstream
import FilesPlugin
import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import AACPlugin

@Suite("aac-encoder") struct AACEncoderTests {
    private func encode(_ items: [AudioFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(AACEncoderNode.self, parameters).run(items).packets
    }

    private func decode(_ packets: [Packet]) throws -> [AudioFrame] {
        try NodeBench(AudioDecoder.self).run(packets).audio
    }

    /// The first channel from `start` on.
    private func samples(_ frames: [AudioFrame], from start: MediaTime) -> [Double] {
        frames.flatMap { frame -> [Double] in
            let early = max(0, Int((start - frame.header.pts).rescaled(to: Int64(frame.layout.rate))))
            return (min(early, frame.sampleCount)..<frame.sampleCount).map {
                Double(frame.f32[$0 * frame.layout.channels])
            }
        }
    }

    /// How much of a sine of 440 Hz that began with the first sample is in `samples`: 1 where nothing else is.
    private func likeness(_ samples: ArraySlice<Double>, rate: Double) -> Double {
        var (product, mine, theirs) = (0.0, 0.0, 0.0)
        for index in samples.indices {
            let reference = sin(2 * .pi * 440 * Double(index) / rate)
            product += samples[index] * reference
            mine += samples[index] * samples[index]
            theirs += reference * reference
        }
        return product / max(1e-9, (mine * theirs).squareRoot())
    }

    @Test func timesStandWhereTheSamplesBelong() throws {
        let start = MediaTime(12_345, timescale: 48_000)
        let packets = try encode(TestAudio.sine(frame: 1_000, count: 48, start: start))
        for (index, packet) in packets.enumerated() {
            #expect(packet.header.pts == start + MediaTime(Int64(index - 1) * 1_024, timescale: 48_000))
            #expect(packet.header.flags == .keyframe && packet.header.dts == packet.header.pts)
            if index < packets.count - 1 { #expect(packet.header.duration == MediaTime(1_024, timescale: 48_000)) }
        }
        let last = try #require(packets.last)
        #expect(last.header.pts + last.header.duration == start + MediaTime(48_000, timescale: 48_000))
        // AudioSpecificConfig: Low Complexity, 48 kHz, stereo.
        #expect(Array(packets[0].format.configuration.prefix(2)) == [0x11, 0x90])
        let decoded = try decode(packets)
        let heard = samples(decoded, from: start)
        #expect(heard.count == 48_000)
        #expect(likeness(heard[2_000..<46_000], rate: 48_000) > 0.99)
        // Up to the last sample.
        #expect(likeness(heard[46_500..<47_900], rate: 48_000) > 0.9)
    }

    @Test(
        arguments: [7_350, 8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000], [AudioLayout.SampleFormat.s16, .f32])
    func everyRateComesBack(rate: Int, format: AudioLayout.SampleFormat) throws {
        let packets = try encode(
            TestAudio.sine(format: format, rate: rate, channels: 1, frame: 777, count: rate / 777))
        let heard = samples(try decode(packets), from: .zero)
        #expect(heard.count == rate / 777 * 777)
        #expect(likeness(heard[(rate / 4)..<(rate * 3 / 4)], rate: Double(rate)) > 0.98)
    }

    @Test(arguments: 1...8) func everyNumberOfChannelsIsEncodedOrRefusedWithAWord(_ channels: Int) throws {
        do {
            let packets = try encode(TestAudio.sine(channels: channels, frame: 1_024, count: 20))
            let decoded = try decode(packets)
            #expect(decoded.last?.layout.channels == channels)
        } catch {
            Issue.record("\(channels) channels: \(error)")
        }
    }

    @Test func aNewBitrateChangesTheRate() throws {
        var dice = Dice(seed: 4)
        let noise = TestMedia.pcm(samples: 960, count: 400) { _ in Double.random(in: -0.3...0.3, using: &dice) }
        let bench = NodeBench(AACEncoderNode.self, ["bitrate_kbps": .number(64)])
        let packets = try bench.run(noise) { node, number in
            if number == 200 { node.set("bitrate_kbps", to: 192) }
        }.packets
        func kilobits(_ packets: ArraySlice<Packet>) -> Double {
            Double(packets.reduce(0) { $0 + $1.count }) * 8 / 1_000 / (Double(packets.count) * 1_024 / 48_000)
        }
        let (before, after) = (kilobits(packets[50..<180]), kilobits(packets[250..<370]))
        #expect(abs(before - 64) < 16, "\(before)")
        #expect(abs(after - 192) < 40, "\(after)")
        #expect(!packets.dropFirst().contains { $0.header.flags.contains(.discontinuity) })
    }

    @Test func aHoleBeginsAnewAndLosesNothingBeforeIt() throws {
        let audio = TestAudio.sine(frame: 1_000, count: 20)
        for frame in audio[10...] { frame.header.pts += .milliseconds(500) }
        let packets = try encode(audio)
        let marked = packets.indices.filter { packets[$0].header.flags.contains(.discontinuity) }
        #expect(marked.count == 1)
        let first = try #require(marked.first)
        let last = packets[first - 1]
        #expect(last.header.pts + last.header.duration == MediaTime(10_000, timescale: 48_000))
        #expect(packets[first].header.pts == audio[10].header.pts - MediaTime(1_024, timescale: 48_000))
        let end = packets[packets.count - 1]
        #expect(end.header.pts + end.header.duration == audio[19].header.pts + audio[19].sampleDuration)
    }

    @Test func anotherEpochBeginsAnewAndHeadersTravel() throws {
        let audio = TestAudio.sine(frame: 1_000, count: 20)
        for (index, frame) in audio.enumerated() {
            frame.header.epoch = index < 10 ? 1 : 2
            frame.header.captured = Instant(nanoseconds: Int64(index + 1))
            frame.header.sourceClock = 4
        }
        let packets = try encode(audio)
        #expect(packets.allSatisfy { $0.header.sourceClock == 4 && $0.header.captured.nanoseconds > 0 })
        #expect(packets.filter { $0.header.epoch == 1 }.count == 11)
        #expect(packets.filter { $0.header.epoch == 2 }.count == 11)
    }

    @Test func anotherLayoutIsFollowed() throws {
        let mono = TestAudio.sine(rate: 44_100, channels: 1, frame: 1_000, count: 10, start: .milliseconds(1_000))
        let packets = try encode(TestAudio.sine(frame: 1_000, count: 10) + mono)
        #expect(Set(packets.map { $0.format.audio?.rate }) == [48_000, 44_100])
        #expect(packets.last?.format.audio?.channels == 1)
    }

    @Test func samplesThatAreNoNumbersEndNothing() throws {
        let audio = TestAudio.sine(format: .f32, frame: 1_024, count: 20)
        audio[5].f32[3] = .nan
        audio[6].f32[4] = .infinity
        audio[7].f32[5] = 1e30
        let packets = try encode(audio)
        #expect(packets.count == 21)
        #expect(try decode(packets).count > 18)
    }

    @Test func equalInputGivesEqualBytes() throws {
        let (a, b) = (try encode(TestAudio.sine(count: 30)), try encode(TestAudio.sine(count: 30)))
        #expect(a.map { Array($0.bytes) } == b.map { Array($0.bytes) })
    }

    /// A second of silence, then the tone: ffmpeg hears it where it was put.
    @Test(arguments: ["mp4", "mkv", "ts"]) func aFileKeepsItsPlace(_ kind: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "a.\(kind)").path
        var graph = GraphBuilder()
        graph.node("source", TestSource.self)
        graph.node("aac", AACEncoderNode.self)
        graph.node("file", Record.self, ["path": .string(file)])
        graph.edge("source.out -> aac.in")
        graph.edge("aac.out -> file.audio")
        let harness = try GraphHarness(graph)
        harness.source("source").push(
            TestMedia.pcm(samples: 960, count: 100) { $0 < 48_000 ? 0 : 0.5 * sin(2 * .pi * 440 * Double($0) / 48_000) }
        )
        harness.source("source").end()
        #expect(harness.run() == .finished, "\(harness.events)")
        let bytes = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-copyts", "-i", file, "-af", "atrim=start=0", "-f", "s16le", "-ac", "1",
                "-ar", "48000", "pipe:1",
            ], feeding: [])
        let pcm = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        let begins = try #require(pcm.firstIndex { abs(Int($0)) > 3_000 })
        // A container without negative times holds the encoder's delay as audio.
        let most = kind == "mp4" ? 200 : 1_300
        #expect((48_000 - 200...48_000 + most).contains(begins), "\(begins)")
        #expect((96_000 - 1_100...96_000 + 2_100).contains(pcm.count), "\(pcm.count)")
    }
}
