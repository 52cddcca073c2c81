import LibAV
import MPEGTS
import Sluice
import SluiceTesting
import Testing

@testable import SRTPlugin

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
private let h264 = TestMedia.codedVideo(.h264)

@Suite("A send gate") struct SendGateTests {
    private let packets = TestMedia.packets(h264, count: 30, group: 10)
    private let audio = TestMedia.packets(TestMedia.codedAudio(), count: 30)

    @Test func aConnectionBeginsWithAKeyframe() {
        var gate = SendGate(bound: .milliseconds(1_000))
        #expect(gate.judge(packets[0]) == .unconnected)
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[3]) == .beforeKeyframe)
        // The first one loses no audio: media were held for it.
        #expect(gate.judge(audio[3]) == .pass)
        #expect(gate.judge(packets[10]) == .pass)
        #expect(gate.judge(audio[4]) == .pass)
        #expect(gate.judge(packets[11]) == .pass)
        gate.close()
        #expect(gate.judge(packets[12]) == .unconnected)
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[13]) == .beforeKeyframe)
        #expect(gate.judge(audio[13]) == .beforeKeyframe)
    }

    @Test func audioAloneBeginsAtOnce() {
        var gate = SendGate(bound: .milliseconds(1_000))
        gate.open(hasVideo: false)
        #expect(gate.judge(audio[0]) == .pass)
    }

    @Test func overTheBoundNothingPassesUntilHalfOfItIsLeftAndAKeyframeComes() {
        var gate = SendGate(bound: .milliseconds(1_000))
        gate.open(hasVideo: true)
        #expect(gate.judge(packets[0]) == .pass)
        #expect(gate.note(waiting: .milliseconds(1_000)) == .none)
        #expect(gate.note(waiting: .milliseconds(1_001)) == .congested)
        #expect(gate.note(waiting: .milliseconds(1_500)) == .none)
        #expect(gate.judge(packets[10]) == .congested)
        #expect(gate.note(waiting: .milliseconds(501)) == .none)
        #expect(gate.note(waiting: .milliseconds(500)) == .relieved)
        #expect(gate.judge(packets[11]) == .beforeKeyframe)
        #expect(gate.judge(packets[20]) == .pass)
    }
}

@Suite("A silent peer") struct PeerWatchTests {
    @Test func isGivenUpWhenNothingIsAcknowledgedForTooLong() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        let round = Interval.milliseconds(40)
        #expect(watch.note(acknowledged: 10, waiting: 5, roundTrip: round, at: at(0)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 9, roundTrip: round, at: at(100)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 50, roundTrip: round, at: at(1_500)) == nil)
        #expect(watch.note(acknowledged: 11, waiting: 50, roundTrip: round, at: at(1_600)) == .milliseconds(1_500))
    }

    @Test func isNotSilentWhileNothingIsSent() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        for time in stride(from: Int64(0), to: 20_000, by: 100) {
            #expect(watch.note(acknowledged: 4, waiting: 0, roundTrip: .milliseconds(40), at: at(time)) == nil)
        }
    }

    @Test func aLongWayIsGivenFourRoundTrips() {
        var watch = PeerWatch(patience: .milliseconds(1_500))
        let round = Interval.milliseconds(700)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(0)) == nil)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(2_700)) == nil)
        #expect(watch.note(acknowledged: 1, waiting: 5, roundTrip: round, at: at(2_800)) != nil)
    }
}

@Suite("The end of sending") struct SendEndingTests {
    @Test func lastsUntilEverythingIsAcknowledgedAndTheLatencyIsOver() {
        var ending = SendEnding()
        let latency = Interval.milliseconds(200)
        #expect(ending.step(unacknowledged: 5, latency: latency, at: at(0)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(30)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(229)) == false)
        #expect(ending.step(unacknowledged: 0, latency: latency, at: at(230)) == true)
    }

    @Test func isBoundedWhereThePeerAcknowledgesNothing() {
        var ending = SendEnding()
        #expect(ending.step(unacknowledged: 5, latency: .milliseconds(100), at: at(0)) == false)
        #expect(ending.step(unacknowledged: 5, latency: .milliseconds(100), at: at(2_100)) == true)
    }
}
