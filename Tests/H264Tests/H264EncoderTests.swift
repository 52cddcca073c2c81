import Foundation
import Sluice
import TestSupport
import Testing

@testable import H264Plugin

@Suite struct H264EncoderTests {
    private func encode(_ frames: [VideoFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(H264EncoderNode.self, parameters).run(frames).packets
    }

    private func isKeyframe(_ packet: Packet) -> Bool { packet.header.flags.contains(.keyframe) }
    private func keyframes(_ packets: [Packet]) -> [Int] { packets.indices.filter { isKeyframe(packets[$0]) } }

    /// The types of the NAL units behind start codes, and their bytes.
    private func units(_ bytes: [UInt8]) -> [(type: UInt8, bytes: ArraySlice<UInt8>)] {
        var starts: [Int] = []
        for index in 0..<max(0, bytes.count - 3)
        where bytes[index] == 0 && bytes[index + 1] == 0 && bytes[index + 2] == 1 {
            starts.append(index + 3)
        }
        return zip(starts, starts.dropFirst() + [bytes.count + 3]).map {
            (bytes[$0] & 31, bytes[$0..<min($1 - 3, bytes.count)])
        }
    }

    private func profile(_ bytes: [UInt8]) -> [UInt8]? {
        units(bytes).first { $0.type == 7 }.map { Array($0.bytes.dropFirst().prefix(3)) }
    }

    @Test(arguments: [(320, 240), (178, 98), (1_280, 720)], [PixelFormat.i420, .nv12])
    func picturesComeBack(size: (Int, Int), format: PixelFormat) throws {
        let frames = Picture.moving(size.0, size.1, format: format, count: 5)
        let packets = try encode(frames, ["bitrate_kbps": .number(10_000)])
        #expect(packets.count == 5)
        let decoded = try FFmpeg.decode(packets.flatMap { Array($0.bytes) }, kind: "h264")
        let bytes = size.0 * size.1 * 3 / 2
        #expect(decoded.count == bytes * 5)
        guard decoded.count == bytes * 5 else { return }
        for (index, frame) in frames.enumerated() {
            let luma = size.0 * size.1
            #expect(psnr(frame.packed[0..<luma], decoded[index * bytes..<index * bytes + luma]) > 12)
        }
    }

    @Test(
        arguments: [
            (1_280, 720, 30, [0x42, 0xc0, 0x1f]), (1_920, 1_080, 30, [0x42, 0xc0, 0x28]),
            (640, 480, 30, [0x42, 0xc0, 0x1e]),
        ] as [(Int, Int, Int, [UInt8])])
    func profileAndLevelAreWhatTheSizeAndRateAskFor(width: Int, height: Int, rate: Int, bytes: [UInt8]) throws {
        let packets = try encode(Picture.moving(width, height, rate: FrameRate(rate), count: 1))
        #expect(profile(Array(packets[0].bytes)) == bytes)
        #expect(profile(packets[0].format.configuration) == bytes)
    }

    @Test func everyKeyframeBeginsWithTheParameterSetsOfTheConfiguration() throws {
        let packets = try encode(Picture.moving(160, 120, count: 61))
        #expect(keyframes(packets) == [0, 30, 60])
        for index in keyframes(packets) {
            let found = units(Array(packets[index].bytes))
            #expect(found.prefix(2).map(\.type) == [7, 8])
            let told = units(packets[0].format.configuration)
            #expect(found.prefix(2).map { Array($0.bytes) } == told.prefix(2).map { Array($0.bytes) })
        }
    }

    @Test func packetsKeepTheTimesOfTheirPictures() throws {
        let frames = Picture.moving(64, 64, rate: FrameRate(30_000, 1_001), count: 20)
        for (index, frame) in frames.enumerated() { frame.header.epoch = UInt32(index / 7) }
        frames[9].header.pts = .none
        frames[10].header.pts = .zero
        let packets = try encode(frames)
        #expect(packets.count == 20)
        for (frame, packet) in zip(frames, packets) {
            #expect(packet.header.pts == frame.header.pts)
            #expect(packet.header.dts == frame.header.pts)
            #expect(packet.header.duration == frame.header.duration)
            #expect(packet.header.captured == frame.header.captured)
            #expect(packet.header.epoch == frame.header.epoch)
        }
    }

    @Test func equalInputGivesEqualBytes() throws {
        let frames = Picture.moving(320, 240, count: 40)
        #expect(try encode(frames).map { Array($0.bytes) } == encode(frames).map { Array($0.bytes) })
    }

    @Test func aConstantBitrateIsKept() throws {
        let packets = try encode(Picture.moving(320, 240, count: 120), ["bitrate_kbps": .number(800)])
        let rate = packets[30..<120].reduce(0) { $0 + $1.count } * 8 / 3_000
        #expect((760...840).contains(rate))
    }

    @Test(arguments: [HRD.cbr, .none]) func aNewBitrateChangesTheRate(hrd: HRD) throws {
        let bench = NodeBench(
            H264EncoderNode.self,
            [
                "bitrate_kbps": .number(400), "level": .string("2"), "gop_s": .number(0),
                "nal_hrd": .string(hrd.rawValue),
            ])
        let packets = try bench.run(Picture.moving(320, 240, count: 180)) { node, number in
            if number == 90 { node.set("bitrate_kbps", to: 1_500) }
        }.packets
        let slow = packets[30..<90].reduce(0) { $0 + $1.count } * 8 / 2_000
        let fast = packets[120..<180].reduce(0) { $0 + $1.count } * 8 / 2_000
        #expect((300...500).contains(slow))
        #expect((1_000...1_800).contains(fast))
        #expect(keyframes(packets) == (hrd == .cbr ? [0, 90] : [0]))
        // Nobody downstream has to follow another format for it.
        #expect(packets.allSatisfy { $0.format === packets[0].format })
        let decoded = try FFmpeg.decode(packets.flatMap { Array($0.bytes) }, kind: "h264")
        #expect(decoded.count == 320 * 240 * 3 / 2 * 180)
    }

    @Test(arguments: ["auto", "1.3"]) func aBitrateOverTheLevelTakesAHigherOneUnlessOneIsAskedFor(level: String) throws
    {
        let bench = NodeBench(
            H264EncoderNode.self,
            ["bitrate_kbps": .number(500), "level": .string(level), "gop_s": .number(0), "nal_hrd": .string("none")])
        let packets = try bench.run(Picture.moving(320, 240, count: 120)) { node, number in
            if number == 30 { node.set("bitrate_kbps", to: 3_000) }
        }.packets
        let rate = packets[60..<120].reduce(0) { $0 + $1.count } * 8 / 2_000
        if level == "auto" {
            #expect(keyframes(packets) == [0, 30])
            #expect(profile(packets[30].format.configuration)?.last == 21)
            #expect(rate > 1_000)
        } else {
            #expect(keyframes(packets) == [0])
            #expect(rate < 850)
        }
    }

    @Test func aRequestMakesTheNextPictureAKeyframe() throws {
        let packets = try NodeBench(H264EncoderNode.self, ["gop_s": .number(0)]).run(
            Picture.moving(160, 120, count: 30)
        ) {
            node, number in
            if number == 13 { for _ in 0..<2 { node.request("keyframe") } }
        }.packets
        #expect(keyframes(packets) == [0, 13])
        #expect(units(Array(packets[13].bytes)).contains { $0.type == 5 })
    }

    @Test func anotherSizeInMidStreamBeginsWithAKeyframeAndNewParameterSets() throws {
        let (small, large) = (Picture.moving(160, 120, count: 10), Picture.moving(1_920, 1_080, count: 2, start: 10))
        let packets = try encode(small + large)
        #expect(packets.count == 12)
        #expect(keyframes(packets) == [0, 10])
        #expect(packets[9].format.video?.width == 160)
        #expect(packets[10].format.video?.width == 1_920)
        #expect(packets[10].format.configuration != packets[9].format.configuration)
        #expect(profile(Array(packets[10].bytes))?.last == 40)
    }

    @Test func aLevelThatIsTooLowIsRefusedAndTheRightOneNamed() throws {
        #expect {
            try encode(Picture.moving(1_920, 1_080, count: 1), ["level": .string("3.1")])
        } throws: { error in
            "\(error)".contains("level 3.1 does not hold it: 1920x1080 at 30/s has 8160 macroblocks")
                && "\(error)".contains("Use \"level\": \"4.0\"")
        }
        #expect { try encode(Picture.moving(64, 64, count: 1), ["level": .string("3.3")]) } throws: {
            "\($0)".contains("level is \"3.3\"")
        }
    }

    @Test func aHigherLevelThanNeededIsTaken() throws {
        let packets = try encode(Picture.moving(1_280, 720, count: 1), ["level": .string("4")])
        #expect(profile(Array(packets[0].bytes))?.last == 40)
    }

    @Test func oddSidesAreRefusedWithTheSizeToUse() throws {
        #expect { try encode(Picture.moving(177, 99, count: 1)) } throws: {
            "\($0)".contains("177x99") && "\($0)".contains("\"width\": 176, \"height\": 98")
        }
    }

    @Test func picturesAreLetGoOnceEncoded() throws {
        weak var last: VideoFrame?
        do {
            let frames = Picture.moving(64, 64, count: 10)
            last = frames.last
            #expect(try encode(frames).count == 10)
        }
        #expect(last == nil)
    }
}
