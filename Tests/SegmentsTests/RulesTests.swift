import Sluice
import SluiceTesting
import Testing

@testable import SegmentsPlugin

@Suite struct RulesTests {
    @Test func epochsOnlyRise() {
        var rules = EpochRules(session: 3)
        #expect(rules.admit(nil) == 3)
        #expect(rules.admit(2) == nil)
        #expect(rules.admit(3) == 3)
        #expect(rules.admit(5) == 5)
        // A turn that began is not gone back on, though nothing was interrupted.
        #expect(rules.admit(4) == nil)
        #expect(rules.admit(nil) == 5)
        #expect(rules.session == 3)
        #expect(rules.target(ofInterruptionTo: 3) == nil)
        #expect(rules.target(ofInterruptionTo: 4) == 4)
        #expect(rules.target(ofInterruptionTo: nil) == 6)
        let raised = [rules.raise(to: 6), rules.raise(to: 6)]
        #expect(raised == [true, false])
        #expect(rules.admit(5) == nil)
    }

    @Test func epochZeroIsNeverStale() {
        var rules = EpochRules(session: 7)
        #expect(rules.admit(0) == 0)
        #expect(!rules.isStale(0))
        #expect(rules.isStale(6))
        let raised = rules.raise(to: .max)
        #expect(raised)
        #expect(rules.target(ofInterruptionTo: nil) == nil)
        #expect(rules.admit(.max) == .max)
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func aFenceIsAnsweredWhenWhatCameBeforeItHasLeftTheOutputs() {
        var waits = Waits()
        waits.add(.fence(.number(1)), from: 4, behind: 2)
        #expect(waits.look(at(0), oldest: 1, isOver: false, outputsPassed: true).placesFence == false)
        #expect(waits.look(at(1), oldest: 2, isOver: false, outputsPassed: true).placesFence)
        #expect(waits.look(at(2), oldest: 2, isOver: false, outputsPassed: false).answers.isEmpty)
        let answers = waits.look(at(3), oldest: 2, isOver: false, outputsPassed: true).answers
        #expect(answers.map(\.wait.kind) == [.fence(.number(1))])
        #expect(answers.map(\.wait.peer) == [4])
        #expect(waits.isEmpty)
    }

    @Test func fencesThatStandBehindAFenceInTheOutputsWaitForTheirOwn() {
        var waits = Waits()
        waits.add(.fence(.number(1)), from: 0, behind: 1)
        #expect(waits.look(at(0), oldest: nil, isOver: true, outputsPassed: true).placesFence)
        waits.add(.fence(.number(2)), from: 0, behind: 2)
        #expect(!waits.look(at(1), oldest: nil, isOver: true, outputsPassed: false).placesFence)
        let first = waits.look(at(2), oldest: nil, isOver: true, outputsPassed: true)
        #expect(first.answers.map(\.wait.kind) == [.fence(.number(1))])
        #expect(first.placesFence)
        #expect(waits.look(at(3), oldest: nil, isOver: true, outputsPassed: true).answers.count == 1)
    }

    @Test func aDrainWaitsForThePlannedEndOrItsTime() {
        var waits = Waits()
        waits.add(.drain(nil, deadline: at(500)), from: 1, behind: 3)
        waits.add(.drain(.text("b"), deadline: at(900)), from: 1, behind: 3)
        #expect(waits.deadline == at(500))
        #expect(waits.look(at(400), oldest: nil, isOver: false, outputsPassed: true).answers.isEmpty)
        let late = waits.look(at(500), oldest: 2, isOver: false, outputsPassed: true).answers
        #expect(late.map(\.isComplete) == [false])
        waits.noteInterruption()
        #expect(waits.look(at(600), oldest: nil, isOver: true, outputsPassed: true).placesFence)
        let answers = waits.look(at(600), oldest: nil, isOver: true, outputsPassed: true).answers
        #expect(answers.map(\.isComplete) == [true])
        #expect(
            MessageText.answer(answers[0], epoch: 4, left: 0)
                == #"""
                {"type": "drained", "id": "b", "complete": true, "segments_left": 0, "epoch": 4, "interrupted": true}
                """#
        )
    }

    @Test func aPeerThatIsGoneGetsNoAnswer() {
        var waits = Waits()
        waits.add(.fence(.number(1)), from: 1, behind: 0)
        waits.forget(1)
        #expect(waits.isEmpty)
    }

    @Test func theMicrophoneDropsItsNewestFrameWhenSixtyFourWait() {
        var outbox = Outbox()
        let frame = [UInt8](repeating: 3, count: 640)
        let taken = (0..<70).map { index in
            frame.withUnsafeBytes { outbox.add(microphone: $0, at: Int64(index) * 20_000) }
        }
        #expect(taken == Array(repeating: true, count: 64) + Array(repeating: false, count: 6))
        let isMessageTaken = outbox.add(message: "{}")
        #expect(isMessageTaken)
        // One frame has gone out, and half of the next.
        outbox.remove(16 + 648 + 300)
        #expect(outbox.microphone == 63)
        let isFrameTaken = frame.withUnsafeBytes { outbox.add(microphone: $0, at: 0) }
        #expect(isFrameTaken)
        let count = outbox.withBytes { $0.count }
        #expect(count == 64 * 664 - 300 + 18)
        outbox.remove(count)
        #expect(outbox.isEmpty && outbox.microphone == 0 && outbox.messages == 0)
    }

    @Test func messagesAreBoundedToo() {
        var outbox = Outbox()
        let taken = (0..<1_030).filter { _ in outbox.add(message: "{}") }.count
        #expect(taken == 1_024)
    }

    @Test func theTailFindsWhatWasNotTaken() {
        var tail = AudioTail(capacity: 4)
        func first(_ untaken: Int) -> AudioFrame? { tail.first(ofLast: untaken) { _ in true } }
        #expect(first(1) == nil && tail.end == nil)
        let frames = TestMedia.silence(count: 6)
        for frame in frames { tail.note(frame) }
        #expect(first(0) == nil)
        #expect(first(1) === frames[5])
        #expect(first(3) === frames[3])
        #expect(first(9) === frames[2])
        #expect(tail.first(ofLast: 4) { $0 === frames[4] } === frames[4])
        #expect(tail.end == .milliseconds(120))
    }

    @Test func aFadeGoesFromFullToNothingWithoutAStep() {
        let frame = TestMedia.pcm(samples: 960, count: 1) { _ in 0.5 }[0]
        frame.fadeOut()
        let left = stride(from: 0, to: frame.s16.count, by: 2).map { Int(frame.s16[$0]) }
        #expect(left.first == 16_384 && left.last == 0)
        #expect(zip(left, left.dropFirst()).allSatisfy { $0 >= $1 && $0 - $1 < 40 })
        #expect(left[480] == 8_178 || abs(left[480] - 8_192) < 40)
    }

    private func header(frames: Int, samples: Int, fps: Int = 25) -> SegmentHeader {
        var header = SegmentHeader()
        (header.frameCount, header.sampleCount, header.sampleRate) = (frames, samples, 16_000)
        header.frameRate = .init(fps)
        return header
    }

    @Test func aMarkerLiesOnTwoPicturesNotBeforeTheThirdWhereThereAreMoreThanFour() {
        let long = MarkerPlan(header(frames: 5, samples: 1_600))
        #expect(long?.frames == 2..<4)
        #expect(long?.offset == .milliseconds(80))
        #expect(long?.duration == .milliseconds(80))
        let short = MarkerPlan(header(frames: 4, samples: 1_600, fps: 50))
        #expect(short?.frames == 0..<2)
        #expect(short?.duration == .milliseconds(60))
        #expect(MarkerPlan(header(frames: 1, samples: 1_600))?.frames == 0..<1)
        #expect(MarkerPlan(header(frames: 10, samples: 0)) == nil)
        #expect(MarkerPlan(header(frames: 0, samples: 10)) == nil)
    }
}
