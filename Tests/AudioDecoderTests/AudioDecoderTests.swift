import AudioDecoderPlugin
import FilesPlugin
import Foundation
import G711Plugin
import Sluice
import SluiceTesting
import TestSupport
import Testing

@Suite("audio-decoder") struct AudioDecoderTests {
    /// Packets of ffmpeg's encoders, as `source` reads them.
    static func packets(_ codec: [String], _ kind: String = "mkv", rate: Int = 48_000, seconds: Double = 1) throws
        -> [Packet]
    {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).\(kind)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                "aevalsrc=0.5*sin(2*PI*440*t)|0.5*sin(2*PI*660*t):s=\(rate):d=\(seconds)", "-c:a",
            ] + codec + [path], feeding: [])
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "decode": false, "pace": "fast"], unconnected: ["video"])
        source.graph.run()
        return source.sink("audio").received.compactMap { $0.item as? Packet }
    }

    private func decode(_ packets: [Packet], _ parameters: [String: ParameterValue] = [:], announces: Bool = true)
        throws -> NodeBench<AudioDecoder>.Result
    {
        try NodeBench(AudioDecoder.self, parameters, announces: announces).run(packets)
    }

    private func copy(_ packet: Packet, bytes: [UInt8]? = nil, format: MediaFormat? = nil) -> Packet {
        let bytes = bytes ?? Array(packet.bytes)
        let copy = Packet(format: format ?? packet.format, count: bytes.count)
        copy.mutableBytes.copyBytes(from: bytes)
        copy.header = packet.header
        return copy
    }

    /// Of one channel, from the first sample whose time is not below 0.
    private func samples(_ frames: [AudioFrame], channel: Int = 0) -> [Double] {
        frames.flatMap { frame -> [Double] in
            let channels = frame.layout.channels
            let early = max(0, Int((MediaTime.zero - frame.header.pts).rescaled(to: Int64(frame.layout.rate))))
            return (min(early, frame.sampleCount)..<frame.sampleCount).map { index in
                frame.layout.sampleFormat == .f32
                    ? Double(frame.f32[index * channels + channel])
                    : Double(frame.s16[index * channels + channel]) / 32_768
            }
        }
    }

    private func isContinuous(_ frames: [AudioFrame]) -> Bool {
        zip(frames, frames.dropFirst()).allSatisfy { $0.header.pts + $0.sampleDuration == $1.header.pts }
    }

    @Test(arguments: [
        ["aac"], ["libmp3lame"], ["ac3"], ["flac"], ["libopus"], ["libvorbis"], ["pcm_s16le"], ["pcm_s24le"],
        ["pcm_mulaw"], ["mp2"],
    ]) func theToneComesOutWhereItBelongs(_ codec: [String]) throws {
        let result = try decode(Self.packets(codec))
        #expect(result.outcome == .finished && result.metric("damaged_packets") == 0, "\(result.events)")
        let frames = result.audio
        #expect(isContinuous(frames))
        #expect(frames.allSatisfy { $0.layout.rate == 48_000 && $0.layout.channels == 2 })
        for (channel, hertz) in [(0, 440.0), (1, 660.0)] {
            let all = samples(frames, channel: channel)
            #expect(abs(all.count - 48_000) < 4_096, "\(all.count)")
            guard all.count > 40_000 else { return }
            let middle = Array(all[10_000..<38_000])
            #expect(distortionDecibels(middle, hertz: hertz, rate: 48_000) < -18, "\(codec) \(channel)")
            // In place, but for what Matroska rounds to milliseconds: the phase is that of a sine that began at 0.
            let step = 2 * Double.pi * hertz / 48_000
            let (sine, cosine) = (10_000..<38_000).reduce((0.0, 0.0)) {
                ($0.0 + all[$1] * sin(step * Double($1)), $0.1 + all[$1] * cos(step * Double($1)))
            }
            let late = -atan2(cosine, sine) / (2 * .pi * hertz) * 1_000
            #expect(abs(late) < 1.1, "\(codec) is \(late) ms late")
        }
    }

    @Test func headersTravel() throws {
        let packets = try Self.packets(["aac"])
        for (index, packet) in packets.enumerated() {
            packet.header.captured = Instant(nanoseconds: Int64(index + 1))
            packet.header.epoch = index < 20 ? 1 : 2
            packet.header.sourceClock = 3
        }
        let frames = try decode(packets).audio
        #expect(frames.allSatisfy { $0.header.sourceClock == 3 && $0.header.flags == .keyframe })
        #expect(frames.last?.header.captured == packets.last?.header.captured)
        #expect(frames.last?.header.epoch == 2 && frames.first?.header.epoch == 1)
        #expect(frames.count > 40 && isContinuous(frames))
    }

    @Test func theFormatIsKnownBeforeTheFirstPacket() throws {
        let packets = try Self.packets(["aac"], rate: 44_100)
        let harness = try NodeHarness(AudioDecoder.self, announcing: ["in": packets[0].format])
        #expect(harness.sink().format == MediaFormat(audio: AudioLayout(.f32, rate: 44_100, channels: 2)))
    }

    @Test func aDamagedPacketIsCountedAndSaidOnce() throws {
        let packets = try Self.packets(["aac"], seconds: 2)
        let damaged = packets.enumerated().map { index, packet in
            index % 10 == 5 ? copy(packet, bytes: [0xff, 0x01, 0x80, 0x55]) : packet
        }
        let result = try decode(damaged)
        #expect(result.outcome == .finished)
        #expect(result.metric("damaged_packets") >= 5)
        #expect(result.events.filter { $0.contains("a packet is lost") }.count == 1)
        #expect(result.audio.count > packets.count / 2)
    }

    @Test func anyBytesAreSurvived() throws {
        let packets = try Self.packets(["aac"], seconds: 2)
        var dice = Dice(seed: 5)
        let result = try decode(
            packets.map { packet in
                var bytes = Array(packet.bytes.prefix(Int.random(in: 0...packet.count, using: &dice)))
                for _ in 0..<4 where !bytes.isEmpty {
                    bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
                }
                return copy(packet, bytes: bytes)
            })
        #expect(result.outcome == .finished)
        #expect(result.events.filter { $0.contains("a packet is lost") }.count == 1)
    }

    /// Raw samples of any number of channels count as a codec of libavcodec's.
    private func wide(_ channels: Int, rate: Int = 48_000) -> [Packet] {
        let format = MediaFormat(
            codec: MediaFormat.Codec("pcm_s16le"), audio: AudioLayout(nil, rate: rate, channels: channels))
        return (0..<10).map { index in
            let packet = Packet(format: format, count: 960 * channels * 2)
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 1)
            packet.header.pts = MediaTime(Int64(index * 960), timescale: Int64(rate))
            packet.header.dts = packet.header.pts
            packet.header.duration = MediaTime(960, timescale: Int64(rate))
            return packet
        }
    }

    @Test(arguments: [true, false]) func moreChannelsThanAllowedAreOneSentence(isTold: Bool) throws {
        let result = try decode(wide(64), announces: isTold)
        #expect(result.outcome == .finished && result.audio.isEmpty)
        #expect(result.metric("too_many_channels") == 10)
        #expect(
            result.events.filter { $0.contains("audio of 48000 Hz 64 ch is left out: at most 8 channels") }.count == 1,
            "\(result.events)")
        #expect(try decode(wide(64), ["max_channels": 64]).audio.count == 10)
        #expect(try decode(wide(2, rate: 500_000)).metric("too_many_channels") == 10)
    }

    /// The container says 44.1 kHz mono, the frames are 48 kHz stereo.
    @Test func whatTheFramesSayCounts() throws {
        let packets = try Self.packets(["libmp3lame"])
        let lie = MediaFormat(codec: MediaFormat.Codec("mp3"), audio: AudioLayout(nil, rate: 44_100, channels: 1))
        let result = try decode(packets.map { copy($0, format: lie) }, announces: false)
        // libavcodec stamps the first one with what it was told.
        #expect(Set(result.audio.dropFirst().map { "\($0.layout)" }) == ["f32 48000 Hz 2 ch"])
        #expect(result.audio.count > 35 && isContinuous(result.audio))
    }

    @Test func timesThatLeapAreFollowed() throws {
        for leap in [MediaTime.milliseconds(3_600_000), .milliseconds(-500), .milliseconds(300)] {
            let packets = try Self.packets(["aac"])
            for packet in packets[20...] {
                packet.header.pts += leap
                packet.header.dts += leap
            }
            let frames = try decode(packets).audio
            let marked = frames.indices.filter { frames[$0].header.flags.contains(.discontinuity) }
            #expect(marked.count == 1)
            guard let first = marked.first else { return }
            // Matroska rounds to milliseconds.
            let step = frames[first].header.pts - frames[first - 1].header.pts - frames[first].sampleDuration
            #expect(abs((step - leap).milliseconds) <= 1, "\(step.milliseconds)")
            #expect(isContinuous(Array(frames[..<first])) && isContinuous(Array(frames[first...])))
        }
    }

    @Test func timesOfAClockThatIsReadForEachPacketAreEvenedOut() throws {
        let packets = try Self.packets(["aac"])
        var dice = Dice(seed: 9)
        for packet in packets.dropFirst() { packet.header.pts += .milliseconds(Int64.random(in: -6...6, using: &dice)) }
        let frames = try decode(packets).audio
        #expect(isContinuous(frames) && frames.count > 40)
        #expect(!frames.contains { $0.header.flags.contains(.discontinuity) })
    }

    @Test func afterADiscontinuityTheDecoderBeginsAnew() throws {
        let packets = try Self.packets(["aac"])
        packets[20].header.flags.insert(.discontinuity)
        let frames = try decode(packets).audio
        #expect(frames.filter { $0.header.flags.contains(.discontinuity) }.count == 1)
        #expect(frames.first { $0.header.flags.contains(.discontinuity) }?.header.pts == packets[20].header.pts)
    }

    @Test func aCodecThatChangesIsFollowed() throws {
        let (first, second) = (try Self.packets(["aac"]), try Self.packets(["libmp3lame"], rate: 44_100))
        for packet in second {
            packet.header.pts += .milliseconds(1_100)
            packet.header.dts += .milliseconds(1_100)
        }
        let result = try decode(first + second)
        #expect(result.outcome == .finished)
        #expect(Set(result.audio.map(\.layout.rate)) == [48_000, 44_100])
        #expect(result.audio.last.map { abs($0.header.pts.seconds - 2.1) < 0.1 } == true)
    }

    /// A packet at the end of a stream is filled up; its duration says so.
    @Test func whatIsBeyondTheDurationIsHeardOnlyWhereTheStreamGoesOn() throws {
        let packets = wide(1)
        packets[4].header.duration = .milliseconds(5)
        packets[9].header.duration = .milliseconds(5)
        let frames = try decode(packets).audio
        // The one in the middle lied: the next one goes on behind the whole of it.
        #expect(frames.reduce(0) { $0 + $1.sampleCount } == 9 * 960 + 240)
        #expect(isContinuous(frames))
        // Here it did not.
        let cut = wide(1)
        cut[4].header.duration = .milliseconds(5)
        for packet in cut[5...] {
            packet.header.pts = packet.header.pts - .milliseconds(15)
            packet.header.dts = packet.header.pts
        }
        let rest = try decode(cut).audio
        #expect(
            rest.reduce(0) { $0 + $1.sampleCount } == 9 * 960 + 240,
            "\(rest.map { ($0.header.pts.milliseconds, $0.sampleCount) })")
    }

    @Test func aCodecThatNobodyKnowsIsRefusedBeforeTheRun() throws {
        let format = MediaFormat(
            codec: MediaFormat.Codec("nonsense"), audio: AudioLayout(nil, rate: 48_000, channels: 2))
        #expect(throws: (any Error).self) { try NodeHarness(AudioDecoder.self, announcing: ["in": format]) }
    }
}
