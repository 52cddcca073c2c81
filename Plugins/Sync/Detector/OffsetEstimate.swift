import Sluice

/// The offset by flashes and chirps together: how far audio leads the video, how that drifts, and how far it can be
/// believed.
///
/// A flash and the nearest chirp within `range` are a pair. The offset is the median of the last pairs that agree to 15
/// ms. Two that agree with each other and not with those before replace them, since then it has changed. The confidence
/// is the mean of what the last marks are worth: a pair that agrees counts as its fainter half was clear, others, and
/// marks that were only seen or only heard, as nothing. One pair alone counts half: nothing repeats it yet.
///
/// Pure: times are arguments.
struct OffsetEstimate {
    /// One mark, as it was judged.
    private struct Mark {
        var time: MediaTime
        /// Flash less chirp in ms; nil where the other half is missing.
        var offset: Double?
        var clarity: Double
    }

    /// How far apart the two halves of a mark may be.
    let range: MediaTime
    private var flashes: [FlashDetector.Flash] = []
    private var chirps: [ChirpDetector.Chirp] = []
    /// The last marks; the confidence looks at `recent` of them, the drift at all.
    private var marks: [Mark] = []
    private(set) var pairs = 0
    /// The media time of the mark that was judged last.
    var lastMark: MediaTime { marks.last?.time ?? .none }
    private(set) var unpaired = 0

    private static let recent = 6
    private static let remembered = 60
    /// Milliseconds.
    static let agreement = 15.0

    init(range: MediaTime) { self.range = range }

    mutating func note(_ flash: FlashDetector.Flash) {
        if flashes.count == OffsetEstimate.mostWaiting { flashes.removeFirst() }
        flashes.append(flash)
    }

    mutating func note(_ chirp: ChirpDetector.Chirp) {
        if chirps.count == OffsetEstimate.mostWaiting { chirps.removeFirst() }
        chirps.append(chirp)
    }

    /// Judges what is complete, and what has waited for its other half until both media were looked at up to these
    /// times. True if the result may have changed.
    mutating func judge(videoUpTo pictures: MediaTime, audioUpTo audio: MediaTime) -> Bool {
        var isNew = false
        while let flash = flashes.first {
            let nearest = chirps.indices.min { distance(chirps[$0], flash) < distance(chirps[$1], flash) }
            if let nearest, distance(chirps[nearest], flash) <= range.ticks {
                pair(flash, nearest)
            } else if flash.time + range + OffsetEstimate.delay < audio {
                flashes.removeFirst()
                addHalf(at: flash.time)
            } else {
                break
            }
            isNew = true
        }
        while flashes.isEmpty, let chirp = chirps.first, chirp.time + range + OffsetEstimate.delay < pictures {
            chirps.removeFirst()
            addHalf(at: chirp.time)
            isNew = true
        }
        return isNew
    }

    /// Chirps older than the one that fits belong to no flash any more.
    private mutating func pair(_ flash: FlashDetector.Flash, _ nearest: Int) {
        let chirp = chirps[nearest]
        for older in chirps[..<nearest] { addHalf(at: older.time) }
        chirps.removeFirst(nearest + 1)
        flashes.removeFirst()
        pairs += 1
        add(
            Mark(
                time: flash.time, offset: (flash.time - chirp.time).milliseconds,
                clarity: min(flash.clarity, chirp.clarity)))
    }

    private mutating func addHalf(at time: MediaTime) {
        unpaired += 1
        add(Mark(time: time, offset: nil, clarity: 0))
    }

    /// Flashes and chirps are told when they are over: that much later than they began.
    private static let delay = MediaTime.milliseconds(400)
    private static let mostWaiting = 16

    private func distance(_ chirp: ChirpDetector.Chirp, _ flash: FlashDetector.Flash) -> Int64 {
        Int64(clamping: (chirp.time - flash.time).ticks.magnitude)
    }

    private mutating func add(_ mark: Mark) {
        if marks.count == OffsetEstimate.remembered { marks.removeFirst() }
        marks.append(mark)
        forgetWhatChanged()
    }

    /// The last two pairs agree with each other and the ones before do not agree with them.
    private mutating func forgetWhatChanged() {
        let last = marks.indices.filter { marks[$0].offset != nil }.suffix(2)
        guard last.count == 2, let first = last.first, let second = last.last, let a = marks[first].offset,
            let b = marks[second].offset, abs(a - b) <= OffsetEstimate.agreement
        else { return }
        let before = marks[..<first].suffix(OffsetEstimate.recent).compactMap(\.offset)
        guard let usual = OffsetEstimate.median(before), abs(usual - (a + b) / 2) > OffsetEstimate.agreement else {
            return
        }
        marks.removeFirst(first)
    }

    // MARK: The result

    struct Result: Equatable {
        /// How far audio leads the video, in ms; negative where the video leads.
        var offset: Double
        /// How fast that grows, in millionths; nil before four pairs over 10 s.
        var drift: Double?
        /// 0…1.
        var confidence: Double
    }

    /// nil before the first pair.
    var result: Result? {
        let recent = marks.suffix(OffsetEstimate.recent)
        guard let usual = OffsetEstimate.median(recent.compactMap(\.offset)) else { return nil }
        let agreeing = recent.filter { mark in
            mark.offset.map { abs($0 - usual) <= OffsetEstimate.agreement } ?? false
        }
        guard let offset = OffsetEstimate.median(agreeing.compactMap(\.offset)) else { return nil }
        var confidence = agreeing.reduce(0) { $0 + $1.clarity } / Double(recent.count)
        if agreeing.count == 1 { confidence /= 2 }
        return Result(offset: offset, drift: drift(around: usual), confidence: confidence)
    }

    /// The slope of a least-squares line through the pairs.
    private func drift(around usual: Double) -> Double? {
        let points = marks.compactMap { mark in mark.offset.map { (mark.time, $0) } }
        guard points.count >= 4, let first = points.first?.0, let last = points.last?.0,
            last - first >= .milliseconds(10_000)
        else { return nil }
        let times = points.map { ($0.0 - first).milliseconds }
        let offsets = points.map { $0.1 - usual }
        let (meanTime, meanOffset) = (
            times.reduce(0, +) / Double(times.count), offsets.reduce(0, +) / Double(times.count)
        )
        let spread = times.reduce(0) { $0 + ($1 - meanTime) * ($1 - meanTime) }
        guard spread > 0 else { return nil }
        let slope = zip(times, offsets).reduce(0) { $0 + ($1.0 - meanTime) * ($1.1 - meanOffset) } / spread
        return slope * 1e6
    }

    /// nil of nothing.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
