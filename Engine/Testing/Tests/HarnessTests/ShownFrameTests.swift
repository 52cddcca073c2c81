import Sluice
import SluiceTesting
import Testing

@Suite struct ShownFrameTests {
    private let format = TestMedia.video(64, 48)

    @Test func aFrameShowsAnothersPictureWithAHeaderOfItsOwn() {
        let picture = TestMedia.pictures(format, first: 7, count: 1)[0]
        let shown = VideoFrame(showing: picture)
        shown.header.pts = .milliseconds(5_000)
        #expect(shown.plane(0) == picture.plane(0) && shown.plane(2) == picture.plane(2))
        #expect(TestMedia.number(of: shown) == 7)
        #expect(shown.byteCount == picture.byteCount)
        #expect(picture.header.pts != shown.header.pts)
    }

    #if !WITHOUT_REUSE
        @Test func theShownFrameIsNotReusedWhileItIsShown() {
            var pool = Pool<VideoFrame>()
            var others = Pool<VideoFrame>()
            var shown: VideoFrame? = others.take(showing: pool.take(format))
            let memory = shown!.plane(0)
            #expect(pool.take(format).plane(0) != memory)
            #expect(pool.grown == 2)
            // Shown no more once the frame over it shows another.
            shown = nil
            let next = pool.take(format)
            shown = others.take(showing: next)
            #expect(others.grown == 1)
            #expect(shown!.plane(0) == next.plane(0))
            let found = [pool.take(format), pool.take(format)].map { $0.plane(0) }
            #expect(found.contains(memory))
            #expect(pool.grown == 3)
        }
    #endif

    @Test func aFrameThatShowedAnotherGetsMemoryOfItsOwnWhenItIsReset() {
        let picture = TestMedia.pictures(format, count: 1)[0]
        let frame = VideoFrame(showing: picture)
        frame.reset(format: format)
        #expect(frame.plane(0) != picture.plane(0))
        frame.plane(0).update(repeating: 9, count: 64)
        #expect(picture.plane(0)[8] == 64)
    }
}
