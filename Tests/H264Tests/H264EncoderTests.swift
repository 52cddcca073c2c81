import Foundation
@_spi(Host) import Sluice
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

    @Test(arguments: [(320, 240), (178, 98), (1_280, 720)], [VideoLayout.PixelFormat.i420, .nv12])
    func picturesComeBack(size: (Int, Int), format: VideoLayout.PixelFormat) throws {
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
        let packets = try encode(Picture.moving(width, height, rate: .init(rate), count: 1))
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
        let frames = Picture.moving(64, 64, rate: .init(30_000, 1_001), count: 20)
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

    private func rate(_ packets: ArraySlice<Packet>) -> Int {
        packets.reduce(0) { $0 + $1.count } * 8 * 30 / max(1, packets.count) / 1_000
    }

    /// Up and down over the whole range that a live bitrate has, in one stream. x264 comes down within its buffer of
    /// half a second; upwards it takes that long before it begins, is near after a second, and there after its rate
    /// window of some seconds.
    @Test func aNewBitrateChangesTheRateWithoutAKeyframeOrANewFormat() throws {
        let steps: [(at: Int, kilobits: Int, near: ClosedRange<Double>)] = [
            (0, 400, 0.9...1.15), (90, 1_500, 0.65...1.1), (420, 100, 0.9...1.15), (510, 10_000, 0.65...1.1),
            (630, 800, 0.9...1.15),
        ]
        let bench = NodeBench(
            H264EncoderNode.self, ["bitrate_kbps": .number(400), "gop_s": .number(0)])
        let packets = try bench.run(Noise.moving(320, 240, count: 720)) { node, number in
            if let step = steps.first(where: { $0.at == number && number > 0 }) {
                node.set("bitrate_kbps", to: Double(step.kilobits))
            }
        }.packets
        try #require(packets.count == 720)
        for step in steps {
            let found = rate(packets[step.at + 30..<step.at + 90])
            #expect(step.near.contains(Double(found) / Double(step.kilobits)), "\(found) of \(step.kilobits) kb/s")
        }
        #expect(abs(rate(packets[330..<420]) - 1_500) < 75)
        #expect(keyframes(packets) == [0])
        #expect(packets.allSatisfy { $0.format === packets[0].format })
        let decoded = try FFmpeg.decode(packets.flatMap { Array($0.bytes) }, kind: "h264")
        #expect(decoded.count == 320 * 240 * 3 / 2 * 720)
    }

    /// A receiver's buffer of half a second that fills at the bitrate, from nine tenths on as x264 assumes, never runs
    /// dry.
    @Test func theBufferOfHalfASecondIsKept() throws {
        let packets = try encode(Noise.moving(640, 360, count: 150), ["bitrate_kbps": .number(2_000)])
        let (perPicture, size) = (2_000_000.0 / 30, 1_000_000.0)
        var fill = size * 0.9
        var least = fill
        for packet in packets {
            fill -= Double(packet.count * 8)
            least = min(least, fill)
            fill = min(size, fill + perPicture)
        }
        #expect(least > -size * 0.05, "ran out by \(-least) bits")
        #expect(abs(rate(packets[30...]) - 2_000) < 100)
    }

    @Test func aBitrateOverTheLevelIsHeldThereAndSaid() throws {
        for (level, limit) in [("auto", 10_000), ("1.3", 768)] {
            let bench = NodeBench(
                H264EncoderNode.self,
                ["bitrate_kbps": .number(500), "level": .string(level), "gop_s": .number(0)])
            let result = try bench.run(Noise.moving(320, 240, count: 120)) { node, number in
                if number == 30 { node.set("bitrate_kbps", to: 20_000) }
                if number == 60 { node.set("bitrate_kbps", to: 30_000) }
            }
            #expect(keyframes(result.packets) == [0])
            #expect(rate(result.packets[60...]) < limit * 11 / 10)
            let said = result.events.filter { $0.contains("is more than level") }
            #expect(said.count == 1)
            #expect(said.first?.contains("bitrate_kbps 20000") == true)
            #expect(said.first?.contains("held at \(limit);") == true)
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

    @Test func theEncoderIsTheFirstThatOpensAndOneShortLineSaysThatOthersDoNot() throws {
        let order = "h264_nvenc, h264_amf,h264_videotoolbox, libx264, h264_vaapi"
        let result = try NodeBench(H264EncoderNode.self, ["encoders": .string(order)]).run(
            Picture.moving(64, 64, count: 3))
        #expect(result.packets.count == 3)
        let lines = result.events.filter { $0.hasPrefix("encodes with ") }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        // A machine with such a device opens it: then nothing behind it was tried.
        guard line.hasPrefix("encodes with libx264") else { return }
        #expect(line == "encodes with libx264 (3 others do not open: sluice check codecs)")
    }

    @Test func virtualTimeEncodesWithLibx264UnlessAskedForAnother() throws {
        let result = try NodeBench(H264EncoderNode.self).run(Picture.moving(64, 64, count: 1))
        #expect(result.events.filter { $0.hasPrefix("encodes") } == ["encodes with libx264"])
    }

    @Test(arguments: [
        ("libx265", "encoders names \"libx265\", which is no H.264 encoder", "Did you mean \"libx264\"?"),
        ("libx264,libx264", "encoders names libx264 twice", "once"),
        (" , ", "encoders names none", "Name some of h264_nvenc, h264_qsv"),
        ("h264_videotoolbox", "h264_videotoolbox does not open for 64x64: this libavcodec has none", "libx264"),
        ("h264_videotoolbox,h264_nvenc", "no H.264 encoder opens for 64x64 (h264_videotoolbox: ", "Debian"),
    ])
    func anOrderThatGivesNoEncoderIsRefused(order: String, message: String, advice: String) throws {
        #expect { try encode(Picture.moving(64, 64, count: 1), ["encoders": .string(order)]) } throws: {
            "\($0)".contains(message) && "\($0)".contains(advice) && ($0 as? GraphError)?.isInputError == true
        }
    }

    @Test func picturesForEncodersThatTakeOnlyNv12KeepTheirSamples() {
        for (width, height) in [(64, 48), (18, 6)] {
            let planar = Picture.moving(width, height, count: 1)[0]
            var interleaver = Interleaver()
            let packed = interleaver.nv12(planar).packed
            let (luma, chroma) = (width * height, width * height / 4)
            let expected = planar.packed
            #expect(Array(packed[0..<luma]) == Array(expected[0..<luma]))
            for index in 0..<chroma {
                #expect(packed[luma + 2 * index] == expected[luma + index])
                #expect(packed[luma + 2 * index + 1] == expected[luma + chroma + index])
            }
        }
    }

    @Test(
        arguments: [(nil, "unknown"), (.bt709, "bt709"), (.bt601, "smpte170m")] as [(VideoLayout.ColorMatrix?, String)])
    func theStreamSaysTheMatrixThatItsPicturesSay(matrix: VideoLayout.ColorMatrix?, word: String) throws {
        let frames = Picture.moving(64, 64, count: 2)
        let layout = VideoLayout(
            width: 64, height: 64, pixelFormat: .i420, frameRate: .init(30), colorMatrix: matrix)
        let format = MediaFormat(video: layout)
        for frame in frames { frame.format = format }
        let said = try FFmpeg.run(
            [
                "ffprobe", "-v", "error", "-f", "h264", "-show_entries", "stream=color_space", "-of", "csv=p=0", "-i",
                "pipe:0",
            ], feeding: encode(frames).flatMap { Array($0.bytes) })
        #expect(String(decoding: said, as: UTF8.self) == word + "\n")
    }

    /// The rest is as the picture had it there: nothing is scaled.
    @Test(arguments: [(177, 99), (64, 49), (65, 48)]) func ofOddSidesTheLastColumnAndRowAreLeftOutAndItIsSaid(
        width: Int, height: Int
    ) throws {
        let frames = Picture.moving(width, height, count: 3)
        let result = try NodeBench(H264EncoderNode.self, ["bitrate_kbps": 8_000]).run(frames)
        let (w, h) = (width & ~1, height & ~1)
        #expect(result.packets.allSatisfy { $0.format.video?.width == w && $0.format.video?.height == h })
        #expect(result.events.filter { $0.contains("pictures of \(width)x\(height) become \(w)x\(h)") }.count == 1)
        let decoded = try FFmpeg.decode(result.packets.flatMap { Array($0.bytes) }, kind: "h264")
        #expect(decoded.count == 3 * w * h * 3 / 2)
        let rows = (0..<h).flatMap { y in
            UnsafeBufferPointer(start: frames[0].plane(0) + y * frames[0].stride(0), count: w)
        }
        #expect(psnr(decoded[0..<w * h], rows) > 30)
    }

    @Test func picturesThatAreInterlacedAreSaidToBeTakenForWholeOnes() throws {
        let frames = Picture.moving(64, 48, count: 3)
        for frame in frames.dropFirst() { frame.header.flags.insert(.interlaced) }
        let result = try NodeBench(H264EncoderNode.self).run(frames)
        #expect(result.events.filter { $0.contains("interlaced and are encoded as if they were whole") }.count == 1)
        #expect(result.packets.allSatisfy { !$0.header.flags.contains(.interlaced) })
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
