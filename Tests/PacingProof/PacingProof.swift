// Proves the pacer's timing in virtual time: tools/prove pacing --help
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
        let began = Date()
        let results = Mutex<[(seed: Int, ppm: Double, found: PacingDay.Findings, seconds: Double)]>([])
        DispatchQueue.concurrentPerform(iterations: options.seeds) { index in
            var day = PacingDay(seed: UInt64(index + 1))
            day.hours = options.hours
            day.ppm = index % 2 == 0 ? 200 : -200
            day.target = .milliseconds(Int64(options.depth))
            let start = Date()
            let found = day.run()
            let seconds = Date().timeIntervalSince(start)
            results.withLock { $0.append((index + 1, day.ppm, found, seconds)) }
        }
        let all = results.withLock { $0.sorted { $0.seed < $1.seed } }
        print("seed   ppm  frames    slips silent lost-concealed drops  depth 10 s mean   settled  A/V ms (sent)   drift err  s")
        var failures = 0
        for (seed, ppm, found, seconds) in all {
            let good = found.isGood(target: Double(options.depth)) && seconds < 60
            if !good { failures += 1 }
            print(
                String(
                    format: "%4d %+5.0f %8d %6d %6d %14d %5d  %6.1f … %6.1f  %6.0f s  %6.3f %6.3f   %6.1f ppm %5.1f %@", seed,
                    ppm, found.frames, found.slips, found.silentSamples, found.lostSamples - found.concealedSamples,
                    found.dropped, found.leastDepth, found.mostDepth, found.settledAt, found.soundToPicture,
                    found.soundToPictureSent, found.largestDriftError, seconds, good ? "" : "FAILED"))
        }
        print(
            "\(all.count - failures) of \(all.count) runs of \(options.hours) h are exact; \(String(format: "%.0f", Date().timeIntervalSince(began))) s in all")
        exit(failures == 0 ? 0 : 1)
    }
}

struct Options {
    var hours = 24.0
    var seeds = 100
    var depth = 60

    static let help = """
        Usage: PacingProof [--hours H] [--seeds N] [--depth-ms D]
          A source at ±200 ppm, 0 to 40 ms of jitter, 1 % loss, H hours (24) of it for each of N seeds (100) in parallel: every
          frame on the grid, no slip, no silence, no drop, losses concealed one for one, the mean depth of 10 s within 10 ms of
          D (60) and sound and picture within 5 ms of each other after the first minute.

        """

    init?(_ words: some Sequence<String>) {
        var words = Array(words)
        while !words.isEmpty {
            let name = words.removeFirst()
            guard let value = words.isEmpty ? nil : words.removeFirst() else { return nil }
            switch name {
            case "--hours": if let number = Double(value), number > 0 { hours = number } else { return nil }
            case "--seeds": if let number = Int(value), number > 0 { seeds = number } else { return nil }
            case "--depth-ms": if let number = Int(value), number > 0 { depth = number } else { return nil }
            default: return nil
            }
        }
    }
}
