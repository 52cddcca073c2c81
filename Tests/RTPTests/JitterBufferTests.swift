import RTP
import Sluice
import SluiceTesting
import TestSupport
import Testing

/// Packets by their numbers, in virtual time.
private final class Bench {
    let buffer: JitterBuffer
    /// Number, packets lost before it, milliseconds at which it came out.
    var out: [(number: Int, lost: Int, at: Double)] = []
    var now = 0.0

    init(_ mode: JitterBuffer.Release, delay: Int64 = 50, capacity: Int = 64, mostBytes: Int = 16 << 20) {
        buffer = JitterBuffer(
            delay: .milliseconds(delay), mode: mode, clockRate: 1_000, capacity: capacity, mostBytes: mostBytes)
    }

    private var instant: Instant { Instant(nanoseconds: Int64((now * 1e6).rounded())) }

    func take(_ packet: OrderedPacket) {
        out.append((Int(packet.payload.loadUnaligned(as: Int32.self)), packet.lost, now))
    }

    /// Time passes as far as `milliseconds`, deadlines being kept on the way.
    func pass(to milliseconds: Double) {
        while let deadline = buffer.deadline, Double(deadline.nanoseconds) / 1e6 <= milliseconds {
            now = max(now, Double(deadline.nanoseconds) / 1e6)
            let before = (out.count, buffer.deadline)
            buffer.release(now: instant) { take($0) }
            #expect(before.0 != out.count || before.1 != buffer.deadline, "a deadline that changes nothing")
        }
        now = milliseconds
    }

    @discardableResult
    func insert(_ number: Int, at milliseconds: Double, timestamp: Int? = nil, bytes: Int = 4) -> JitterBuffer.Insertion
    {
        pass(to: milliseconds)
        var payload = [UInt8](repeating: 0, count: bytes)
        payload.withUnsafeMutableBytes { $0.storeBytes(of: Int32(number), as: Int32.self) }
        return payload.withUnsafeBytes {
            buffer.insert(
                $0, sequence: Int64(number), timestamp: Int64(timestamp ?? number * 20), isMarked: false, now: instant
            ) { take($0) }
        }
    }

    var numbers: [Int] { out.map(\.number) }
}

@Suite struct JitterBufferTests {
    @Test func packetsInOrderGoOnAtOnce() {
        let bench = Bench(.early)
        for number in 0..<100 { #expect(bench.insert(number, at: Double(number) * 20) == .taken) }
        #expect(bench.numbers == Array(0..<100))
        #expect(bench.out.allSatisfy { $0.lost == 0 && $0.at == Double($0.number) * 20 })
        #expect(bench.buffer.deadline == nil)
    }

    @Test(arguments: [JitterBuffer.Release.early, .timed]) func packetsThatWaitTakeNoMoreMemoryThanIsAllowed(
        _ mode: JitterBuffer.Release
    ) {
        let bench = Bench(mode, delay: 10_000, capacity: 2_048, mostBytes: 100_000)
        bench.insert(0, at: 0)
        // The second never comes; small ones and large ones wait behind it.
        for number in 2..<1_000 {
            bench.insert(number, at: Double(number), bytes: number % 3 == 0 ? 9_000 : 4)
            #expect(bench.buffer.allocatedBytes <= 100_000 + 9_000)
        }
        // The oldest went on, each in its place, and nothing was lost but the second.
        #expect(bench.numbers.count > 900 && bench.numbers == bench.numbers.sorted())
        bench.buffer.drain { bench.take($0) }
        #expect(bench.numbers == [0] + Array(2..<1_000) && bench.out.map(\.lost).reduce(0, +) == 1)
    }

    @Test func aLatePacketIsWaitedForAndThenGivenUp() {
        let bench = Bench(.early, delay: 50)
        for number in [0, 1, 3, 4] { bench.insert(number, at: Double(number) * 20) }
        #expect(bench.numbers == [0, 1])
        bench.insert(2, at: 85)
        #expect(bench.numbers == [0, 1, 2, 3, 4])
        for number in [6, 7, 8] { bench.insert(number, at: Double(number) * 20) }
        // Missed since 6 came at 120 ms.
        bench.pass(to: 169)
        #expect(bench.numbers.count == 5)
        bench.pass(to: 171)
        #expect(bench.numbers == [0, 1, 2, 3, 4, 6, 7, 8])
        #expect(bench.out[5].lost == 1 && bench.out[5].at == 170)
        #expect(bench.insert(5, at: 180) == .late)
    }

    @Test func duplicatesAreToldFromLatePackets() {
        let bench = Bench(.early)
        bench.insert(0, at: 0)
        #expect(bench.insert(0, at: 1) == .duplicate)
        bench.insert(2, at: 2)
        #expect(bench.insert(2, at: 3) == .duplicate)
        bench.pass(to: 100)
        #expect(bench.insert(1, at: 100) == .late)
        #expect(bench.numbers == [0, 2])
    }

    @Test func whatIsTooFarAheadGivesUpTheOldest() {
        let bench = Bench(.early, delay: 10_000, capacity: 16)
        bench.insert(0, at: 0)
        for number in 2..<17 { bench.insert(number, at: 1) }
        #expect(bench.numbers == [0])
        bench.insert(17, at: 2)
        #expect(bench.numbers == [0] + Array(2...17))
        bench.insert(1_000, at: 3)
        #expect(bench.numbers.count == 17)
        bench.pass(to: 20_000)
        #expect(bench.numbers.last == 1_000 && bench.out.last?.lost == 982)
    }

    @Test func timedPacketsComeOutEvenly() {
        var random = Dice(seed: 1)
        let bench = Bench(.timed, delay: 60)
        var arrivals = (0..<500).map { ($0, Double($0) * 20 + Double.random(in: 0...40, using: &random)) }
        arrivals[0].1 = 0
        for (number, at) in arrivals.sorted(by: { $0.1 < $1.1 }) { bench.insert(number, at: at) }
        bench.pass(to: 20_000)
        #expect(bench.numbers == Array(0..<500))
        #expect(bench.out.allSatisfy { abs($0.at - (Double($0.number) * 20 + 60)) < 1 })
    }

    @Test(arguments: [-60_000, -3_000, 3_000]) func timedPacketsAreEvenAgainSoonAfterALeap(by leap: Int) {
        var random = Dice(seed: 1)
        let bench = Bench(.timed, delay: 60)
        for number in 0..<500 {
            let timestamp = number * 20 + (number >= 250 ? leap : 0)
            // Each tenth is as fast as can be; the others keep their order.
            let late = number % 10 == 0 ? 0 : Double.random(in: 0...19, using: &random)
            bench.insert(number, at: Double(number) * 20 + late, timestamp: timestamp)
        }
        bench.pass(to: 20_000)
        #expect(bench.numbers == Array(0..<500))
        // Those that wait at the leap are between the two.
        let settled = bench.out.filter { !(245..<260).contains($0.number) }
        #expect(settled.allSatisfy { abs($0.at - (Double($0.number) * 20 + 60)) < 1 })
    }

    @Test func theTimedBufferFollowsAClockThatDiffers() {
        // The sender's clock is 200 ppm slow: an hour lasts 720 ms more.
        let bench = Bench(.timed, delay: 60)
        var last = 0.0
        for number in 0..<40_000 {
            last = Double(number) * 20 * 1.0002
            bench.insert(number, at: last)
        }
        bench.pass(to: last + 1_000)
        #expect(bench.numbers.count == 40_000)
        #expect(bench.out.allSatisfy { (55...61).contains($0.at - Double($0.number) * 20 * 1.0002) })
        // And 200 ppm fast.
        let fast = Bench(.timed, delay: 60)
        for number in 0..<40_000 { fast.insert(number, at: Double(number) * 20 * 0.9998) }
        fast.pass(to: 1_000_000)
        #expect(fast.out.allSatisfy { (55...61).contains($0.at - Double($0.number) * 20 * 0.9998) })
    }

    @Test(arguments: [JitterBuffer.Release.early, .timed], [0, 1, 2, 3, 4, 5, 6, 7])
    func whateverComesNothingWaitsLongerThanTheDelayAndOrderHolds(_ mode: JitterBuffer.Release, seed: Int) {
        var random = Dice(seed: UInt64(seed))
        let bench = Bench(mode, delay: 50, capacity: 64)
        var arrivals: [(number: Int, at: Double)] = []
        for number in 0..<1_500 where Int.random(in: 0..<100, using: &random) >= 5 {
            let copies = Int.random(in: 0..<20, using: &random) == 0 ? 2 : 1
            for _ in 0..<copies {
                arrivals.append((number, Double(number) * 5 + Double.random(in: 0...Double(seed) * 20, using: &random)))
            }
        }
        arrivals.sort { $0.at < $1.at }
        var verdicts: [JitterBuffer.Insertion: Int] = [:]
        var taken: [Int: Double] = [:]
        // The packets that the first one has overtaken.
        var beforeFirst = 0
        for (number, at) in arrivals {
            let verdict = bench.insert(number, at: at, timestamp: number * 5)
            verdicts[verdict, default: 0] += 1
            if verdict == .taken { taken[number] = at }
            if verdict == .late, let first = bench.numbers.first, number < first { beforeFirst += 1 }
        }
        bench.pass(to: 1e6)
        #expect(bench.numbers == bench.numbers.sorted() && Set(bench.numbers).count == bench.numbers.count)
        #expect(Set(bench.numbers) == Set(taken.keys))
        #expect(bench.out.allSatisfy { $0.at <= taken[$0.number]! + 50.001 })
        // Every number between the first and the last came out or is told as lost.
        #expect(
            bench.out.map(\.lost).reduce(0, +) == bench.numbers.last! - bench.numbers.first! + 1 - bench.numbers.count)
        if seed <= 2 { #expect(verdicts[.late, default: 0] == beforeFirst) }
    }

    @Test func payloadsOfEverySizeWaitUnharmed() {
        let bench = Bench(.early)
        bench.insert(0, at: 0)
        bench.insert(2, at: 1, bytes: 60_000)
        bench.insert(3, at: 1, bytes: 5)
        bench.insert(1, at: 2, bytes: 2_049)
        #expect(bench.numbers == [0, 1, 2, 3])
    }
}
