import Bitstream
import Negotiation
import Sluice
import TestSupport
import Testing

@testable import WebRTCPlugin

@Suite("Streams as peers are offered them") struct OfferedStreamTests {
    /// One stream, and what it says.
    private final class Rig {
        var said: [String] = []
        lazy var stream = OfferedStream(line: SharedLine(), expecting: expected) { [unowned self] in said.append($0) }
        private let expected: MediaCodec?

        init(expecting expected: MediaCodec? = nil) { self.expected = expected }

        func note(
            _ format: MediaFormat, _ bytes: [UInt8] = [0], keyframe: Bool = true, pts: Int64 = 0, dts: Int64? = nil
        ) {
            let packet = Packet(format: format, count: bytes.count)
            packet.mutableBytes.copyBytes(from: bytes)
            packet.header.pts = .milliseconds(pts)
            packet.header.dts = .milliseconds(dts ?? pts)
            if keyframe { packet.header.flags.insert(.keyframe) }
            stream.note(packet)
        }
    }

    private static let h264 = MediaFormat(codec: .h264, video: VideoLayout(width: 320, height: 240))
    private static let vp8 = MediaFormat(codec: .vp8, video: VideoLayout(width: 320, height: 240))

    private static func opus(_ channels: Int) -> MediaFormat {
        MediaFormat(codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: channels))
    }

    /// Access units of x264 with these options, with start codes: the first is a keyframe with its parameter sets.
    private static func keyframe(_ options: String...) throws -> [UInt8] {
        try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=0.2", "-pix_fmt", "yuv420p",
                "-c:v", "libx264",
            ] + options + ["-frames:v", "1", "-f", "h264", "pipe:1"], feeding: [])
    }

    @Test func nothingIsOfferedBeforeACodecIsKnownUnlessOneIsExpected() {
        let rig = Rig()
        #expect(rig.stream.track == nil)
        rig.note(Self.vp8)
        #expect(rig.stream.track?.codec == .vp8 && rig.stream.track?.stream.format == .vp8)
        #expect(Rig(expecting: .vp8).stream.track?.codec == .vp8)
        let voice = Rig(expecting: .opus(channels: 2))
        voice.note(Self.opus(1))
        #expect(voice.stream.track?.codec == .opus(channels: 1))
    }

    @Test func packetsOfOneCodecShareOneStreamAndAnotherCodecHasAnother() {
        let rig = Rig()
        rig.note(Self.vp8)
        let first = rig.stream.stream
        rig.note(MediaFormat(codec: .vp8, video: VideoLayout(width: 640, height: 480)))
        #expect(rig.stream.stream === first)
        rig.note(Self.opus(2))
        #expect(rig.stream.stream !== first && rig.stream.track?.codec == .opus(channels: 2))
        // VP9 is offered to nobody.
        rig.note(MediaFormat(codec: .vp9, video: VideoLayout(width: 320, height: 240)))
        #expect(rig.stream.track == nil && rig.said.isEmpty)
    }

    @Test func ofH264TheProfileIsThatOfItsParameterSets() throws {
        let rig = Rig()
        rig.note(Self.h264, [0, 0, 0, 1, 0x41, 1], keyframe: false)
        #expect(rig.stream.track == nil)
        rig.note(Self.h264, try Self.keyframe("-profile:v", "baseline", "-tune", "zerolatency"))
        guard case .h264? = rig.stream.track?.codec.format, let profile = rig.stream.track?.codec.profile else {
            Issue.record("\(String(describing: rig.stream.track?.codec))")
            return
        }
        #expect(profile.family == .constrainedBaseline && rig.said.isEmpty)
        // A keyframe with other sets changes it, in the same format.
        rig.note(Self.h264, try Self.keyframe("-profile:v", "high", "-tune", "zerolatency"), pts: 40)
        #expect(rig.stream.track?.codec.profile?.family == .high)
    }

    @Test func picturesInAnotherOrderAreOneSentenceWithTheSendersSetting() throws {
        let rig = Rig()
        for turn in 0..<3 { rig.note(Self.h264, try Self.keyframe("-bf", "2"), pts: Int64(40 * turn)) }
        try #require(rig.said.count == 1, "\(rig.said)")
        for words in ["B-frames", "-bf 0", "zerolatency", "transcode=all"] { #expect(rig.said[0].contains(words)) }
    }

    /// Encoders of hardware do not say it in their parameter sets.
    @Test func theOrderOfTimesTellsWhatParameterSetsDoNot() throws {
        let rig = Rig()
        rig.note(Self.h264, try Self.keyframe("-tune", "zerolatency"), pts: 40, dts: 0)
        rig.note(Self.h264, [0, 0, 0, 1, 0x41, 1], keyframe: false, pts: 160, dts: 40)
        #expect(rig.said.isEmpty)
        rig.note(Self.h264, [0, 0, 0, 1, 0x01, 1], keyframe: false, pts: 80, dts: 80)
        rig.note(Self.h264, [0, 0, 0, 1, 0x01, 1], keyframe: false, pts: 120, dts: 120)
        #expect(rig.said.count == 1 && rig.said.first?.contains("B-frames") == true)
        // A source that begins anew goes back as a whole.
        let other = Rig()
        other.note(Self.h264, try Self.keyframe("-tune", "zerolatency"), pts: 9_000)
        other.note(Self.h264, try Self.keyframe("-tune", "zerolatency"), pts: 0)
        #expect(other.said.isEmpty)
    }

    @Test func interlacedPicturesAreOneSentenceWithTheSendersSetting() throws {
        let rig = Rig()
        let keyframe = try Self.keyframe(
            "-tune", "zerolatency", "-flags", "+ilme+ildct", "-x264-params", "interlaced=1")
        for turn in 0..<3 { rig.note(Self.h264, keyframe, pts: Int64(40 * turn)) }
        try #require(rig.said.count == 1, "\(rig.said)")
        for words in ["interlaced", "yadif", "transcode=all"] { #expect(rig.said[0].contains(words)) }
    }

    @Test func damagedParameterSetsOfferNothingAndBreakNothing() {
        let rig = Rig()
        rig.note(Self.h264, [0, 0, 0, 1, 0x67])
        rig.note(Self.h264, [0, 0, 1])
        rig.note(Self.h264, [])
        #expect(rig.stream.track == nil)
    }
}
