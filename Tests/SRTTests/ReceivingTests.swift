import Net
import Sluice
import Testing

@testable import SRTPlugin

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

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

    /// Of malformed ones nobody knows which part the password is.
    @Test(
        arguments: [
            "#!::r=cam,m=bidirectional,p=hunter2", "#!::hunter2", "#!::r=cam,m=publish,x", "record:cam:me:hunter2",
            "cam:me:hunter2", "publish:cam?user=me&pass=hunter2", "cam?pass=hunter2", "user=me,pass=hunter2",
        ])
    func aMalformedOneShowsNoPassword(_ text: String) {
        #expect(!StreamID.shown(text).contains("hunter2"), "\(StreamID.shown(text))")
    }
}

@Suite("Admission of callers") struct AdmissionTests {
    private func caller(_ name: String, _ host: String = "192.0.2.1", port: Int = 5_000) throws -> SRTListener.Caller {
        SRTListener.Caller(address: try #require(SocketAddress(numeric: host, port: port)), streamID: name)
    }
    private func code(_ verdict: SRTListener.Verdict) -> Int32 {
        if case .refuse(let reason) = verdict { reason } else { 0 }
    }
    private func place(_ entry: Admission.Entry) throws -> (place: Admission.Place, isTakeOver: Bool) {
        guard case .place(let place, let isTakeOver) = entry else { throw NodeError("refused: \(entry)") }
        return (place, isTakeOver)
    }

    @Test func onlyTheNameThatIsWanted() throws {
        let admission = Admission(.init(direction: .read, names: .only("camera"), takesOver: false))
        for name in ["camera", "publish:camera", "#!::r=camera,m=publish"] {
            #expect(code(admission.judge(try caller(name))) == 0)
        }
        #expect(code(admission.judge(try caller("other"))) == SRTRejection.notFound)
        #expect(code(admission.judge(try caller("read:camera"))) == SRTRejection.badMode)
        #expect(code(admission.judge(try caller("#!::r=camera,m=both"))) == SRTRejection.badRequest)
        let (held, _) = try place(admission.enter(try caller("camera")))
        #expect(code(admission.judge(try caller("camera"))) == SRTRejection.conflict)
        #expect(admission.enter(try caller("camera")) == .refused(SRTRejection.conflict))
        admission.leave(held)
        #expect(code(admission.judge(try caller("camera"))) == 0)
    }

    @Test func eachNameOnceWhereCallersGetATemplate() throws {
        let names = Admission(.init(direction: .read, names: .each, takesOver: false, most: 3))
        let (first, isTakeOver) = try place(names.enter(try caller("a")))
        #expect(!isTakeOver)
        #expect(code(names.judge(try caller("publish:a"))) == SRTRejection.conflict)
        #expect(code(names.judge(try caller("b"))) == 0)
        names.leave(first)
        #expect(code(names.judge(try caller("a"))) == 0)
        for name in ["../x", ".x", "a b", String(repeating: "x", count: 65), "ü", "a/b"] {
            #expect(code(names.judge(try caller(name))) == SRTRejection.badRequest, "\(name)")
        }
        for name in ["x", "", ""] { _ = try place(names.enter(try caller(name))) }
        #expect(code(names.judge(try caller("z"))) == SRTRejection.overload)
    }

    /// All of a burst are judged before the first one is let in.
    @Test func aBurstDoesNotPassTheLimit() throws {
        for isEncrypted in [false, true] {
            let names = Admission(
                .init(
                    direction: .read, names: .each, takesOver: false, most: 3, mostHandshakes: 100,
                    isEncrypted: isEncrypted))
            let burst = try (0..<20).map { try caller("n\($0)", port: 5_000 + $0) }
            let judged = burst.filter { code(names.judge($0)) == 0 }
            #expect(judged.count == (isEncrypted ? 20 : 3))
            let entered = judged.filter { if case .place = names.enter($0) { true } else { false } }
            #expect(entered.count == 3)
        }
    }

    /// The same name by two who were judged before one of them came in.
    @Test func ofTwoAtOnceWithOneNameOneComesIn() throws {
        let names = Admission(.init(direction: .read, names: .each, takesOver: false))
        let both = try (0..<2).map { try caller("a", port: 5_000 + $0) }
        for one in both { #expect(code(names.judge(one)) == 0) }
        _ = try place(names.enter(both[0]))
        #expect(names.enter(both[1]) == .refused(SRTRejection.conflict))
    }

    /// A wrong passphrase takes no name, and those who try it are few at a time.
    @Test func whoHasNotShownThatItKnowsThePassphraseHoldsNothing() throws {
        let admission = Admission(
            .init(direction: .read, names: .any, takesOver: false, mostHandshakes: 8, isEncrypted: true))
        let strangers = try (0..<20).map { try caller("", port: 6_000 + $0) }
        #expect(strangers.filter { code(admission.judge($0)) == 0 }.count == 2)
        // Another host still gets in.
        let friend = try caller("", "192.0.2.9")
        #expect(code(admission.judge(friend)) == 0)
        _ = try place(admission.enter(friend))
        let (refused, more) = admission.takeRefused()
        #expect(refused.count + more == 18)
        #expect(admission.words(refused[0].0, refused[0].1).contains("passphrase"))
        // They are forgotten after a while.
        #expect(admission.lostInHandshake(at(0)).isEmpty)
        #expect(admission.lostInHandshake(at(1_500)).count == 2)
        #expect(!admission.isSomebodyComing)
    }

    /// A sender that was killed comes back before libsrt knows that it is gone.
    @Test func whoIsSilentIsReplacedByItsOwnHostAlone() throws {
        for isEncrypted in [false, true] {
            let admission = Admission(
                .init(direction: .read, names: .any, takesOver: false, isEncrypted: isEncrypted))
            let (first, _) = try place(admission.enter(try caller("", port: 1)))
            admission.note(silent: true, first)
            admission.note(silent: false, first)
            #expect(code(admission.judge(try caller("", port: 2))) == SRTRejection.conflict)
            admission.note(silent: true, first)
            // A stranger does not profit from a pause.
            #expect(code(admission.judge(try caller("", "192.0.2.9"))) == SRTRejection.conflict)
            guard case .refused(SRTRejection.conflict) = admission.enter(try caller("", "192.0.2.9")) else {
                Issue.record("another host took over")
                return
            }
            #expect(code(admission.judge(try caller("", port: 3))) == 0)
            let (second, isTakeOver) = try place(admission.enter(try caller("", port: 3)))
            #expect(isTakeOver)
            admission.leave(first)
            #expect(code(admission.judge(try caller("", port: 4))) == SRTRejection.conflict)
            admission.leave(second)
        }
    }

    @Test func theLastOneHoldsANameWhereItIsTakenOver() throws {
        let names = Admission(.init(direction: .read, names: .each, takesOver: true, most: 3))
        let (first, _) = try place(names.enter(try caller("a")))
        #expect(code(names.judge(try caller("a"))) == 0)
        let (second, takesOver) = try place(names.enter(try caller("a")))
        #expect(takesOver)
        // The old session leaves after the new one has come.
        names.leave(first)
        let (third, again) = try place(names.enter(try caller("a")))
        #expect(again)
        for call in [second, third] { names.leave(call) }
        #expect(try place(names.enter(try caller("a"))).isTakeOver == false)
    }
}

@Suite("Lines about strangers") struct LogLimiterTests {
    @Test func theFirstFewAreSaidAndTheOthersCounted() {
        var limiter = LogLimiter(most: 3, period: .milliseconds(10_000))
        let said = (0..<1_000).filter { limiter.judge(at(Int64($0))) == .say }
        #expect(said == [0, 1, 2])
        #expect(limiter.due == at(10_000) && limiter.takeUnsaid(at(9_999)) == 0)
        #expect(limiter.takeUnsaid(at(10_000)) == 997)
        #expect(limiter.due == nil && limiter.takeUnsaid(at(30_000)) == 0)
        #expect(limiter.judge(at(30_001)) == .say)
    }

    @Test func whatIsSaidSeldomIsAlwaysSaid() {
        var limiter = LogLimiter(most: 1, period: .milliseconds(10_000))
        for time in stride(from: Int64(0), to: 100_000, by: 10_000) { #expect(limiter.judge(at(time)) == .say) }
        #expect(limiter.takeUnsaid(at(200_000), atEnd: true) == 0)
    }
}
