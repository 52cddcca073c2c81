import PacerPlugin
import Sluice
import SluiceTesting

/// A pacer under a test's hand: media come at the times that the test says.
final class Rig {
    let harness: NodeHarness<Pacer>
    /// Of the next sample of `feed`.
    var sample = 0
    var format: MediaFormat
    var epoch: UInt32 = 0

    struct Got {
        var at: Instant
        var item: MediaItem
        var header: MediaItem.Header { item.header }
        var s16: [Int16] { (item as? AudioFrame).map { Array($0.s16) } ?? [] }
    }

    init(
        _ parameters: [String: ParameterValue] = [:], format: MediaFormat = TestMedia.audio(.s16, channels: 1),
        items: Int = 50, milliseconds: Int = 1_000, overflow: EdgePolicy.Overflow = .dropOldest
    ) throws {
        self.format = format
        harness = try NodeHarness(
            Pacer.self, parameters: ["status_s": .number(0)].merging(parameters) { $1 }, announcing: ["in": format],
            capacity: .init(items: items, milliseconds: milliseconds), overflow: overflow)
    }

    static func at(_ milliseconds: Double) -> Instant { Instant(nanoseconds: Int64((milliseconds * 1e6).rounded())) }

    /// `count` items of `samples` of the wave, one every `every` ms from `from` on; `pts` names the first sample's time
    /// where it is not its number.
    func feed(
        _ count: Int, samples: Int = 960, from: Double, every: Double = 20, pts: MediaTime? = nil,
        flags: MediaItem.Header.Flags = [], wave: (Int) -> Int16 = { Int16(truncatingIfNeeded: $0) }
    ) {
        let rate = Int64(format.audio!.rate)
        for index in 0..<count {
            harness.advance(to: Rig.at(from + Double(index) * every))
            let frame = AudioFrame(format: format, sampleCount: samples)
            for position in 0..<samples {
                for channel in 0..<frame.layout.channels {
                    frame.s16[position * frame.layout.channels + channel] = wave(sample + position)
                }
            }
            let step = MediaTime(Int64(index * samples), timescale: rate)
            frame.header.pts = pts.map { $0 + step } ?? MediaTime(Int64(sample), timescale: rate)
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            frame.header.captured = harness.now
            frame.header.epoch = epoch
            frame.header.flags = index == 0 ? flags : []
            harness.push(frame)
            sample += samples
            harness.settle()
        }
    }

    func run(until milliseconds: Double) { harness.advance(to: Rig.at(milliseconds)) }

    /// Everything that came out so far.
    var tape: [Got] { harness.sink().received.map { Got(at: $0.at, item: $0.item) } }

    func metric(_ name: String) -> Int { harness.context.counter(name).count }
    var words: [String] { harness.events.filter { $0.node == "node" }.map(\.what) }

    /// Every frame one frame after the one before, on the clock and by its timestamp.
    static func isExact(_ tape: [Got], milliseconds: Double = 20) -> Bool {
        let step = MediaTime(Int64(milliseconds * 1_000), timescale: 1_000_000)
        return zip(tape, tape.dropFirst()).allSatisfy { a, b in
            b.header.pts - a.header.pts == step && b.header.dts == b.header.pts && b.at - a.at == Interval(step)
                && b.header.duration == step
        }
    }
}

/// A tone of 441 Hz at a quarter of full scale.
func tone(_ sample: Int) -> Int16 { Int16(8_192 * sine(Double(sample) * 441 / 48_000)) }

/// The largest step between two samples.
func largestStep(_ samples: [Int16]) -> Int {
    zip(samples, samples.dropFirst()).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
