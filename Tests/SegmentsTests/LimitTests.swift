import Sluice
import TestSupport
import Testing

@testable import SegmentsPlugin

/// The limits of a peer, however much it asks for.
@Suite struct LimitTests {
    @Test func aPeersFencesAreBoundedAndOtherPeersHaveTheirOwn() {
        var waits = Waits()
        let taken = (0..<100).map { waits.add(.fence(.number($0)), from: 1, behind: 0) }
        #expect(taken == Array(repeating: true, count: 64) + Array(repeating: false, count: 36))
        let isOthersTaken = waits.add(.drain(nil, deadline: Instant(nanoseconds: 1)), from: 2, behind: 0)
        #expect(isOthersTaken)
        waits.forget(1)
        let isNextTaken = waits.add(.fence(.number(0)), from: 1, behind: 0)
        #expect(isNextTaken)
    }

    @Test func aSegmentWhoseMemoryDoesNotFitIsHeldUntilItDoes() {
        var take = Take()
        take.segment(samples: 1_000)
        let receiver = SegmentReceiver(mostMemory: 1 << 20)
        var rules = EpochRules(session: 0)
        take.bytes.withUnsafeBytes { whole in
            var bytes = whole
            guard case .held = receiver.next(&bytes, hasRoom: true, rules: &rules, fits: { $0 < 2_000 }) else {
                Issue.record("it was not held")
                return
            }
            #expect(receiver.held == 2_000 && receiver.memory == 0)
            guard
                case .segment(let segment) = receiver.next(&bytes, hasRoom: true, rules: &rules, fits: { $0 <= 2_000 })
            else {
                Issue.record("it did not come")
                return
            }
            #expect(segment.audio?.sampleCount == 1_000)
            #expect(receiver.held == 0 && receiver.memory == 0)
        }
    }
}
