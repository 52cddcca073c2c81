import Bitstream
import Sluice
import TestSupport
import Testing

@testable import MPEGTS

/// Keeps what a demuxer hands on, with the number of bytes that it had been fed by then.
final class Findings: TSDemuxerClient {
    var packets: [(packet: Packet, track: TSTrack, fed: Int)] = []
    var streams: [String] = []
    var leftOut: [String] = []
    var fed = 0
    var timesToldOfStreams = 0

    func take(_ packet: Packet, of track: TSTrack) { packets.append((packet, track, fed)) }
    func noteStreams(_ kinds: [TSStreamKind], leftOut: [String]) {
        timesToldOfStreams += 1
        streams = kinds.map(\.codec.name)
        self.leftOut = leftOut
    }

    var video: [Packet] { packets.filter { $0.track == .video }.map(\.packet) }
    var audio: [Packet] { packets.filter { $0.track == .audio }.map(\.packet) }

    /// Feeds all bytes in datagrams of `size` bytes, each a millisecond after the other.
    @discardableResult
    static func of(
        _ bytes: [UInt8], size: Int = 1_316, finish: Bool = true, demuxer: TSDemuxer = TSDemuxer()
    ) -> (Findings, TSDemuxer) {
        let findings = Findings()
        demuxer.client = findings
        for (number, start) in stride(from: 0, to: bytes.count, by: size).enumerated() {
            let part = Array(bytes[start..<min(start + size, bytes.count)])
            findings.fed = start + part.count
            part.withUnsafeBytes { demuxer.feed($0, at: Instant(nanoseconds: Int64(number) * 1_000_000)) }
        }
        if finish { demuxer.finish() }
        return (findings, demuxer)
    }
}

/// Transport streams made by ffmpeg.
enum Streams {
    static func make(_ options: [String], seconds: Int = 1) throws -> [UInt8] {
        try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=30:d=\(seconds)", "-f", "lavfi",
                "-i",
                "sine=r=48000:d=\(seconds)", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g",
                "15",
            ] + options + ["-f", "mpegts", "pipe:1"], feeding: [])
    }
    /// PES packets of video with their length, and without, as most muxers write them.
    static let withLength = try! make(["-c:a", "libopus", "-omit_video_pes_length", "0"])
    static let withoutLength = try! make(["-c:a", "libopus"])
}

@Suite("A transport stream") struct TSDemuxerTests {
    @Test func everyPictureAndAudioComesOutOnceWithTheSendersTimes() throws {
        let (found, demuxer) = Findings.of(Streams.withLength)
        #expect(found.streams == ["h264", "opus"])
        #expect(found.video.count == 30)
        #expect(found.audio.count == 50 || found.audio.count == 51)
        #expect(demuxer.lost == 0 && demuxer.damaged == 0 && demuxer.strayBytes == 0)
        #expect(found.video[0].format.video == VideoLayout(width: 320, height: 180))
        #expect(found.video.indices.filter { found.video[$0].header.flags.contains(.keyframe) } == [0, 15])
        let times = found.video.map(\.header.pts)
        for (a, b) in zip(times, times.dropFirst()) { #expect(b - a == MediaTime(1, timescale: 30)) }
        #expect(times == found.video.map(\.header.dts))
        // libavformat's muxer begins 1.4 s after 0, here with the audio, which is 312 samples early.
        #expect(times[0] == MediaTime.milliseconds(1_400) + MediaTime(312, timescale: 48_000))
        let audio = found.audio.map(\.header.pts)
        for (a, b) in zip(audio, audio.dropFirst()) { #expect(b - a == .milliseconds(20)) }
        #expect(found.audio.allSatisfy { $0.header.duration == .milliseconds(20) && $0.format.audio?.channels == 1 })
    }

    @Test func thePacketsAreThoseThatFFmpegFinds() throws {
        let expected = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-i", "pipe:0", "-map", "0:v", "-c", "copy", "-f", "h264", "pipe:1"],
            feeding: Streams.withoutLength)
        for stream in [Streams.withLength, Streams.withoutLength] {
            #expect(Findings.of(stream).0.video.flatMap { Array($0.bytes) } == expected)
        }
    }

    @Test(arguments: [1, 47, 188, 1_000, 1_316, 1_456, 100_000])
    func theSizeOfDatagramsChangesNothing(_ size: Int) {
        let (found, _) = Findings.of(Streams.withLength, size: size)
        let (usual, _) = Findings.of(Streams.withLength)
        #expect(found.packets.map { Array($0.packet.bytes) } == usual.packets.map { Array($0.packet.bytes) })
        #expect(found.packets.map(\.packet.header.pts) == usual.packets.map(\.packet.header.pts))
    }

    /// Where a picture's last transport packet ends, from the bytes themselves: before the next of its PID that begins
    /// a unit.
    private func ends(_ bytes: [UInt8], pid: Int) -> [Int] {
        var (ends, last) = ([Int](), 0)
        for start in stride(from: 0, to: bytes.count, by: 188) {
            guard Int(bytes[start + 1] & 0x1f) << 8 | Int(bytes[start + 2]) == pid else { continue }
            if bytes[start + 1] & 0x40 != 0, last > 0 { ends.append(last) }
            last = start + 188
        }
        return ends + [last]
    }

    @Test func aPictureIsHandedOnWithItsLastTransportPacket() {
        for stream in [Streams.withLength, Streams.withoutLength] {
            let (found, _) = Findings.of(stream, size: 188, finish: false)
            let handed = found.packets.filter { $0.track == .video }.map(\.fed)
            let ends = ends(stream, pid: 256)
            // One in 184 pictures fits its transport packets exactly; without its length it waits for the next one.
            let late = zip(handed, ends).filter { $0.0 > $0.1 }.count
            #expect(zip(handed, ends).allSatisfy { $0.0 >= $0.1 } && late <= (stream == Streams.withLength ? 0 : 1))
            #expect(handed.count >= 29)
        }
    }

    /// The counters of a file that begins again go on by chance, or are those of the last packets.
    @Test func aStreamThatBeginsAgainLosesNothingWhateverItsCounters() {
        let once = Findings.of(Streams.withLength).0
        for turn in 0..<16 {
            var again = Streams.withLength
            for start in stride(from: 0, to: again.count, by: 188) {
                again[start + 3] = again[start + 3] & 0xf0 | (again[start + 3] + UInt8(turn)) & 0x0f
            }
            let (found, _) = Findings.of(Streams.withLength + again)
            let bytes = once.packets.map { Array($0.packet.bytes) }
            #expect(
                found.video.map { Array($0.bytes) } == once.video.map { Array($0.bytes) }
                    + once.video.map { Array($0.bytes) }, "\(turn)")
            #expect(found.packets.count == bytes.count * 2, "\(turn)")
        }
    }

    @Test func aLostTransportPacketCostsItsPictureAndIsSaid() {
        var bytes = Streams.withLength
        // Of the fifth picture's packets the second one.
        let begins = ends(bytes, pid: 256)[3]
        let victim = stride(from: begins, to: bytes.count, by: 188).filter {
            Int(bytes[$0 + 1] & 0x1f) << 8 | Int(bytes[$0 + 2]) == 256
        }[1]
        bytes.removeSubrange(victim..<victim + 188)
        let (found, demuxer) = Findings.of(bytes)
        #expect(found.video.count == 29)
        #expect(demuxer.lost == 1 && demuxer.damaged == 1)
        #expect(found.video.indices.filter { found.video[$0].header.flags.contains(.discontinuity) } == [4])
    }

    @Test func garbageIsSkippedAndTheStreamBehindItIsFound() {
        var dice = Dice(seed: 3)
        let garbage = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &dice) }
        let (found, demuxer) = Findings.of(garbage + Streams.withLength, size: 500)
        #expect(found.video.count == 30)
        #expect(demuxer.strayBytes > 4_000)
    }

    /// Every byte of the tables and headers comes to be wrong somewhere; nothing may trap.
    @Test func damagedBytesNeverCrash() {
        var dice = Dice(seed: 11)
        for _ in 0..<60 {
            var bytes = Array(Streams.withLength.prefix(60_000))
            for _ in 0..<200 {
                bytes[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            for _ in 0..<40 {
                // Headers: the first bytes of a transport packet.
                let start = Int.random(in: 0..<bytes.count / 188, using: &dice) * 188
                bytes[start + Int.random(in: 1..<24, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            Findings.of(bytes)
        }
    }

    @Test func whatCannotBeReadIsNamed() throws {
        let bytes = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=30:d=0.5", "-f", "lavfi", "-i",
                "sine=d=1", "-map", "0", "-map", "1", "-map", "1", "-c:v", "mpeg4", "-c:a:0", "aac", "-c:a:1", "mp2",
                "-f",
                "mpegts", "pipe:1",
            ], feeding: [])
        let (found, _) = Findings.of(bytes)
        #expect(found.streams == ["aac"])
        #expect(found.leftOut == ["type 0x10", "a second audio stream (MPEG audio)"])
        #expect(found.video.isEmpty)
        // One frame of AAC is 1,024 samples.
        #expect(
            found.audio.count > 18
                && found.audio[2].header.pts - found.audio[1].header.pts == MediaTime(1_024, timescale: 44_100))
    }

    @Test func otherAudioIsCutIntoItsFrames() throws {
        for (codec, samples) in [("mp2", 1_152), ("ac3", 1_536), ("eac3", 1_536), ("libmp3lame", 1_152)] {
            let (found, _) = Findings.of(try Streams.make(["-c:a", codec]))
            #expect(found.audio.count >= 48_000 / samples - 2, "\(codec)")
            let length = MediaTime(Int64(samples), timescale: 48_000)
            #expect(
                found.audio.allSatisfy { $0.header.duration == length && $0.format.audio?.rate == 48_000 }, "\(codec)")
        }
    }

    /// As broadcasts send it. The frames are those that the same encoder puts behind ADTS headers.
    @Test(arguments: [["-ac", "1"], ["-ac", "2"], ["-ac", "6"], ["-ar", "44100"]])
    func audioInLATMIsTakenOut(_ options: [String]) throws {
        let (found, demuxer) = Findings.of(try Streams.make(["-c:a", "aac", "-mpegts_flags", "latm"] + options))
        let (plain, _) = Findings.of(try Streams.make(["-c:a", "aac"] + options))
        #expect(found.streams == ["h264", "aac"] && found.leftOut.isEmpty)
        #expect(demuxer.damaged == 0)
        #expect(found.audio.count > 40 && found.audio.count == plain.audio.count)
        for (latm, adts) in zip(found.audio, plain.audio) {
            let header = try #require(ADTSHeader.size(adts.bytes))
            #expect(Array(latm.bytes) == Array(adts.bytes.dropFirst(header)))
            #expect(latm.header.duration == adts.header.duration)
            #expect(latm.format.audio == adts.format.audio)
            #expect(latm.format.configuration.count >= 2)
        }
        #expect(found.audio.map(\.header.pts) == plain.audio.map(\.header.pts))
    }

    /// The last packets too, which nothing follows.
    @Test(arguments: [
        ["aac"], ["aac", "-mpegts_flags", "latm"], ["ac3"], ["mp2"], ["libmp3lame"],
        ["mp2", "-ar", "24000", "-ac", "1"], ["libopus"],
    ])
    func asManyFramesComeAsFFmpegFinds(_ options: [String]) throws {
        let bytes = try Streams.make(["-c:a"] + options)
        let told = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pts", "-of", "csv=p=0",
                "pipe:0",
            ], feeding: bytes)
        let times = String(decoding: told, as: UTF8.self).split(separator: "\n").compactMap {
            Int64($0.prefix { $0.isNumber })
        }
        // They are the sender's, on 90 kHz, whichever packet ends a frame.
        let (found, demuxer) = Findings.of(bytes)
        #expect(found.audio.map { $0.header.pts.rescaled(to: 90_000) } == times)
        #expect(demuxer.damaged == 0)
        let name = options[0] == "libopus" ? "opus" : options[0] == "libmp3lame" ? "mp3" : options[0]
        #expect(found.audio.allSatisfy { $0.format.codec?.name == name })
    }

    /// Its first time once more is that of the frame there, though the parser says the first frame's of another.
    @Test(arguments: ["aac", "mp2", "libmp3lame"])
    func aSenderMayBeginAgain(_ codec: String) throws {
        let bytes = try Streams.make(["-c:a", codec])
        let once = Findings.of(bytes).0.audio.map(\.header.pts)
        let twice = Findings.of(bytes + bytes).0.audio.map(\.header.pts)
        #expect(twice.count >= once.count * 2 - 1)
        #expect(twice.filter { $0 == once[0] }.count == 2)
        #expect(twice.filter { $0 == once[once.count - 1] }.count == 2)
    }

    @Test func damagedLATMNeverCrashes() throws {
        let bytes = try Streams.make(["-c:a", "aac", "-mpegts_flags", "latm"])
        var dice = Dice(seed: 11)
        for _ in 0..<40 {
            var damaged = bytes
            for _ in 0..<200 {
                damaged[Int.random(in: 0..<damaged.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            Findings.of(damaged)
        }
        // Without transport packets around them.
        var reader = LATMReader()
        for _ in 0..<20_000 {
            var element: [UInt8] = [0x56, 0xe0, UInt8.random(in: 0...80, using: &dice)]
            element += (0..<Int.random(in: 0...90, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            _ = element.withUnsafeBytes { reader.read($0) { _, _ in } }
        }
    }

    /// A transport packet with a whole section in it.
    private func table(pid: Int, _ body: [UInt8], counter: Int) -> [UInt8] {
        packet(pid: pid, checked(body), counter: counter)
    }

    private func packet(pid: Int, _ section: [UInt8], counter: Int) -> [UInt8] {
        let header: [UInt8] = [
            0x47, 0x40 | UInt8(pid >> 8), UInt8(truncatingIfNeeded: pid), 0x10 | UInt8(counter & 15), 0,
        ]
        let packet = header + section
        return packet + [UInt8](repeating: 0xff, count: 188 - packet.count)
    }

    private func checked(_ body: [UInt8]) -> [UInt8] {
        let crc = TSSection.checksum(body)
        return body + (0..<4).map { UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * $0)) }
    }

    /// A map with one stream of `type` at `pid`.
    private func map(program: Int, type: UInt8, pid: Int) -> [UInt8] {
        let high = 0xe0 | UInt8(pid >> 8)
        return [
            2, 0xb0, 18, 0, UInt8(program), 0xc1, 0, 0, high, UInt8(pid & 255), 0xf0, 0, type, high, UInt8(pid & 255),
            0xf0, 0,
        ]
    }

    @Test(arguments: [0, 1, 2], [false, true])
    func ofProgramsWhoseMapsShareAPIDOneIsRead(wanted: Int, inOnePacket: Bool) {
        let findings = Findings()
        let demuxer = TSDemuxer(program: wanted)
        demuxer.client = findings
        let programs: [UInt8] = [0, 0xb0, 17, 0, 1, 0xc1, 0, 0, 0, 1, 0xe0, 0x20, 0, 2, 0xe0, 0x20]
        let maps = [map(program: 1, type: 0x1b, pid: 0x100), map(program: 2, type: 0x24, pid: 0x200)]
        for round in 0..<50 {
            var bytes = table(pid: 0, programs, counter: round)
            if inOnePacket {
                bytes += packet(pid: 0x20, maps.flatMap { checked($0) }, counter: round)
            } else {
                for (index, map) in maps.enumerated() { bytes += table(pid: 0x20, map, counter: round * 2 + index) }
            }
            bytes.withUnsafeBytes { demuxer.feed($0, at: Instant(nanoseconds: Int64(round) * 100_000_000)) }
        }
        #expect(findings.timesToldOfStreams == 1 && demuxer.mapChanges == 1)
        #expect(findings.streams == [wanted == 2 ? "hevc" : "h264"])
        #expect(findings.leftOut == ["program \(wanted == 2 ? 1 : 2)"])
    }

    @Test func aProgramThatIsNotThereIsSaidAndOneThatGoesIsFollowed() {
        func feed(_ demuxer: TSDemuxer, _ program: UInt8, _ counter: Int) {
            let programs: [UInt8] = [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, program, 0xe0, 0x20]
            let bytes =
                table(pid: 0, programs, counter: counter)
                + table(pid: 0x20, map(program: Int(program), type: 0x1b, pid: 0x100 + Int(program)), counter: counter)
            bytes.withUnsafeBytes { demuxer.feed($0, at: Instant(nanoseconds: 0)) }
        }
        let (findings, missing) = (Findings(), TSDemuxer(program: 7))
        missing.client = findings
        for counter in 0..<5 { feed(missing, 1, counter) }
        #expect(findings.streams.isEmpty && findings.leftOut == ["program 1"] && findings.timesToldOfStreams == 1)
        let (others, first) = (Findings(), TSDemuxer())
        first.client = others
        feed(first, 1, 0)
        feed(first, 3, 1)
        #expect(others.timesToldOfStreams == 2 && others.streams == ["h264"])
    }

    @Test func aMapThatChangesWithEveryPacketCostsLittleAndIsCounted() {
        let findings = Findings()
        let demuxer = TSDemuxer()
        demuxer.client = findings
        let programs: [UInt8] = [0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0]
        table(pid: 0, programs, counter: 0).withUnsafeBytes { demuxer.feed($0, at: Instant(nanoseconds: 0)) }
        for number in 0..<3_000 {
            let pid = 0x100 + number % 256
            // Program 1, its clock on `pid`, one stream of H.264 there.
            let map: [UInt8] = [
                2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe0 | UInt8(pid >> 8), UInt8(pid & 255), 0xf0, 0, 0x1b,
                0xe0 | UInt8(pid >> 8), UInt8(pid & 255), 0xf0, 0,
            ]
            table(pid: 0x1000, map, counter: number).withUnsafeBytes {
                demuxer.feed($0, at: Instant(nanoseconds: Int64(number) * 1_000_000))
            }
        }
        #expect(demuxer.mapChanges > 2_900)
        // Eight a second for three seconds.
        #expect((8...24).contains(findings.timesToldOfStreams), "\(findings.timesToldOfStreams)")
    }

    @Test func aPictureOverTheLimitIsLostAndTheNextOneIsNot() throws {
        let (whole, _) = Findings.of(Streams.withoutLength)
        let sizes = whole.video.map(\.count)
        let limit = try #require(sizes.max()) - 1
        let (found, demuxer) = Findings.of(Streams.withoutLength, demuxer: TSDemuxer(unitLimit: limit))
        let over = sizes.filter { $0 > limit }.count
        #expect(over > 0 && found.video.count == sizes.count - over && demuxer.damaged == over)
        #expect(found.video.contains { $0.header.flags.contains(.discontinuity) })
    }

    @Test func timesGoOnWhereTheirThirtyThreeBitsBeginAgain() {
        var times = TimestampUnwrapper()
        let end: Int64 = 1 << 33
        let first = times.unwrap(end - 3_000)
        #expect(times.unwrap(end - 4_500) - first == MediaTime(-1_500, timescale: 90_000))
        #expect(times.unwrap(0) - first == MediaTime(3_000, timescale: 90_000))
        #expect(times.unwrap(3_000) - first == MediaTime(6_000, timescale: 90_000))
        #expect(times.unwrap(end - 1) - first == MediaTime(2_999, timescale: 90_000))
    }
}
