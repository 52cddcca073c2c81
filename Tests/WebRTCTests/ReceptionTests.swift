import RTP
import Sluice
import TestSupport
import Testing

@testable import WebRTCPlugin

@Suite("A publisher's media, on a virtual clock") struct ReceptionTests {
    @Test(arguments: [UInt64(1), 2, 3]) func threePercentLossAt20MsOfRoundTripFreezesNoPicture(_ seed: UInt64) throws {
        let rig = try PublisherRig(loss: 0.03, delay: 10, jitter: 5, seed: seed)
        rig.run(60_000)
        let video = try #require(rig.receiver.medium(.video))
        #expect(video.receiver.counts.repaired > 100, "\(video.receiver.counts)")
        // At most one freeze a minute, over with the keyframe that is asked for.
        #expect(video.receiver.depacketizer.damagedFrames <= 1, "\(video.receiver.depacketizer.damagedFrames)")
        #expect(rig.video.count >= rig.pictures - 30, "\(rig.video.count) of \(rig.pictures)")
        let gaps = zip(rig.video, rig.video.dropFirst()).map { $1.at - $0.at }
        #expect(gaps.max() ?? 0 < 300, "\(gaps.max() ?? 0) ms between two pictures")
    }

    @Test func arrivalsAreToldEach50To100MsAndTheMostIsToldEachSecond() throws {
        let rig = try PublisherRig()
        rig.run(10_000)
        let told = rig.times { if case .transport = $0 { true } else { false } }
        let steps = zip(told, told.dropFirst()).map { $1 - $0 }
        #expect(told.count > 90 && steps.allSatisfy { (50...100).contains($0) }, "\(steps)")
        var most: [Int] = []
        for packet in rig.told.flatMap(\.packets) {
            if case .estimate(let estimate) = packet { most.append(estimate.bitsPerSecond) }
        }
        // The message has 18 bits of mantissa.
        #expect((9...11).contains(most.count) && most.allSatisfy { abs($0 - 2_500_000) < 100 }, "\(most)")
    }

    @Test func arrivalsOfAMicrophoneThatAnotherNodeHearsAreToldToo() throws {
        let rig = try PublisherRig(isHeardElsewhere: true)
        rig.run(3_000)
        var arrivals: [Int32] = []
        for packet in rig.told.flatMap(\.packets) {
            if case .transport(let feedback) = packet { arrivals += feedback.arrivals }
        }
        // 150 of the microphone, and six and more of each picture.
        #expect(arrivals.count > 600 && !arrivals.contains(TransportFeedback.missing), "\(arrivals.count)")
        #expect(rig.audio.isEmpty && rig.receiver.foreign == 0)
    }

    /// The pictures come 120 ms behind the sound that belongs to them.
    @Test func picturesAndSoundThatWereTakenTogetherAreTogether() throws {
        let rig = try PublisherRig()
        rig.cameraDelay = 120
        rig.run(10_000)
        // Packets of the microphone come at once: one that came at t was taken at t - 10.
        let sound = try #require(rig.audio.last { $0.at < 9_900 })
        let picture = try #require(rig.video.last { $0.at < 9_900 })
        let apart = (picture.time - sound.time).milliseconds - Double(picture.at - 120 - sound.at)
        #expect(abs(apart) <= 15, "\(apart) ms")
    }

    @Test func aKeyframeIsAskedForOnceIn500MsAtMostWhateverTheGraphAsks() throws {
        let rig = try PublisherRig()
        rig.asksAlways = true
        rig.isStubborn = true
        rig.run(10_000)
        let asked = rig.times { if case .pictureLoss = $0 { true } else { false } }
        #expect((15...21).contains(asked.count), "\(asked)")
        #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 >= 500 })
    }

    @Test func aKeyframeOfAnotherSizeChangesTheFormat() throws {
        let rig = try PublisherRig()
        rig.run(2_000)
        rig.size = (320, 180)
        rig.receiver.askKeyframe()
        rig.run(2_000)
        let sizes = rig.video.map { "\($0.format.video?.width ?? 0)x\($0.format.video?.height ?? 0)" }
        #expect(sizes.first == "640x360" && sizes.last == "320x180")
        #expect(Set(sizes).count == 2)
        #expect(rig.video.count(where: \.isKeyframe) == 2)
    }

    @Test func aTypeThatWasNotAgreedOnIsOneSentence() throws {
        let rig = try PublisherRig()
        var complaints = ReceivingComplaints()
        var said: [String] = []
        for sequence in 0..<50 {
            rig.receive([0x80, 98, 0, UInt8(sequence), 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3])
            if let sentence = complaints.take(rig.receiver, now: Instant(nanoseconds: 0)) { said.append(sentence) }
        }
        #expect(rig.receiver.foreign == 50)
        #expect(
            said == ["it sends packets of payload type 98, which was not agreed on: left out, counted as foreign"])
    }

    @Test func videoWithoutAKeyframeIsOneSentence() throws {
        let rig = try PublisherRig()
        rig.isStubborn = true
        var complaints = ReceivingComplaints()
        var said: [String] = []
        // Pictures that depend on one that never comes.
        for index in 0..<200 {
            rig.run(33)
            let number = UInt8(index)
            rig.receive([0x80, 0x80 | 96, 0x10, number, 0, 1, number, 0, 0, 0, 0, 9, 0x10, 0x11, 1, 2])
            let now = Instant(nanoseconds: Int64(rig.now) * 1_000_000)
            if let sentence = complaints.take(rig.receiver, now: now) { said.append(sentence) }
        }
        #expect(said.count <= 1)
    }

    @Test func whateverBytesComeNothingCrashesAndPlayGoesOn() throws {
        let rig = try PublisherRig()
        var dice = Dice(seed: 5)
        for _ in 0..<300 {
            rig.run(10)
            for _ in 0..<20 {
                var bytes = (0..<Int.random(in: 0...60, using: &dice)).map { _ in
                    UInt8.random(in: 0...255, using: &dice)
                }
                if bytes.count > 12 {
                    bytes[0] = 0x80 | bytes[0] & 0x3f
                    if Bool.random(using: &dice) {
                        bytes[1] = 200 + bytes[1] % 8
                    } else {
                        bytes[1] = 96 + bytes[1] % 16
                    }
                    // Not those of the streams that play.
                    bytes[11] |= 0x80
                }
                rig.receive(bytes)
            }
        }
        #expect(rig.audio.count > 100)
    }
}
