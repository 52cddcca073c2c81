import Net
import Sluice
import Testing

@testable import SRTPlugin

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
private func ms(_ value: Int64) -> MediaTime { .milliseconds(value) }

@Suite("The times of what is received") struct InputTimelineTests {
    @Test func areTheSendersAsLongAsTheyGoOn() {
        var timeline = InputTimeline()
        for time in stride(from: Int64(1_400), to: 3_000, by: 20) {
            #expect(timeline.place(ms(time), duration: ms(20), at: at(time - 1_000)) == ms(time))
        }
        // The sender was out of reach for a second and has gone on meanwhile.
        timeline.restart()
        #expect(timeline.place(ms(4_000), duration: ms(20), at: at(3_000)) == ms(4_000))
        #expect(timeline.offset == .zero)
    }

    @Test func goOnWhereASenderBeginsAnew() {
        var timeline = InputTimeline()
        _ = timeline.place(ms(60_000), duration: ms(20), at: at(1_000))
        timeline.restart()
        // A second later another sender begins at 0.
        #expect(timeline.place(ms(0), duration: ms(20), at: at(2_000)) == ms(61_020))
        #expect(timeline.place(ms(20), duration: ms(20), at: at(2_020)) == ms(61_040))
    }

    @Test func neverLeapWithAnotherSendersClock() {
        var timeline = InputTimeline()
        _ = timeline.place(ms(1_000), duration: ms(20), at: at(1_000))
        timeline.restart()
        #expect(timeline.place(ms(5_000_000), duration: ms(20), at: at(1_500)) == ms(1_520))
    }

    @Test func extremesDoNotTrap() {
        var timeline = InputTimeline()
        _ = timeline.place(MediaTime(ticks: .max - 5), duration: ms(20), at: at(0))
        timeline.restart()
        _ = timeline.place(MediaTime(ticks: .min + 5), duration: ms(20), at: at(1))
        let unknown = timeline.place(.none, duration: .none, at: at(2))
        #expect(!unknown.isKnown)
    }
}

@Suite("A stream id") struct StreamIDTests {
    @Test func itsThreeFormsAreRead() {
        #expect(StreamID("camera") == StreamID(name: "camera", direction: nil))
        #expect(StreamID("publish:camera")?.name == "camera" && StreamID("publish:camera")?.direction == .publish)
        #expect(StreamID("read:camera:user:pass")?.name == "camera" && StreamID("read:camera")?.direction == .read)
        #expect(StreamID("#!::r=live/a,m=publish,u=me") == StreamID(name: "live/a", direction: .publish))
        #expect(StreamID("#!::m=request,r=a")?.direction == .read)
        #expect(StreamID("#!::r=a,m=bidirectional") == nil && StreamID("#!::nonsense") == nil)
        #expect(StreamID("") == StreamID(name: "", direction: nil))
    }

    @Test func messagesShowNoPasswordsAndNoControlCharacters() {
        #expect(StreamID.shown("publish:cam:me:secret") == "\"cam\"")
        #expect(StreamID.shown("a\u{1b}[2Jb\n") == "\"a[2Jb\"")
        #expect(StreamID.shown(String(repeating: "x", count: 500)).count < 80)
    }
}

@Suite("Who may come in") struct DoorTests {
    private func caller(_ name: String) -> SRTListener.Caller {
        SRTListener.Caller(address: SocketAddress(), streamID: name)
    }
    private func code(_ verdict: SRTListener.Verdict) -> Int32 {
        if case .refuse(let reason) = verdict { reason } else { 0 }
    }

    @Test func onlyTheNameThatIsWanted() {
        let door = Door("camera", direction: .read, takesOver: false)
        #expect(code(door.judge(caller("camera"))) == 0)
        #expect(code(door.judge(caller("publish:camera"))) == 0)
        #expect(code(door.judge(caller("#!::r=camera,m=publish"))) == 0)
        #expect(code(door.judge(caller("other"))) == SRTRejection.notFound)
        #expect(code(door.judge(caller("read:camera"))) == SRTRejection.badMode)
        #expect(code(door.judge(caller("#!::r=camera,m=both"))) == SRTRejection.badRequest)
        door.enter()
        #expect(code(door.judge(caller("camera"))) == SRTRejection.conflict)
        door.leave()
        #expect(code(door.judge(caller("camera"))) == 0)
    }

    @Test func eachNameOnceWhereCallersGetATemplate() {
        let names = CallerNames(takesOver: false, most: 3)
        let (first, isTakeOver) = names.enter("a")
        #expect(!isTakeOver)
        #expect(code(names.judge(caller("publish:a"))) == SRTRejection.conflict)
        #expect(code(names.judge(caller("b"))) == 0)
        names.leave(first, "a")
        #expect(code(names.judge(caller("a"))) == 0)
        for name in ["../x", ".x", "a b", String(repeating: "x", count: 65), "ü", "a/b"] {
            #expect(code(names.judge(caller(name))) == SRTRejection.badRequest, "\(name)")
        }
        for name in ["x", "", ""] { _ = names.enter(name) }
        #expect(code(names.judge(caller("z"))) == SRTRejection.overload)
    }

    @Test func theLastOneHoldsANameWhereItIsTakenOver() {
        let names = CallerNames(takesOver: true, most: 3)
        let (first, _) = names.enter("a")
        #expect(code(names.judge(caller("a"))) == 0)
        let (second, takesOver) = names.enter("a")
        #expect(takesOver)
        // The old session leaves after the new one has come.
        names.leave(first, "a")
        let (third, again) = names.enter("a")
        #expect(again)
        for call in [second, third] { names.leave(call, "a") }
        #expect(names.enter("a").isTakeOver == false)
    }
}
