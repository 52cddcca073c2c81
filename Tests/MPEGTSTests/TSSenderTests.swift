import Bitstream
import LibAV
import Sluice
import SluiceTesting
import Testing

@testable import MPEGTS

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
private let h264 = TestMedia.codedVideo(.h264)

/// Takes what a muxer writes.
private final class Bytes: ByteSink {
    var all: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        all += bytes
        return 0
    }
    var blockSize: Int { 1_316 }
}

@Suite("A transport stream sender") struct TSSenderTests {
    private let opus = MediaFormat(
        codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2), configuration: OpusHead(channels: 2).bytes)

    /// The clip's packets, as the demuxer finds them.
    private let source = Findings.of(Streams.withLength).0

    /// The packets that a receiver has got after each one written.
    private func send(_ packets: [(packet: Packet, track: TSTrack)], offset: MediaTime = .zero) throws -> (
        found: Findings, behind: [Int]
    ) {
        let bytes = Bytes()
        let formats = [(TSTrack.video, source.video[0].format), (.audio, opus)]
        let sender = try TSSender(formats.map { (track: $0.0, format: $0.1) }, offset: offset, to: bytes)
        let (found, demuxer) = (Findings(), TSDemuxer())
        demuxer.client = found
        var fed = 0
        var behind: [Int] = []
        for (number, (packet, track)) in packets.enumerated() {
            try sender.write(packet, of: track)
            let part = Array(bytes.all[fed...])
            fed = bytes.all.count
            part.withUnsafeBytes { demuxer.feed($0, at: at(Int64(number))) }
            behind.append(number + 1 - found.packets.count)
        }
        return (found, behind)
    }

    @Test func eachPacketIsThereAsSoonAsItIsWritten() throws {
        let all = source.packets.map { (packet: $0.packet, track: $0.track) }
        let (found, behind) = try send(all)
        #expect(behind.allSatisfy { $0 == 0 })
        #expect(found.packets.map { Array($0.packet.bytes) } == all.map { Array($0.packet.bytes) })
        #expect(found.packets.map(\.packet.header.pts) == all.map(\.packet.header.pts))
    }

    /// Neither stream waits for the other.
    @Test func picturesGoOutWhileTheAudioStallsAndTheOtherWayRound() throws {
        for track in TSTrack.allCases {
            let alone = source.packets.filter { $0.track == track }.map {
                (packet: $0.packet, track: $0.track)
            }
            let (found, behind) = try send(alone)
            #expect(behind.allSatisfy { $0 == 0 } && found.packets.count == alone.count)
        }
    }

    /// 16 bits hold no more than 65,535; the receiver takes the stuffing for the end.
    @Test func aPictureTooLongForItsLengthIsHandedOnAtOnceAllTheSame() throws {
        let format = source.video[0].format
        let key = source.video[0]
        let large = Packet(format: format, count: 100_000)
        large.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0x55)
        large.mutableBytes.copyMemory(from: key.bytes)
        large.header = key.header
        let (found, behind) = try send([(large, .video)])
        #expect(behind == [0] && found.video.first?.count == 100_000)
    }

    @Test func aStreamThatBeginsBeforeZeroIsMovedByAConstant() {
        let picture = TestMedia.packets(h264, count: 1)[0]
        let delayed = MediaFormat(
            codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2),
            configuration: Array(OpusHead(channels: 2).bytes[..<10]) + [0x38, 1]
                + Array(OpusHead(channels: 2).bytes[12...]))
        let delay = MediaTime(312, timescale: 48_000)
        #expect(TSSender.offset([picture], [h264, delayed]) == .zero - delay)
        let audio = TestMedia.packets(delayed, count: 1)[0]
        audio.header.dts = .zero - delay
        #expect(TSSender.offset([picture, audio], [h264, delayed]) == .zero - delay)
        picture.header.dts = .milliseconds(500)
        #expect(TSSender.offset([picture], [h264, delayed]) == .zero)
        #expect(TSSender.offset([], [h264]) == .zero)
    }

    /// Encoders send packets of one byte in silence (DTX); libavformat's muxer refuses them.
    @Test func silenceOfOneByteAPacketGoesThrough() throws {
        let packets = [0xf8, 0xf9, 0x0b, 0xf8].enumerated().map { index, byte in
            let packet = Packet(format: opus, count: 1)
            packet.mutableBytes[0] = UInt8(byte)
            packet.header.pts = .milliseconds(Int64(index) * 40)
            packet.header.dts = packet.header.pts
            return packet
        }
        let bytes = Bytes()
        let sender = try TSSender([(.audio, opus)], offset: .zero, to: bytes)
        for packet in packets { try sender.write(packet, of: .audio) }
        let (found, _) = Findings.of(bytes.all)
        // The third one says that a count follows, and it does not: no Opus packet, and no end either.
        #expect(found.audio.map { Array($0.bytes) } == [[0xfb, 1], [0xfb, 2], [0xfb, 1]])
        #expect(found.audio.map(\.header.duration) == [20, 40, 20].map { .milliseconds($0) })
    }
}
