import Sluice

/// Keeps the time of a sink that has none: a WAV file, a pipe of PCM. A hole in the times of the audio becomes silence,
/// samples that overlap those before them are cut, and so are those before the beginning. Pure.
public struct SamplePlacement: Sendable {
    /// Before the samples of one frame: so much silence, and so many of them left out, in samples of each channel.
    public struct Place: Equatable, Sendable {
        /// Samples of silence before the frame.
        public var silence = 0
        /// Samples of the frame, from its first one, that are left out.
        public var cut = 0
    }

    /// Smaller holes and overlaps are jitter of clocks and roundings, and stay as they are.
    public static let tolerance = MediaTime.milliseconds(40)
    /// A longer hole is no hole: the times have leaped. The samples are put behind those before them.
    public static let longestHole = MediaTime.milliseconds(3_600_000)

    /// Silence that was put in.
    public private(set) var silence = MediaTime.zero
    /// Samples that were left out.
    public private(set) var cut = MediaTime.zero
    /// Leaps over more than `longestHole`, either way.
    public private(set) var leaps = 0
    private var timeline = AudioFrame.Timeline()
    private let origin: MediaTime
    /// An encoder's delay is shorter. Times further before the origin count from elsewhere, and begin where they are.
    private static let longestDelay = MediaTime.milliseconds(1_000)

    /// Nothing was placed yet. Samples before `origin` are an encoder's delay: heard, they would move all others.
    public init(from origin: MediaTime = .zero) { self.origin = origin }

    /// Where a frame of `samples`, heard from `pts` on, goes. `rate` in Hz.
    public mutating func place(_ samples: Int, at pts: MediaTime, rate: Int) -> Place {
        guard timeline.isStarted, timeline.rate == rate, pts.isKnown else {
            let delay = timeline.isStarted || !pts.isKnown ? .zero : max(.zero, origin - pts)
            let early = delay < SamplePlacement.longestDelay ? Int(delay.rescaled(to: Int64(rate))) : 0
            guard early == 0 || early < samples else { return Place(cut: samples) }
            if !timeline.isStarted || timeline.rate != rate {
                timeline = AudioFrame.Timeline(start: early > 0 ? origin : pts, rate: rate)
            }
            timeline.advance(samples - early)
            return Place(cut: early)
        }
        let off = pts.ticks.subtractingReportingOverflow(timeline.end.ticks)
        let ticks = off.overflow ? Int64.max : off.partialValue
        guard ticks.magnitude <= SamplePlacement.longestHole.ticks.magnitude else {
            leaps += 1
            timeline = AudioFrame.Timeline(start: pts, rate: rate)
            timeline.advance(samples)
            return Place()
        }
        guard ticks.magnitude > SamplePlacement.tolerance.ticks.magnitude else {
            timeline.advance(samples)
            return Place()
        }
        let distance = Int(MediaTime(ticks: Int64(ticks.magnitude)).rescaled(to: Int64(rate)))
        guard ticks < 0 else {
            silence = silence + MediaTime(Int64(distance), timescale: Int64(rate))
            timeline.advance(distance + samples)
            return Place(silence: distance)
        }
        let left = min(distance, samples)
        cut = cut + MediaTime(Int64(left), timescale: Int64(rate))
        timeline.advance(samples - left)
        return Place(cut: left)
    }

    /// A sentence's part about what was done to the samples, `silence` and `cut` in seconds; nil where nothing was.
    public static func words(silence: Double, cut: Double, leaps: Int) -> String? {
        func length(_ seconds: Double) -> String {
            seconds < 1 ? "\(Int((seconds * 1_000).rounded())) ms" : "\(decimal(seconds, places: 2)) s"
        }
        let words = [
            silence > 0 ? "\(length(silence)) of silence where audio was missing" : "",
            cut > 0 ? "\(length(cut)) of audio that overlapped were cut" : "",
            leaps == 1 ? "a leap of the times by over an hour was closed" : "",
            leaps > 1 ? "\(leaps) leaps of the times by over an hour were closed" : "",
        ].filter { !$0.isEmpty }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}
