import Bitstream
import RTP
import Sluice
import TestSupport
import Testing

@Suite struct PayloadTests {
    private func sender(_ format: PayloadFormat, configuration: [UInt8] = []) -> StreamSender {
        StreamSender(
            format, configuration: configuration, payloadType: 96, ssrc: 5, sequence: 65_530,
            timestampOffset: 0xffff_f000)
    }

    @Test(arguments: PayloadFormat.allCases, [1, 2, 40, 1_187, 1_188, 1_189, 2_400, 20_000])
    func aFrameOfAnySizeComesBackByteForByte(_ format: PayloadFormat, size: Int) {
        var sender = sender(format)
        let bench = ReceiverBench(format, isAuthenticated: true)
        var sent: [[UInt8]] = []
        for index in 0..<12 {
            let frame = MadeFrames.frame(format, index, size: format == .opus ? min(size, 1_100) : size, group: 5)
            sent.append(frame.bytes)
            let packets = sender.packets(
                of: frame.bytes, at: .milliseconds(Int64(index) * 20), isKeyframe: frame.isKeyframe)
            #expect(packets.allSatisfy { $0.count <= 1_200 })
            for packet in packets { bench.receive(packet, at: Double(index) * 20) }
            // The first keyframe shows whether markers end pictures.
            if index > 0 { #expect(bench.frames.count == index + 1) }
        }
        #expect(bench.frames.map(\.bytes) == sent)
        let step = Int64(format.clockRate / 50)
        #expect(zip(bench.frames, bench.frames.dropFirst()).allSatisfy { $1.timestamp - $0.timestamp == step })
        #expect(bench.receiver.counts.lost == 0 && bench.receiver.depacketizer.damagedFrames == 0)
    }

    @Test func smallUnitsShareAPacketAndLargeOnesAreCutEvenly() throws {
        var sender = sender(.h264)
        let packets = sender.packets(
            of: MadeFrames.h264([3_000], isKeyframe: true, seed: 1), at: .zero, isKeyframe: true)
        // SPS and PPS in a STAP-A (24), the slice in three FU-A (28).
        #expect(packets.map { $0[12] & 31 } == [24, 28, 28, 28])
        #expect(packets.map { $0[1] & 0x80 != 0 } == [false, false, false, true])
        #expect(packets.dropFirst().map { $0[13] & 0xc0 } == [0x80, 0, 0x40])
        #expect(packets[0][12] & 0x60 == 0x60)
        let sizes = packets.dropFirst().map(\.count)
        #expect(sizes.max()! - sizes.min()! <= 2)
    }

    /// Packets of equal size but for the last are one message for the kernel (UDP_SEGMENT).
    @Test(arguments: [PayloadFormat.vp8, .h264], [1, 900, 1_300, 2_400, 5_001, 20_000, 99_999])
    func thePacketsOfAPictureAreEqualButForTheLast(_ format: PayloadFormat, size: Int) {
        var sender = StreamSender(
            format, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0,
            extensions: SenderExtensions(
                transportSequence: 1, sendTime: 2, playoutDelay: .init(number: 3, min: 0, max: 0),
                mediaID: (number: 4, text: "video")))
        let frame =
            format == .vp8
            ? MadeFrames.vp8(size, isKeyframe: false, seed: 1) : MadeFrames.h264([size], isKeyframe: false, seed: 1)
        let sizes = sender.packets(of: frame, at: .zero).map(\.count)
        #expect(Set(sizes.dropLast()).count <= 1 && sizes.last! <= sizes[0] && sizes[0] <= 1_200)
        // The last one is no crumb either: as few packets as hold them share evenly.
        #expect(sizes[0] - sizes.last! <= sizes.count)
    }

    @Test func lengthsInFrontOfUnitsAreReadAndParameterSetsAdded() {
        let sps: [UInt8] = [0x67, 0x42, 0xc0, 0x1f, 0x95]
        let pps: [UInt8] = [0x68, 0xce, 0x3c]
        let box: [UInt8] =
            [1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 5] + sps + [1, 0, 3] + pps
        #expect(AVCConfiguration(box)?.parameterSets == [sps, pps])
        #expect(AVCConfiguration(Array(box.dropLast())) == nil)
        var sender = sender(.h264, configuration: box)
        let bench = ReceiverBench(.h264, isAuthenticated: true)
        let unit: [UInt8] = [0, 0, 0, 4, 0x65, 0x88, 1, 2]
        for packet in sender.packets(of: unit, at: .zero, isKeyframe: true) { bench.receive(packet, at: 0) }
        // Lengths that do not add up lose what they stand for, and nothing more.
        for packet in sender.packets(of: [0, 0, 0, 2, 0x41, 0x88, 0, 0, 1, 0], at: .milliseconds(40)) {
            bench.receive(packet, at: 40)
        }
        #expect(bench.frames.count == 2)
        #expect(
            bench.frames.first?.bytes == [0, 0, 0, 1] + sps + [0, 0, 0, 1] + pps + [0, 0, 0, 1, 0x65, 0x88, 1, 2])
        #expect(bench.frames.last?.bytes == [0, 0, 0, 1, 0x41, 0x88])
    }

    @Test func theFirstPacketAfterSilenceIsMarked() {
        var sender = sender(.opus)
        let marks = (0..<6).flatMap { index in
            sender.packets(of: [0xf8, 1], at: .milliseconds(Int64(index) * 20), followsSilence: index == 4)
        }.map { $0[1] & 0x80 != 0 }
        #expect(marks == [true, false, false, false, true, false])
    }

    @Test func longPCMUIsCutAtTheTimeOfEachPiece() {
        var sender = sender(.pcmu)
        let frame = (0..<2_500).map { UInt8(truncatingIfNeeded: $0) }
        let packets = sender.packets(of: frame, at: .zero)
        let stamps = packets.map { $0.withUnsafeBytes { RTPHeader.parse($0)!.header.timestamp &- 0xffff_f000 } }
        #expect(stamps == [0, 1_188, 2_376])
        #expect(packets.flatMap { $0.dropFirst(12) } == frame)
    }

    @Test func anOpusPacketThatDoesNotFitTakesNoNumber() {
        var sender = sender(.opus)
        let packets = sender.packets(of: [UInt8](repeating: 0xf8, count: 1_500), at: .zero)
        #expect(packets.count == 1 && sender.packets == 0 && sender.sequence == 65_530)
    }

    @Test(arguments: [PayloadFormat.vp8, .h264]) func aMissingMarkerIsNoHarm(_ format: PayloadFormat) {
        var sender = sender(format)
        let bench = ReceiverBench(format, isAuthenticated: true)
        for index in 0..<5 {
            let frame = MadeFrames.frame(format, index, size: 3_000)
            for var packet in sender.packets(
                of: frame.bytes, at: .milliseconds(Int64(index) * 33), isKeyframe: frame.isKeyframe)
            {
                packet[1] &= 0x7f
                bench.receive(packet, at: Double(index) * 33)
            }
        }
        #expect(bench.frames.count == 4)
        bench.drain()
        #expect(bench.frames.map(\.bytes) == (0..<5).map { MadeFrames.frame(format, $0, size: 3_000).bytes })
    }

    @Test(arguments: [PayloadFormat.vp8, .h264]) func everySingleLossDropsUntilTheNextKeyframeAndNothingElse(
        _ format: PayloadFormat
    ) {
        var sender = sender(format)
        var packets: [(bytes: [UInt8], frame: Int)] = []
        for index in 0..<21 {
            let frame = MadeFrames.frame(format, index, size: 2_500, group: 10)
            for packet in sender.packets(
                of: frame.bytes, at: .milliseconds(Int64(index) * 33), isKeyframe: frame.isKeyframe)
            {
                packets.append((packet, index))
            }
        }
        for lost in packets.indices where (1..<20).contains(packets[lost].frame) {
            let bench = ReceiverBench(format, isAuthenticated: true)
            for (index, packet) in packets.enumerated() where index != lost {
                bench.receive(packet.bytes, at: Double(packet.frame) * 33)
            }
            bench.drain()
            let first = packets[lost].frame
            let next = (first / 10 + 1) * 10
            func index(_ frame: KeptFrame) -> Int { Int((frame.timestamp - 0xffff_f000) / 2_970) }
            #expect(
                bench.frames.map(index) == Array(0..<first) + Array(next..<21), "packet \(lost) of frame \(first) lost")
            #expect(bench.frames.filter(\.isDiscontinuous).map(index) == [next])
            #expect(
                bench.frames.allSatisfy {
                    $0.bytes == MadeFrames.frame(format, index($0), size: 2_500, group: 10).bytes
                })
            #expect(bench.receiver.counts.lost == 1)
        }
    }

    @Test func aStreamWithoutParameterSetsGoesOnAtTheFirstSliceOfAKeyframe() {
        var sender = sender(.h264)
        let bench = ReceiverBench(.h264, isAuthenticated: true)
        for index in 0..<6 {
            let unit: [UInt8] = [0, 0, 0, 1, index % 3 == 0 ? 0x65 : 0x41, 0x88, UInt8(index + 1)]
            let packets = sender.packets(of: unit, at: .milliseconds(Int64(index) * 33), isKeyframe: index % 3 == 0)
            if index != 1 { for packet in packets { bench.receive(packet, at: Double(index) * 33) } }
        }
        bench.drain()
        #expect(bench.frames.map { $0.bytes.last } == [1, 4, 5, 6])
    }
}
