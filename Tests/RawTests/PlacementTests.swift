import Foundation
import Sluice
import SluiceTesting
import Testing

@testable import RawPlugin

/// A raw stream has no times, so its samples keep them.
@Suite("raw-audio-output keeps time") struct RawPlacementTests {
    private func output(_ path: String) throws -> NodeHarness<RawAudioOutput> {
        try NodeHarness(RawAudioOutput.self, parameters: ["path": .string(path)])
    }

    /// Mono, 8,000 Hz: each sample is the millisecond in which it is heard, from 1.
    private func frame(at milliseconds: Int, count: Int) -> AudioFrame {
        let frame = AudioFrame(format: TestMedia.audio(rate: 8_000, channels: 1), sampleCount: count * 8)
        for index in 0..<count * 8 { frame.s16[index] = Int16(milliseconds + index / 8 + 1) }
        frame.header.pts = .milliseconds(Int64(milliseconds))
        frame.header.dts = frame.header.pts
        frame.header.duration = frame.sampleDuration
        return frame
    }

    /// A sample for each millisecond.
    private func samples(_ path: String) throws -> [Int16] {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        return stride(from: 0, to: bytes.count, by: 16).map { Int16(bytes[$0]) | Int16(bytes[$0 + 1]) << 8 }
    }

    @Test func aHoleIsSilenceAndAnOverlapIsCut() throws {
        let rig = try Rig()
        let node = try output(rig.path("out.pcm"))
        node.push([frame(at: 0, count: 100), frame(at: 400, count: 100), frame(at: 440, count: 100)])
        #expect(node.finish() == .finished)
        let found = try samples(rig.path("out.pcm"))
        #expect(found == (1...100) + Array(repeating: 0, count: 300) + (401...500) + (501...540))
        #expect(node.context.counter("silence_ms").count == 300 && node.context.counter("cut_ms").count == 60)
        #expect(node.events.contains { $0.what.contains("300 ms of silence where audio was missing, 60 ms of audio") })
    }

    @Test func aFileThatIsRemovedWhileItIsWrittenIsAnErrorAndOneThatIsMovedIsSaid() throws {
        let rig = try Rig()
        for (name, other) in [("out.pcm", nil), ("own.pcm", "away.pcm")] as [(String, String?)] {
            let node = try output(rig.path(name))
            node.push([frame(at: 0, count: 100)])
            node.settle()
            if let other {
                try FileManager.default.moveItem(atPath: rig.path(name), toPath: rig.path(other))
            } else {
                try FileManager.default.removeItem(atPath: rig.path(name))
            }
            node.push([frame(at: 100, count: 100)])
            #expect(node.finish() == (other == nil ? .failed : .finished))
            let words = "\"\(rig.path(name))\" was \(other == nil ? "removed" : "moved") while it was written: "
            #expect(node.error.map { "\($0)" }?.contains(words) ?? node.events.contains { $0.what.contains(words) })
        }
    }

    @Test func jitterAndTimesThatAreNotKnownChangeNothing() throws {
        let rig = try Rig()
        let node = try output(rig.path("out.pcm"))
        let frames = [frame(at: 0, count: 20), frame(at: 30, count: 20), frame(at: 35, count: 20)]
        frames[2].header.pts = .none
        node.push(frames)
        #expect(node.finish() == .finished)
        #expect(try samples(rig.path("out.pcm")).count == 60)
        #expect(node.context.counter("silence_ms").count == 0)
    }

    @Test func itBeginsWithTheSampleOfTimeZero() throws {
        let rig = try Rig()
        let node = try output(rig.path("out.pcm"))
        node.push([frame(at: -30, count: 20), frame(at: -10, count: 20), frame(at: 10, count: 20)])
        #expect(node.finish() == .finished)
        #expect(try samples(rig.path("out.pcm")) == Array(1...30))
        #expect(node.context.counter("cut_ms").count == 0)
    }

    @Test func aLeapIsClosedAndTold() throws {
        let rig = try Rig()
        let node = try output(rig.path("out.pcm"))
        let leap = frame(at: 20, count: 20)
        leap.header.pts = .seconds(7_200)
        node.push([frame(at: 0, count: 20), leap])
        #expect(node.finish() == .finished)
        #expect(try samples(rig.path("out.pcm")) == Array(1...40))
        #expect(node.events.contains { $0.what.contains("a leap of the times by over an hour was closed") })
    }

    @Test func aHoleIsNotForAReaderWhoComesAfterIt() throws {
        var placed = PlacedAudio()
        var coming = [frame(at: 0, count: 100), frame(at: 9_000, count: 100)]
        func next(isAnew: Bool = false) -> Int? {
            placed.next(isAnew: isAnew) { coming.isEmpty ? nil : coming.removeFirst() }.map { $0.sampleCount / 8 }
        }
        #expect(next() == 100)
        #expect(next(isAnew: true) == 100 && placed.silence == 0)
        // One that comes while silence goes out is spared the rest of it.
        coming = [frame(at: 10_000, count: 20), frame(at: 10_220, count: 20)]
        #expect(next() == 100)
        #expect(next(isAnew: true) == 20)
        #expect([next(), next(), next(), next()] == [100, 100, 20, nil] && placed.isEmpty)
    }
}
