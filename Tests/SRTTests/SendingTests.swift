import LibAV
import Sluice
import SluiceTesting
import Testing

@testable import SRTPlugin

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
private let h264 = TestMedia.codedVideo(.h264)

@Suite("A send gate") struct SendGateTests {
    private let packets = TestMedia.packets(h264, count: 30, group: 10)
    private let sound = TestMedia.packets(TestMedia.codedAudio(), count: 30)

    @Test func aConnectionBeginsWithAKeyframe() {
        var gate = SendGate(bound: .milliseconds(1_000))
        #expect(gate.judge(packets[0]) == .unconnected)
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[3]) == .beforeKeyframe)
        #expect(gate.judge(sound[3]) == .beforeKeyframe)
        #expect(gate.judge(packets[10]) == .pass)
        #expect(gate.judge(sound[4]) == .pass)
        #expect(gate.judge(packets[11]) == .pass)
        gate.close()
        #expect(gate.judge(packets[12]) == .unconnected)
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[13]) == .beforeKeyframe)
    }

    @Test func soundAloneBeginsAtOnce() {
        var gate = SendGate(bound: .milliseconds(1_000))
        gate.open(hasVideo: false)
        #expect(gate.judge(sound[0]) == .pass)
    }

    @Test func overTheBoundNothingPassesUntilHalfOfItIsLeftAndAKeyframeComes() {
        var gate = SendGate(bound: .milliseconds(1_000))
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[0]) == .pass)
        #expect(gate.note(waiting: .milliseconds(1_000)) == .none)
        #expect(gate.note(waiting: .milliseconds(1_001)) == .congested)
        #expect(gate.note(waiting: .milliseconds(1_500)) == .none)
        #expect(gate.judge(packets[10]) == .congested)
        #expect(gate.note(waiting: .milliseconds(501)) == .none)
        #expect(gate.note(waiting: .milliseconds(500)) == .relieved)
        #expect(gate.judge(packets[11]) == .beforeKeyframe)
        #expect(gate.judge(packets[20]) == .pass)
    }
}

@Suite("A silent peer") struct PeerWatchTests {
    @Test func isGivenUpWhenNothingIsAcknowledgedForTooLong() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        let round = Interval.milliseconds(40)
        #expect(watch.note(acknowledged: 10, waiting: 5, roundTrip: round, at: at(0)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 9, roundTrip: round, at: at(100)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 50, roundTrip: round, at: at(1_500)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 50, roundTrip: round, at: at(1_600)) == .milliseconds(1_500))
    }

    @Test func isNotSilentWhileNothingIsSent() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        for time in stride(from: Int64(0), to: 20_000, by: 100) {
            #expect(watch.note(acknowledged: 4, waiting: 0, roundTrip: .milliseconds(40), at: at(time)) == nil)
        }
    }

    @Test func aLongWayIsGivenFourRoundTrips() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        let round = Interval.milliseconds(700)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(0)) == nil)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(2_700)) == nil)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(2_800)) != nil)
    }
}

@Suite("The end of sending") struct SendEndingTests {
    @Test func lastsUntilEverythingIsAcknowledgedAndTheLatencyIsOver() {
        var ending = SendEnding()
        let latency = Interval.milliseconds(200)
        #expect(ending.step(unacknowledged: 5, latency: latency, at: at(0)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(30)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(229)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(230)) == true)
    }

    @Test func isBoundedWhereThePeerAcknowledgesNothing() {
        var ending = SendEnding()
        #expect(ending.step(unacknowledged: 5, latency: .milliseconds(100), at: at(0)) == false)
        #expect(ending.step(unacknowledged: 5, latency: .milliseconds(100), at: at(2_100)) == true)
    }
}

/// Takes what a muxer writes.
private final class Bytes: ByteSink {
    var all: [UInt8] = []
    func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        all += bytes
        return 0
    }
    var blockSize: Int { SRTSocket.payload }
}

@Suite("A transport stream sender") struct TSSenderTests {
    private let opus = MediaFormat(
        codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2), configuration: opusHead(channels: 2))

    /// The clip's packets, as the demuxer finds them.
    private let source = Findings.of(Streams.withLength).0

    /// What a receiver has got after each packet written.
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
    @Test func picturesGoOutWhileTheSoundStallsAndTheOtherWayRound() throws {
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
        large.header.byteCount = 100_000
        let (found, behind) = try send([(large, .video)])
        #expect(behind == [0] && found.video.first?.count == 100_000)
    }

    @Test func aStreamThatBeginsBeforeZeroIsMovedByAConstant() {
        let picture = TestMedia.packets(h264, count: 1)[0]
        let delayed = MediaFormat(
            codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 2),
            configuration: Array(opusHead(channels: 2)[..<10]) + [0x38, 1] + Array(opusHead(channels: 2)[12...]))
        let delay = MediaTime(312, timescale: 48_000)
        #expect(TSSender.offset([picture], [h264, delayed]) == .zero - delay)
        let sound = TestMedia.packets(delayed, count: 1)[0]
        sound.header.dts = .zero - delay
        #expect(TSSender.offset([picture, sound], [h264, delayed]) == .zero - delay)
        picture.header.dts = .milliseconds(500)
        #expect(TSSender.offset([picture], [h264, delayed]) == .zero)
        #expect(TSSender.offset([], [h264]) == .zero)
    }
}
