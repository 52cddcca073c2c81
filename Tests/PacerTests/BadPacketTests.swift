import PacerPlugin
import Sluice
import SluiceTesting
import Testing

/// Bad input in packets: what `BadInputTests` is for PCM. With any input, Opus stays on its grid and pictures leave in
/// order and in time, and one event says what happened.
@Suite struct BadPacketTests {
    /// One packet of a source: when it comes and what its timestamp is, in ms.
    struct Coming: Sendable {
        var at: Double
        var pts: Double
        var bytes = 40
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let coming: [Coming]
        /// The lines, beside the first frame.
        let said: [String]
        /// Of the packets that came, how many may be missing from what went out.
        var lost = 0
        var testDescription: String { name }
    }

    /// `count` packets from the number `first` on, each `step` ms long, in time; `shift` moves their timestamps.
    private static func run(
        _ count: Int, from first: Int = 0, step: Double, at begin: Double? = nil, every: Double? = nil,
        shift: Double = 0
    ) -> [Coming] {
        (0..<count).map { index in
            let time = Double(first + index) * step
            return Coming(at: begin.map { $0 + Double(index) * (every ?? step) } ?? time, pts: time + shift)
        }
    }

    // MARK: Opus

    static let opus: [Case] = {
        func run(_ count: Int, from first: Int = 0, at: Double? = nil, every: Double? = nil, shift: Double = 0)
            -> [Coming]
        { BadPacketTests.run(count, from: first, step: 20, at: at, every: every, shift: shift) }
        let repeats = (0..<60).map { Coming(at: Double($0) * 20, pts: 100) }
        let ends = [1.3e13, 0, -9e9, 5.0]
        return [
            Case(
                name: "a minute at once",
                coming: run(30) + run(3_000, from: 30, at: 600, every: 0)
                    + run(30, from: 3_030, at: 640), said: ["more came than its edge holds; "], lost: 3_060),
            Case(
                name: "goes back", coming: run(50) + run(50, from: 50, shift: -6_000),
                said: ["timestamps went back by 6.000 s; the audio goes on without a hole"]),
            Case(
                name: "repeats", coming: repeats,
                said: ["timestamps went back by 0.020 s; the audio goes on without a hole"]),
            Case(
                name: "jumps ahead", coming: run(50) + run(50, from: 50, shift: 3_599_000),
                said: ["timestamps jumped ahead by 3599.000 s; the audio goes on without a hole"]),
            Case(
                name: "times at the ends of their range",
                coming: (0..<40).map { Coming(at: Double($0) * 20, pts: ends[$0 % 4]) }, said: ["timestamps "]),
            Case(name: "no times", coming: (0..<50).map { Coming(at: Double($0) * 20, pts: .nan) }, said: []),
            Case(
                name: "empty packets",
                coming: run(50).flatMap { [$0, Coming(at: $0.at, pts: $0.pts, bytes: 0)] },
                said: ["an item without media came; such items are left out"], lost: 50),
            Case(
                name: "stops and comes back", coming: run(50) + run(80, from: 150),
                said: ["its input ran dry; silence until media come", "media are back after "]),
        ]
    }()

    @Test(arguments: opus) func opusStaysOnItsGrid(_ bad: Case) throws {
        let format = MediaFormat(codec: .opus, audio: AudioLayout(nil, rate: 48_000, channels: 1))
        let rig = try Rig(["drift": "skip"], format: format)
        for (number, coming) in bad.coming.enumerated() {
            rig.harness.advance(to: Rig.at(coming.at))
            let packet = Packet(format: format, count: coming.bytes)
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: number))
            // One frame of 20 ms of CELT.
            if coming.bytes > 0 { packet.mutableBytes[0] = 31 << 3 }
            packet.header.pts = BadPacketTests.time(coming.pts)
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(20)
            rig.harness.push(packet)
            rig.harness.settle()
        }
        let end = bad.coming.map(\.at).max()! + 60
        rig.run(until: end)
        #expect(Rig.isExact(rig.tape))
        #expect(rig.tape.count >= Int((end - 80) / 20), "the grid goes on")
        #expect(rig.harness.graph.isBalanced && rig.harness.error == nil)
        let heard = rig.tape.filter { ($0.item as! Packet).count == 40 }.count
        #expect(heard >= bad.coming.count - bad.lost - 4, "\(heard) of \(bad.coming.count)")
        BadPacketTests.expect(rig.words, bad)
    }

    private static func time(_ milliseconds: Double) -> MediaTime {
        guard milliseconds.isFinite else { return .none }
        return MediaTime(ticks: Int64(max(-9e18, min(9e18, milliseconds * 705_600))))
    }

    private static func expect(_ words: [String], _ bad: Case) {
        let said = words.filter { $0 != "first frame" }
        #expect(said.count == bad.said.count, "\(said)")
        for (one, beginning) in zip(said, bad.said) { #expect(one.hasPrefix(beginning), "\(one)") }
    }

    // MARK: Pictures

    static let pictures: [Case] = {
        func run(_ count: Int, from first: Int = 0, at: Double? = nil, every: Double? = nil, shift: Double = 0)
            -> [Coming]
        { BadPacketTests.run(count, from: first, step: 40, at: at, every: every, shift: shift) }
        let ends = [1.3e13, 0, -9e9, 5.0]
        return [
            Case(
                name: "a minute at once",
                coming: run(20) + run(1_500, from: 20, at: 800, every: 0)
                    + run(20, from: 1_520, at: 840),
                said: ["more came than its edge holds; "], lost: 1_540),
            Case(
                name: "goes back", coming: run(50) + run(50, from: 50, shift: -6_000),
                said: ["timestamps went back by 5.960 s; pictures go on at their arrival"]),
            Case(
                name: "repeats", coming: (0..<60).map { Coming(at: Double($0) * 40, pts: 100) },
                said: ["timestamps "]),
            Case(
                name: "jumps ahead", coming: run(50) + run(50, from: 50, shift: 3_599_000),
                said: ["timestamps jumped ahead by 3599.040 s; pictures go on at their arrival"]),
            Case(
                name: "times at the ends of their range",
                coming: (0..<40).map { Coming(at: Double($0) * 40, pts: ends[$0 % 4]) }, said: ["timestamps "]),
            Case(name: "no times", coming: (0..<50).map { Coming(at: Double($0) * 40, pts: .nan) }, said: []),
            Case(
                name: "empty packets", coming: run(50).flatMap { [$0, Coming(at: $0.at, pts: $0.pts, bytes: 0)] },
                said: ["an item without media came; such items are left out"], lost: 50),
            Case(name: "stops and comes back", coming: run(50) + run(50, from: 150), said: []),
        ]
    }()

    @Test(arguments: pictures) func picturesLeaveInOrderAndInTime(_ bad: Case) throws {
        let format = TestMedia.codedVideo(.h264)
        let rig = try Rig(format: format, overflow: .dropToKeyframe)
        for coming in bad.coming {
            rig.harness.advance(to: Rig.at(coming.at))
            let packet = Packet(format: format, count: coming.bytes)
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 1)
            packet.header.pts = BadPacketTests.time(coming.pts)
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(40)
            packet.header.captured = rig.harness.now
            packet.header.flags = .keyframe
            rig.harness.push(packet)
            rig.harness.settle()
        }
        rig.run(until: bad.coming.map(\.at).max()! + 1_200)
        #expect(rig.harness.graph.isBalanced && rig.harness.error == nil)
        let tape = rig.tape
        #expect(zip(tape, tape.dropFirst()).allSatisfy { $0.header.dts <= $1.header.dts && $0.at <= $1.at })
        // Depth, and the second that timestamps may hold one longer.
        #expect(tape.allSatisfy { ($0.at - $0.header.captured).milliseconds <= 1_061 })
        #expect(tape.count >= bad.coming.count - bad.lost, "\(tape.count) of \(bad.coming.count)")
        BadPacketTests.expect(rig.words, bad)
    }

    @Test func anotherSizeInMidStreamGoesThrough() throws {
        let rig = try Rig(format: TestMedia.codedVideo(.h264), overflow: .dropToKeyframe)
        let small = MediaFormat(codec: .h264, video: VideoLayout(width: 320, height: 180))
        for number in 0..<40 {
            rig.harness.advance(to: Rig.at(Double(number) * 40))
            let packet = Packet(format: number < 20 ? rig.format : small, count: 9)
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 1)
            packet.header.pts = .milliseconds(Int64(number) * 40)
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(40)
            packet.header.flags = .keyframe
            rig.harness.push(packet)
            rig.harness.settle()
        }
        rig.run(until: 1_800)
        #expect(rig.tape.count == 40)
        #expect(rig.tape[20].item.format == small)
        #expect(zip(rig.tape, rig.tape.dropFirst()).allSatisfy { $1.at - $0.at == .milliseconds(40) })
    }
}
