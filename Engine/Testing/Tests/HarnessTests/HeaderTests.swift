import Sluice
import SluiceTesting
import Testing

@Suite("A header that is taken over") struct HeaderTests {
    @Test func leavesThePacketsBytesAlone() {
        let (long, short) = (
            Packet(format: TestMedia.codedAudio(), count: 162), Packet(format: TestMedia.codedAudio(), count: 1)
        )
        long.header.pts = .milliseconds(40)
        short.header = long.header
        #expect(short.header.pts == .milliseconds(40))
        #expect(short.count == 1 && short.bytes.count == 1 && short.mutableBytes.count == 1)
    }

    @Test func leavesTheSamplesAlone() {
        let format = TestMedia.audio(.s16, rate: 48_000, channels: 2)
        let (long, short) = (AudioFrame(format: format, sampleCount: 960), AudioFrame(format: format, sampleCount: 10))
        short.header = long.header
        #expect(short.byteCount == 40 && short.s16.count == 20)
        #expect(short.copy().byteCount == 40)
    }

    @Test func leavesThePictureAlone() {
        let (large, small) = (
            VideoFrame(format: TestMedia.video(640, 480)), VideoFrame(format: TestMedia.video(64, 48))
        )
        let size = small.byteCount
        small.header = large.header
        #expect(small.byteCount == size && small.copy().byteCount == size)
        #expect(VideoFrame(showing: small).byteCount == size)
        large.show(small)
        #expect(large.byteCount == size)
    }
}
