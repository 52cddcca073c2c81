import PacerPlugin
import Sluice
import SluiceTesting
import Testing

@Suite struct VideoTests {
    private func rig(_ parameters: [String: ParameterValue] = [:]) throws -> Rig {
        try Rig(parameters, format: TestMedia.codedVideo(.h264), overflow: .dropToKeyframe)
    }

    /// The slices of a picture, `bytes` each.
    private func push(_ rig: Rig, _ number: Int, slices: Int = 1, bytes: Int = 1_000, at milliseconds: Double) {
        rig.harness.advance(to: Rig.at(milliseconds))
        for slice in 0..<slices {
            let packet = TestMedia.packets(rig.format, first: number, count: 1, bytes: bytes, milliseconds: 40)[0]
            packet.header.flags = number % 10 == 0 && slice == 0 ? .keyframe : []
            packet.header.captured = rig.harness.now
            rig.harness.push(packet)
        }
        rig.harness.settle()
    }

    @Test func picturesKeepTheirDistanceWhateverTheirJitter() throws {
        let rig = try rig()
        for number in 0..<200 { push(rig, number, at: Double(number) * 40 + (number % 3 == 0 ? 0 : 15)) }
        rig.run(until: 8_200)
        let tape = rig.tape
        #expect(tape.count == 200)
        #expect(tape.map { TestMedia.number(of: $0.item) } == Array(0..<200))
        #expect(zip(tape, tape.dropFirst()).allSatisfy { abs(($1.at - $0.at).milliseconds - 40) < 0.1 })
        #expect(tape[0].at == Rig.at(60))
        #expect(zip(tape, tape.dropFirst()).allSatisfy { abs(($1.header.dts - $0.header.dts).milliseconds - 40) < 0.1 })
    }

    @Test func thePacketsOfAPictureLeaveEvenlyOverItsInterval() throws {
        let rig = try rig()
        for number in 0..<20 { push(rig, number, slices: number % 10 == 0 ? 20 : 4, at: Double(number) * 40) }
        rig.run(until: 900)
        let first = rig.tape.filter { TestMedia.number(of: $0.item) == 10 }.map(\.at)
        #expect(first.count == 20)
        #expect(zip(first, first.dropFirst()).allSatisfy { $1 - $0 == .milliseconds(2) })
        let next = rig.tape.filter { TestMedia.number(of: $0.item) == 11 }.map(\.at)
        #expect(zip(next, next.dropFirst()).allSatisfy { $1 - $0 == .milliseconds(10) })
        #expect(next[0] - first[0] == .milliseconds(40))
    }

    @Test func rateAndBurstShapeTheRelease() throws {
        let rig = try rig(["rate": 2, "burst_ms": 5])
        push(rig, 0, slices: 8, at: 0)
        rig.run(until: 200)
        #expect(rig.tape.map { ($0.at - rig.tape[0].at).milliseconds } == [0, 0, 5, 5, 10, 10, 15, 15])
    }

    @Test func decodingTimesNeverFallWhateverTimestampsDo() throws {
        let rig = try rig()
        let order = [0, 1, 2, 3, 3, 2, 1, 500, 501, 20, 21, 22]
        for (index, number) in order.enumerated() { push(rig, number, at: Double(index) * 40) }
        rig.run(until: 2_500)
        let tape = rig.tape
        #expect(tape.count == order.count)
        #expect(zip(tape, tape.dropFirst()).allSatisfy { $0.header.dts <= $1.header.dts && $0.at <= $1.at })
        #expect(tape.last!.at < Rig.at(1_700))
        #expect(rig.words.filter { $0.contains("timestamps") }.count == 1)
    }

    @Test func timestampsAtTheEndsOfTheirRangeDoNotTrap() throws {
        let rig = try rig()
        let ticks: [Int64] = [0, .max, .min + 1, .max - 7, -1, .max / 2, .min / 2, 5]
        for (index, time) in (ticks + ticks).enumerated() {
            rig.harness.advance(to: Rig.at(Double(index) * 40))
            let packet = Packet(format: rig.format, count: 8)
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            packet.header.pts = MediaTime(ticks: time)
            packet.header.dts = packet.header.pts
            packet.header.flags = .keyframe
            rig.harness.push(packet)
            rig.harness.settle()
        }
        rig.run(until: 5_000)
        #expect(rig.harness.error == nil)
        #expect(rig.tape.count == 16)
    }

    @Test func aPacerOfThatNameHasToBeThere() throws {
        let rig = try rig(["audio": "voice"])
        push(rig, 0, at: 0)
        rig.run(until: 100)
        #expect(
            "\(rig.harness.error!)".contains("\"audio\" is \"voice\", and no pacer of audio beside it has that name"))
    }
}
