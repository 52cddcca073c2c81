import Foundation
import Sluice
import Testing

@testable import WebRTCPlugin

/// Those who speak and the one who leads, from levels of a recorded voice and of made noises, in virtual time: a packet
/// of each participant each 20 ms.
@Suite("Dominant speakers") struct DominantSpeakerTests {
    /// Of RFC 6464 in dBov, a packet each, of Tests/Fixtures/Speech/jfk.wav.
    private static let voice: [Int] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/Speech/jfk.wav")
        let data = (try? Data(contentsOf: file)) ?? Data()
        let head = data.range(of: Data("data".utf8))?.upperBound ?? data.endIndex
        let bytes = [UInt8](data.dropFirst(head + 4))
        let samples = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
        }
        return stride(from: 0, to: samples.count - 320, by: 320).map { first in
            let energy = samples[first..<first + 320].reduce(0.0) { $0 + Double($1) * Double($1) } / 320
            return energy == 0 ? -127 : max(-127, Int((10 * log10(energy / 32_768 / 32_768)).rounded()))
        }
    }()

    /// The places of sentences that begin behind a pause of 300 ms or more.
    private static let sentences: [Range<Int>] = {
        let isSound = voice.map { $0 > -38 }
        var found: [Range<Int>] = []
        var (quiet, index) = (100, 0)
        while index < voice.count {
            guard isSound[index] else {
                (quiet, index) = (quiet + 1, index + 1)
                continue
            }
            var (end, pause) = (index, 0)
            while end < voice.count, pause < 20 {
                pause = isSound[end] ? 0 : pause + 1
                end += 1
            }
            if quiet >= 15, end - index >= 60 { found.append(index..<end) }
            (index, quiet) = (end, pause)
        }
        return found
    }()

    private struct Room {
        var speaker = DominantSpeaker()
        var now = Instant(nanoseconds: 0)
        var random = Seeded(state: 1)
        let names = ["alice", "bob", "carol"]

        struct Seeded: RandomNumberGenerator {
            var state: UInt64
            mutating func next() -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state ^ (state >> 33)
            }
        }

        /// 20 ms: those named have that level, the others are quiet.
        mutating func step(_ levels: [String: Int] = [:]) {
            for name in names {
                let level = levels[name] ?? Int.random(in: -53 ... -50, using: &random)
                _ = speaker.note(level, of: name, now: now)
            }
            now = now + .milliseconds(20)
        }
    }

    /// One sentence begins with a word that is as short as a cough, and a pause: its second word tells it from one.
    @Test(arguments: 1...5) func aHundredChangesAreSeenWithin300Milliseconds(seed: Int) throws {
        let sentences = DominantSpeakerTests.sentences
        try #require(sentences.count == 4)
        let hesitant = 2
        var room = Room()
        room.random.state = UInt64(seed)
        for _ in 0..<40 { room.step() }
        var (present, wrong) = ("", 0)
        var (slowest, slowestHesitant) = (Interval.zero, Interval.zero)
        for _ in 0..<100 {
            let next = room.names.filter { $0 != present }.randomElement(using: &room.random)!
            let chosen = sentences.indices.randomElement(using: &room.random)!
            let start = room.now
            var led: Instant?
            let length = Int.random(in: 60...200, using: &room.random)
            for index in sentences[chosen].prefix(length) {
                room.step([next: DominantSpeakerTests.voice[index]])
                if led == nil, room.speaker.leader == next { led = room.now }
                if let leader = room.speaker.leader, leader != next, leader != present { wrong += 1 }
            }
            let taken = try #require(led, "\(next) never led") - start
            if chosen == hesitant {
                slowestHesitant = max(slowestHesitant, taken)
            } else {
                slowest = max(slowest, taken)
            }
            present = next
            for _ in 0..<Int.random(in: 0...15, using: &room.random) { room.step() }
        }
        #expect(slowest <= .milliseconds(300), "\(slowest.milliseconds) ms")
        #expect(slowestHesitant <= .milliseconds(500), "\(slowestHesitant.milliseconds) ms")
        #expect(wrong == 0)
    }

    @Test(arguments: 1...5) func aMinuteOfNoiseAndCoughsMovesNothing(seed: Int) {
        var room = Room()
        room.random.state = UInt64(seed)
        for _ in 0..<50 { room.step() }
        for level in DominantSpeakerTests.sentences[0] {
            room.step(["alice": DominantSpeakerTests.voice[level]])
        }
        #expect(room.speaker.leader == "alice")
        // A cough is loud at once and dies away in a tenth of a second; a fan begins after 5 s and goes on.
        var (cough, loudness, moved) = (0.0, 0.0, 0)
        for index in 0..<3_000 {
            if index % 70 == 0 { (cough, loudness) = (0, Double.random(in: -25 ... -8, using: &room.random)) }
            let decayed = max(-51, loudness - cough / 60 * 8.7)
            let fan = index > 250 ? -30 : -51
            room.step(["bob": Int(decayed), "carol": fan + Int.random(in: -1...1, using: &room.random)])
            cough += 20
            if room.speaker.leader != "alice" { moved += 1 }
        }
        #expect(moved == 0)
    }

    @Test func speakingIsSeenWithin100MillisecondsAndItsEndWithin500() throws {
        var room = Room()
        for _ in 0..<50 { room.step() }
        let sentence = DominantSpeakerTests.sentences[0]
        let start = room.now
        var seen: Instant?
        for index in sentence {
            room.step(["alice": DominantSpeakerTests.voice[index]])
            if seen == nil, room.speaker.speaking == ["alice"] { seen = room.now }
        }
        #expect(try #require(seen) - start <= .milliseconds(100))
        var quiet = 0
        while !room.speaker.speaking.isEmpty, quiet < 100 {
            room.step()
            quiet += 1
        }
        #expect(quiet * 20 <= 500)
    }

    @Test func whoLeavesLeadsNoMoreAndLevelsThatLieHarmNobody() {
        var room = Room()
        for _ in 0..<50 { room.step() }
        for index in DominantSpeakerTests.sentences[0] { room.step(["alice": DominantSpeakerTests.voice[index]]) }
        let (hasLed, wasThere) = (room.speaker.leave("alice"), room.speaker.leave("nobody"))
        #expect(hasLed && room.speaker.leader == nil && !wasThere)
        // One who says that it is as loud as can be, all the time, is a hum.
        for _ in 0..<500 { room.step(["bob": 0]) }
        #expect(room.speaker.leader == nil)
    }
}
