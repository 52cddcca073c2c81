import Foundation
import TestSupport
import Testing

/// The graph `mix` by the built command.
@Suite("The graph mix") struct MixGraphTests {
    /// The level at 1,000 Hz, where the music is, in dBFS.
    private func level(_ samples: ArraySlice<Int16>) -> Double {
        var (sine, cosine) = (0.0, 0.0)
        for index in samples.indices {
            let angle = 2 * Double.pi * 1_000 * Double(index) / 48_000
            sine += Double(samples[index]) * sin(angle)
            cosine += Double(samples[index]) * cos(angle)
        }
        return 20 * log10(max(1e-9, 2 * (sine * sine + cosine * cosine).squareRoot() / Double(samples.count) / 32_768))
    }

    @Test(arguments: ["fast", "live"]) func theMusicGoesDownWhileTheVoiceSpeaks(_ pace: String) throws {
        let scratch = try Scratch()
        // The voice is at 44.1 kHz and mono, and speaks from 1 s to 2 s.
        for (source, name) in [
            ("aevalsrc=0.4*between(t\\,1\\,2)*sin(2*PI*300*t):s=44100:d=3", "voice.wav"),
            ("aevalsrc=0.4*sin(2*PI*1000*t)|0.4*sin(2*PI*1000*t):s=48000:d=4", "music.flac"),
        ] {
            let path = scratch.url.appending(path: name).path
            _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, path], feeding: [])
        }
        let run = try CommandRun(
            [
                "run", Built.root.appending(path: "graphs/mix.json").path, "--set", "voice=voice.wav", "--set",
                "music=music.flac", "--set", "music_db=0", "--set", "duck_db=-20", "--set", "pace=\(pace)",
                "--report", "report.json",
            ], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        let bytes = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", scratch.url.appending(path: "mix.mka").path, "-f", "s16le", "-ac", "1",
                "pipe:1",
            ], feeding: [])
        let samples = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        #expect(abs(samples.count - 192_000) < 2_000, "\(samples.count)")
        guard samples.count > 180_000 else { return }
        let (before, under, behind) = (
            level(samples[12_000..<45_000]), level(samples[54_000..<93_000]), level(samples[144_000..<180_000])
        )
        #expect(abs(before + 8) < 1 && abs(behind + 8) < 1, "\(before) \(behind)")
        #expect(abs(under - before + 20) < 1, "\(under)")
        let report = try String(contentsOf: scratch.url.appending(path: "report.json"), encoding: .utf8)
        #expect(report.contains("\"moved_inputs\": 0") && report.contains("\"clipped_samples\": 0"), "\(report)")
    }

    /// Audio of a film that begins later than its pictures: no clock says when it comes, its time does.
    @Test func filesLieOnEachOtherByTheirTimes() throws {
        let scratch = try Scratch()
        func path(_ name: String) -> String { scratch.url.appending(path: name).path }
        let music = "aevalsrc=0.2*between(t\\,1\\,1.1)*sin(2*PI*1000*t):s=48000:d=4"
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", music, path("music.wav")], feeding: [])
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=64x48:r=25:d=6", "-itsoffset", "2", "-f",
                "lavfi",
                "-i", "aevalsrc=0.4*sin(2*PI*300*t):s=48000:d=3", "-c:v", "libx264", "-c:a", "pcm_s16le",
                path("voice.mov"),
            ], feeding: [])
        let run = try CommandRun(
            [
                "run", Built.root.appending(path: "graphs/mix.json").path, "--set", "voice=voice.mov", "--set",
                "music=music.wav", "--report", "report.json",
            ], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        let bytes = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", path("mix.mka"), "-f", "s16le", "-ac", "1", "pipe:1"], feeding: [])
        let samples = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
        #expect(abs(samples.count - 240_000) < 2_000, "\(samples.count)")
        let loud = samples.indices.filter { samples[$0].magnitude > 3_000 }
        let voice = try #require(loud.first { $0 > 60_000 })
        #expect(abs(try #require(loud.first) - 48_000) < 1_000 && abs(voice - 96_000) < 1_000, "\(voice)")
    }
}
