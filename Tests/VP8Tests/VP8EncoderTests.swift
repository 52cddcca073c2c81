import CVPX
import Foundation
import Sluice
import TestSupport
import Testing

@testable import VP8Plugin

@Suite struct VP8EncoderTests {
    private func encode(_ frames: [VideoFrame], _ parameters: [String: ParameterValue] = [:]) throws -> [Packet] {
        try NodeBench(VP8EncoderNode.self, parameters).run(frames).packets
    }

    private func isKeyframe(_ packet: Packet) -> Bool { packet.header.flags.contains(.keyframe) }

    @Test(arguments: [(320, 240), (177, 99), (16, 16), (1, 1)]) func picturesComeBack(width: Int, height: Int) throws {
        let frames = Picture.moving(width, height, count: 12)
        let packets = try encode(frames, ["bitrate_kbps": .number(4_000)])
        #expect(packets.count == 12)
        let decoded = try FFmpeg.decode(FFmpeg.ivf(packets), kind: "ivf")
        let size = frames[0].packed.count
        #expect(decoded.count == size * 12)
        for (index, frame) in frames.enumerated() where decoded.count == size * 12 {
            #expect(psnr(frame.packed, decoded[index * size..<(index + 1) * size]) > 15)
        }
    }

    @Test func packetsKeepTheTimesOfTheirPictures() throws {
        let frames = Picture.moving(64, 64, rate: .init(30_000, 1_001), count: 20)
        for (index, frame) in frames.enumerated() { frame.header.epoch = UInt32(index / 7) }
        let packets = try encode(frames)
        for (frame, packet) in zip(frames, packets) {
            #expect(packet.header.pts == frame.header.pts)
            #expect(packet.header.dts == frame.header.pts)
            #expect(packet.header.duration == frame.header.duration)
            #expect(packet.header.captured == frame.header.captured)
            #expect(packet.header.epoch == frame.header.epoch)
        }
        #expect(isKeyframe(packets[0]))
        #expect(packets.filter(isKeyframe).count == 1)
    }

    @Test func bytesAreThoseOfABareLoopOverLibvpx() throws {
        let frames = Picture.moving(320, 180, count: 40)
        let packets = try encode(frames, ["bitrate_kbps": .number(300), "gop_s": .number(1)])
        var config = vpx_codec_enc_cfg_t()
        #expect(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0) == VPX_CODEC_OK)
        config.g_w = 320
        config.g_h = 180
        config.g_timebase = vpx_rational(num: 1, den: 90_000)
        config.g_threads = 1
        config.g_lag_in_frames = 0
        config.rc_end_usage = VPX_CBR
        config.rc_target_bitrate = 300
        config.rc_buf_sz = 1_000
        config.rc_buf_initial_sz = 500
        config.rc_buf_optimal_sz = 600
        config.kf_max_dist = 30
        var codec = vpx_codec_ctx_t()
        #expect(cvpx_encoder_init(&codec, &config) == VPX_CODEC_OK)
        defer { vpx_codec_destroy(&codec) }
        #expect(cvpx_set_cpu_used(&codec, -8) == VPX_CODEC_OK)
        for (index, frame) in frames.enumerated() {
            var bytes = frame.packed
            bytes.withUnsafeMutableBufferPointer { pixels in
                var image = vpx_image_t()
                vpx_img_wrap(&image, VPX_IMG_FMT_I420, 320, 180, 1, pixels.baseAddress)
                #expect(vpx_codec_encode(&codec, &image, Int64(index) * 3_000, 3_000, 0, 1) == VPX_CODEC_OK)
            }
            var iterator: vpx_codec_iter_t?
            let packet = try #require(vpx_codec_get_cx_data(&codec, &iterator))
            let data = UnsafeRawBufferPointer(start: cvpx_frame_data(packet), count: cvpx_frame_size(packet))
            #expect(Array(data) == Array(packets[index].bytes))
        }
    }

    @Test func equalInputGivesEqualBytes() throws {
        let frames = Picture.moving(160, 120, count: 20)
        #expect(try encode(frames).map { Array($0.bytes) } == encode(frames).map { Array($0.bytes) })
    }

    @Test func aNewBitrateChangesTheRate() throws {
        let bench = NodeBench(VP8EncoderNode.self, ["bitrate_kbps": .number(200), "gop_s": .number(0)])
        let packets = try bench.run(Picture.moving(320, 240, count: 180)) { node, number in
            if number == 90 { node.set("bitrate_kbps", to: 1_000) }
        }.packets
        // Two settled seconds of each, in kb/s.
        let slow = packets[30..<90].reduce(0) { $0 + $1.count } * 8 / 2_000
        let fast = packets[120..<180].reduce(0) { $0 + $1.count } * 8 / 2_000
        #expect(slow < 300)
        #expect(fast > 700)
        #expect(packets.filter(isKeyframe).count == 1)
    }

    @Test func aRequestMakesTheNextPictureAKeyframe() throws {
        let packets = try NodeBench(VP8EncoderNode.self, ["gop_s": .number(0)]).run(Picture.moving(160, 120, count: 30))
        {
            node, number in
            if number == 13 { for _ in 0..<2 { node.request("keyframe") } }
        }.packets
        #expect(packets.indices.filter { isKeyframe(packets[$0]) } == [0, 13])
    }

    @Test func keyframesComeAtTheAskedInterval() throws {
        let packets = try encode(Picture.moving(64, 48, count: 61), ["gop_s": .number(1)])
        #expect(packets.indices.filter { isKeyframe(packets[$0]) } == [0, 30, 60])
    }

    @Test func anotherSizeInMidStreamBeginsWithAKeyframe() throws {
        let (small, large) = (Picture.moving(160, 120, count: 10), Picture.moving(321, 241, count: 10, start: 10))
        let packets = try encode(small + large)
        #expect(packets.indices.filter { isKeyframe(packets[$0]) } == [0, 10])
        #expect(packets[9].format.video?.width == 160)
        #expect(packets[10].format.video?.width == 321)
        let decoded = try FFmpeg.decode(FFmpeg.ivf(Array(packets[10...])), kind: "ivf")
        #expect(decoded.count == large[0].packed.count * 10)
    }

    @Test func timesThatJumpOrStandStillAreEncoded() throws {
        let frames = Picture.moving(64, 48, count: 12)
        frames[4].header.pts = frames[3].header.pts
        frames[6].header.pts = .seconds(1_000_000)
        frames[7].header.pts = .zero
        frames[8].header.pts = .none
        frames[9].header.duration = .zero
        frames[10].header.pts = MediaTime(ticks: .max)
        #expect(try encode(frames).count == 12)
    }

    @Test func pictureMemoryIsEncodedWhereItLies() throws {
        // Planes apart from each other with rows of odd strides, as a decoder may give them.
        let frames = Picture.moving(160, 120, count: 5)
        let scattered = frames.map { frame in
            let memory = MediaItem.Buffer(capacity: 100_000)
            let planes = VideoFrame.Planes(offset: (50_000, 7, 30_000), stride: (171, 83, 99), byteCount: 100_000)
            let copy = VideoFrame(format: frame.format, buffer: memory, planes: planes)
            for plane in 0..<3 {
                let count = VideoLayout.PixelFormat.i420.rowBytes(plane: plane, width: 160)
                for y in 0..<VideoLayout.PixelFormat.i420.rows(plane: plane, height: 120) {
                    (copy.plane(plane) + y * copy.stride(plane)).update(
                        from: frame.plane(plane) + y * frame.stride(plane), count: count)
                }
            }
            copy.header = frame.header
            return copy
        }
        #expect(try encode(scattered).map { Array($0.bytes) } == encode(frames).map { Array($0.bytes) })
    }

    @Test func speedThatFollowsTheWallClockIsRefusedInVirtualTime() throws {
        #expect {
            try encode(Picture.moving(64, 48, count: 1), ["cpu_used": .integer(8)])
        } throws: { "\($0)".contains("cpu_used 8 tunes itself by the wall clock") }
    }
}
