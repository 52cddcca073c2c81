import Sluice
import Testing

@testable import TwilioPlugin

/// Audio to a caller in virtual time: exactly 160 bytes each 20 ms.
@Suite("A paced voice") struct PacedVoiceTests {
    private func append(_ count: Int, _ value: UInt8 = 1, to voice: inout PacedVoice) {
        [UInt8](repeating: value, count: count).withUnsafeBytes { voice.append($0) }
    }

    private func time(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    /// All that goes out until nothing would, with the time of each.
    private func run(_ voice: inout PacedVoice, from start: Int64 = 0) -> [(Int64, PacedVoice.Item)] {
        var (now, items): (Instant, [(Int64, PacedVoice.Item)]) = (time(start), [])
        while true {
            while let item = voice.next(now: now) { items.append((now.nanoseconds / 1_000_000, item)) }
            guard let wake = voice.wake else { return items }
            now = max(now, wake)
        }
    }

    @Test func frameByFrameHoweverItComes() {
        var voice = PacedVoice()
        append(1_000, to: &voice)
        voice.endUtterance()
        let items = run(&voice)
        #expect(items.map(\.0) == [0, 20, 40, 60, 80, 100, 120, 140])
        let frames = items.compactMap { if case .frame(let bytes) = $0.1 { bytes } else { nil } }
        #expect(frames.count == 7 && frames.allSatisfy { $0.count == 160 })
        #expect(frames[6] == [UInt8](repeating: 1, count: 40) + [UInt8](repeating: 0xff, count: 120))
        #expect(items.last?.1 == .mark("sluice-1"))
    }

    @Test func aMarkTellsWhatWasPlayed() {
        var voice = PacedVoice()
        append(160 * 120, to: &voice)
        voice.endUtterance()
        let marks = run(&voice).compactMap { if case .mark(let name) = $0.1 { name } else { nil } }
        #expect(marks == ["sluice-1", "sluice-2", "sluice-3"])
        #expect(voice.returned("sluice-1") && voice.played == 50)
        #expect(!voice.returned("sluice-1") && !voice.returned("another"))
        #expect(voice.returned("sluice-3") && voice.played == 120 && voice.isPlayed)
    }

    @Test func aSourceThatIsSlowBeginsANewGrid() {
        var voice = PacedVoice()
        append(160, to: &voice)
        #expect(voice.next(now: time(0)) != nil && voice.next(now: time(20)) == nil)
        append(320, to: &voice)
        // 13 ms late: it goes out at once, and the next one 20 ms later.
        #expect(voice.next(now: time(33)) != nil && voice.next(now: time(40)) == nil)
        #expect(voice.wake == time(53) && voice.lateness == .zero)
    }

    @Test func aSourceThatSaysNoMoreHasEndedItsUtterance() {
        var voice = PacedVoice()
        append(200, to: &voice)
        let items = run(&voice)
        #expect(items.map(\.0) == [0, 80, 100])
        #expect(items.last?.1 == .mark("sluice-1"))
    }

    @Test func aLaneThatWasHeldUpCatchesUpALittle() {
        var voice = PacedVoice()
        append(160 * 40, to: &voice)
        #expect(voice.next(now: time(0)) != nil)
        var sent = 0
        while voice.next(now: time(100)) != nil { sent += 1 }
        #expect(sent == 5)
        // Half a second is not made up for.
        sent = 0
        while voice.next(now: time(620)) != nil { sent += 1 }
        #expect(sent == 1 && voice.wake == time(640))
    }

    @Test func anInterruptionLeavesNothing() {
        var voice = PacedVoice()
        append(160 * 60, to: &voice)
        _ = voice.next(now: time(0))
        voice.clear()
        #expect(voice.isPlayed && voice.wake == nil && voice.next(now: time(20)) == nil)
        append(320, 7, to: &voice)
        #expect(voice.next(now: time(500)) == .frame([UInt8](repeating: 7, count: 160)))
        // Marks that Twilio gives back for what was cleared tell of nothing played.
        #expect(!voice.returned("sluice-1") && voice.played == 0)
    }
}
