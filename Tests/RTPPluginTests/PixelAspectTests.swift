import RTP
import Sluice
import TestSupport
import Testing

@testable import RTPPlugin

@Suite struct PixelAspectTests {
    /// The description of ffmpeg's stream of television: RTP has the shape of pixels in the parameter sets alone.
    @Test func theParameterSetsSayTheShapeOfPixels() throws {
        let rig = try Rig()
        _ = try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:s=720x576:r=25:d=0.1,setsar=64/45", "-c:v",
                "libx264", "-pix_fmt", "yuv420p", "-flags", "+global_header", "-f", "rtp", "-sdp_file", rig.sdp,
                "rtp://127.0.0.1:\(rig.port)",
            ], feeding: [])
        let media = try #require(try InputMedia("video", in: readDescription(rig.sdp), of: rig.sdp))
        let format = try #require(FollowedFormat.h264(media.parameterSets, frameRate: media.frameRate))
        #expect(format.video?.description == "720x576 (pixels 64:45)")
    }
}
