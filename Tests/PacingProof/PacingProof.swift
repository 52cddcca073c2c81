// Proves the pacer's timing in virtual time: tools/prove --help
import Dispatch
import Foundation
import PacingSimulation
import Synchronization

@main
enum PacingProof {
    static func main() {
        guard let options = Options(CommandLine.arguments.dropFirst()) else {
            FileHandle.standardError.write(Data(Options.help.utf8))
            exit(2)
        }
        exit((options.isGraph ? graphs(options) : days(options)) ? 0 : 1)
    }

    /// Runs `one` for each seed on every core and hands the results over in order.
    private static func each<Result: Sendable>(_ seeds: Int, _ one: @Sendable (Int) -> Result) -> [Result] {
        let results = Mutex<[Int: Result]>([:])
        DispatchQueue.concurrentPerform(iterations: seeds) { index in
            let result = one(index + 1)
            results.withLock { $0[index + 1] = result }
        }
        return results.withLock { all in (1...seeds).compactMap { all[$0] } }
    }

    private static func ppm(_ seed: Int) -> Double { seed % 2 == 1 ? 200 : -200 }

    private static func days(_ options: Options) -> Bool {
        let began = Date()
        let all = each(options.seeds) { seed in
            var day = PacingDay(seed: UInt64(seed))
            day.hours = options.hours
            day.ppm = ppm(seed)
            day.target = .milliseconds(Int64(options.depth))
            let start = Date()
            let found = day.run()
            return (seed: seed, found: found, seconds: Date().timeIntervalSince(start))
        }
        print(
            "seed   ppm  frames  slips  silent  concealed - lost  drops  depth, means of 10 s  settled  A/V ms  rate off by  took"
        )
        var exact = 0
        for (seed, found, seconds) in all {
            let isGood = found.isGood(target: Double(options.depth)) && seconds < 60
            exact += isGood ? 1 : 0
            print(
                String(
                    format: "%4d %+5.0f %7d %6d %7d %17d %6d     %5.1f … %5.1f ms %6.0f s %7.3f %8.1f ppm %4.1f s %@",
                    seed,
                    ppm(seed), found.frames, found.slips, found.silentSamples,
                    found.concealedSamples - found.lostSamples,
                    found.dropped, found.leastDepth, found.mostDepth, found.settledAt,
                    max(found.audioToVideo, found.audioToVideoSent), found.largestDriftError, seconds,
                    isGood ? "" : "FAILED"))
        }
        print("\(exact) of \(all.count) runs of \(options.hours) h are exact; \(seconds(since: began)) s in all")
        return exact == all.count
    }

    private static func graphs(_ options: Options) -> Bool {
        let began = Date()
        let all = each(options.seeds) { seed in
            var graph = PacedGraph()
            graph.seed = seed
            graph.ppm = ppm(seed)
            graph.seconds = options.hours * 3_600
            graph.targetMilliseconds = Double(options.depth)
            graph.sampleFormat = .f32
            graph.hertz = 0
            return try? graph.run()
        }
        print(
            "seed   ppm  frames  off grid  silent  concealed - lost  drops  late  depth, means of 10 s  A/V ms  pictures compared"
        )
        var exact = 0
        for (index, found) in all.enumerated() {
            guard let found else {
                print("\(index + 1) could not be run")
                continue
            }
            let isGood = found.isGood(target: Double(options.depth), after: 70)
            exact += isGood ? 1 : 0
            let depths = found.depths.dropFirst(7)
            print(
                String(
                    format: "%4d %+5.0f %7d %9d %7d %17d %6d %5d     %5.1f … %5.1f ms %7.3f %9d %@", index + 1,
                    ppm(index + 1), found.frames, found.offGrid, found.silentFrames,
                    found.concealedSamples - found.lostSamples, found.dropped, found.late, depths.min() ?? 0,
                    depths.max() ?? 0, max(found.audioToVideo, found.audioToVideoSent), found.compared,
                    isGood ? "" : "FAILED"))
        }
        print("\(exact) of \(all.count) graphs of \(options.hours) h are exact; \(seconds(since: began)) s in all")
        return exact == all.count
    }

    private static func seconds(since date: Date) -> String { String(format: "%.0f", Date().timeIntervalSince(date)) }
}

struct Options {
    var isGraph = false
    var hours: Double { given ?? (isGraph ? 1 : 24) }
    var seeds: Int { count ?? (isGraph ? 2 : 100) }
    var depth = 60
    private var given: Double?
    private var count: Int?

    static let help = """
        Usage: tools/prove [--graph] [--hours H] [--seeds N] [--depth-ms D]
          A source at ±200 ppm with 0 to 40 ms of jitter and 1 % loss before a pacer, in virtual time, for each of N seeds:
          every frame on the grid, no slip, no silence, no drop, losses concealed one for one, and after the first minute the
          depth within 10 ms of D (60) in every mean of 10 s and pictures within 5 ms of their audio.
            without --graph   the state machines alone: 24 hours, 100 seeds
            --graph           the real graph with PCM and pictures: 1 hour, 2 seeds

        """

    init?(_ words: some Sequence<String>) {
        var words = Array(words)
        while !words.isEmpty {
            let name = words.removeFirst()
            if name == "--graph" {
                isGraph = true
                continue
            }
            guard let value = words.isEmpty ? nil : words.removeFirst() else { return nil }
            switch name {
            case "--hours": if let number = Double(value), number > 0 { given = number } else { return nil }
            case "--seeds": if let number = Int(value), number > 0 { count = number } else { return nil }
            case "--depth-ms": if let number = Int(value), number > 0 { depth = number } else { return nil }
            default: return nil
            }
        }
    }
}
