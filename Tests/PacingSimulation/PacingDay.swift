import Pacing
import Sluice

/// A day of a pacer in front of a source whose clock is off, without the media: what `AudioPacing` and `VideoPacing`
/// decide is done by counting. Edge, grid, concealment and drops are those of the node; the resampler is a fraction.
public struct PacingDay: Sendable {
    public var seed: UInt64
    public var hours = 24.0
    public var ppm = 200.0
    public var jitter = Interval.milliseconds(40)
    public var loss = 0.01
    public var target = Interval.milliseconds(60)
    public var frame = Interval.milliseconds(20)
    public var packet = Interval.milliseconds(20)
    public var rate = 48_000
    public var picturesPerSecond: Int64 = 30
    /// Seconds that the start may take: the clock is not known yet, and the depth is that of the first packet's luck.
    public var start = 60.0

    public init(seed: UInt64) { self.seed = seed }

    public struct Findings: Sendable {
        public var frames = 0
        /// Frames whose time on the grid was not origin + n × frame.
        public var offGrid = 0
        public var silentSamples = 0
        public var concealedSamples = 0
        /// Of packets that were lost on the way, as far as they should have been played.
        public var lostSamples = 0
        public var dropped = 0
        /// Places where what was played did not continue.
        public var slips = 0
        /// Means of 10 s after the start, in ms.
        public var leastDepth = Double.infinity
        public var mostDepth = -Double.infinity
        /// When the depth's mean of 10 s was within 10 ms of the target for good, in s.
        public var settledAt = 0.0
        /// The largest distance of a picture from its audio, by timestamps and by when they go out, in ms.
        public var audioToVideo = 0.0
        public var audioToVideoSent = 0.0
        /// The estimate of the clock at the end, in ppm.
        public var drift = 0.0
        public var largestDriftError = 0.0

        public func isGood(target: Double) -> Bool {
            offGrid == 0 && silentSamples == 0 && concealedSamples == lostSamples && dropped == 0 && slips == 0
                && leastDepth >= target - 10 && mostDepth <= target + 10 && audioToVideo <= 5
                && audioToVideoSent <= 5
        }
    }

    public func run() -> Findings {
        var day = Run(self)
        day.run()
        return day.found
    }
}

/// One run of it.
private struct Run {
    let setup: PacingDay
    var found = PacingDay.Findings()
    var pacing: AudioPacing
    var video: VideoPacing
    var audio: Arrivals
    var pictures: Arrivals
    var upcoming: Arrivals.Packet
    var upcomingVideo: Arrivals.Packet
    var edge = Queue<Arrivals.Packet>()
    let samples: Int64
    var carry = 0.0
    var itemNumber: Int64 = -1
    var heard: Int64 = -1
    var waiting = Queue<(source: MediaTime, out: MediaTime, due: Instant)>()
    var lastDropped = 0

    // The depth between ticks and arrivals, summed up over time.
    var held = 0.0
    var heldSince = Instant(nanoseconds: 0)
    var area = 0.0
    var windowBegan = Instant(nanoseconds: 0)
    var origin = Instant(nanoseconds: 0)

    init(_ setup: PacingDay) {
        self.setup = setup
        audio = Arrivals(length: setup.packet, ppm: setup.ppm, jitter: setup.jitter, loss: setup.loss, seed: setup.seed)
        let picture = Interval(nanoseconds: 1_000_000_000 / setup.picturesPerSecond)
        pictures = Arrivals(
            length: picture, ppm: setup.ppm, jitter: setup.jitter, loss: 0, seed: setup.seed &+ 1_000_003)
        upcoming = audio.next()
        upcomingVideo = pictures.next()
        samples = setup.packet.nanoseconds * Int64(setup.rate) / 1_000_000_000
        let first = upcoming.arrival
        pacing = AudioPacing(
            frame: setup.frame, target: setup.target, drift: .resample, rate: setup.rate, item: setup.packet,
            arrival: first, now: first)
        video = VideoPacing(target: setup.target)
    }

    mutating func run() {
        let frames = Int64(setup.hours * 3600 * 1e9) / setup.frame.nanoseconds
        origin = pacing.grid.next
        windowBegan = origin
        heldSince = origin
        var number: Int64 = 0
        // A hole that is open at the end is waited for, so that what was lost is known.
        while number < frames || pacing.intake.madeInRow > 0 {
            let now = pacing.grid.next
            if now != origin + setup.frame * number { found.offGrid += 1 }
            arrive(until: now)
            play(now, out: MediaTime(setup.frame) * number)
            found.frames += 1
            pacing.advance()
            number += 1
        }
        found.drift = pacing.clock.ppm
        // Lost packets before the place that was reached last.
        found.lostSamples = Int(lostBefore)
    }

    // MARK: The edge

    mutating func arrive(until now: Instant) {
        while upcoming.arrival <= now {
            note(heldAt: upcoming.arrival)
            if edge.count >= 50 {
                _ = edge.pop()
                found.dropped += 1
                held -= setup.packet.milliseconds
            }
            edge.push(upcoming)
            held += setup.packet.milliseconds
            upcoming = audio.next()
        }
        note(heldAt: now)
        while upcomingVideo.arrival <= now { placeVideo() }
    }

    mutating func note(heldAt now: Instant) {
        area += held * (now - heldSince).seconds
        heldSince = now
        guard (now - windowBegan).seconds >= 10 else { return }
        let mean = area / (now - windowBegan).seconds
        let end = (now - origin).seconds
        if abs(mean - setup.target.milliseconds) > 10 { found.settledAt = end }
        if end > setup.start + 10 {
            found.leastDepth = min(found.leastDepth, mean)
            found.mostDepth = max(found.mostDepth, mean)
        }
        area = 0
        windowBegan = now
    }

    // MARK: A frame

    mutating func play(_ now: Instant, out: MediaTime) {
        let ppm = pacing.begin(pending: -carry)
        let playout = pacing.playout(pending: -carry, out: out)
        compare(playout)
        if (now - origin).seconds > setup.start, pacing.clock.isSettled {
            found.largestDriftError = max(found.largestDriftError, abs(pacing.clock.ppm - setup.ppm))
        }
        let wanted = setup.frame.seconds * Double(setup.rate) * (1 + ppm / 1e6) + carry
        var left = Int(wanted.rounded(.down))
        carry = wanted - Double(left)
        while left > 0 { left -= take(left, now) }
        self.playout = playout
    }

    mutating func take(_ wanted: Int, _ now: Instant) -> Int {
        switch pacing.intake.next(wanted, now: now) {
        case .media(let offset, let count):
            let sample = itemNumber * samples + Int64(offset)
            if heard >= 0, sample != heard { found.slips += 1 }
            heard = sample + Int64(count)
            pacing.intake.advance(media: count)
            held -= Double(count) * 1e3 / Double(setup.rate)
            return count
        case .made(let count): return make(count)
        case .wantsItem:
            guard let item = edge.pop() else { return make(wanted) }
            lostBefore += (item.number - itemNumber - 1) * samples
            itemNumber = item.number
            let isLoss = found.dropped != lastDropped
            lastDropped = found.dropped
            let placement = pacing.place(
                MediaTime(item.number * samples, timescale: Int64(setup.rate)), count: Int(samples),
                arrival: item.arrival, isLoss: isLoss)
            switch placement {
            case .late, .jump: found.slips += 1
            case .follows, .hole, .anew: break
            }
            return 0
        }
    }

    mutating func make(_ count: Int) -> Int {
        let covered = min(Int64(count), max(0, pacing.intake.longestConcealed - pacing.intake.madeInRow))
        found.concealedSamples += Int(covered)
        found.silentSamples += count - Int(covered)
        pacing.intake.advance(made: count)
        heard = heard < 0 ? -1 : heard + Int64(count)
        return count
    }

    /// Samples lost before the item that was placed last.
    var lostBefore: Int64 = 0
    var playout: Playout?

    // MARK: Pictures

    mutating func placeVideo() {
        let picture = upcomingVideo
        upcomingVideo = pictures.next()
        let time = MediaTime(picture.number, timescale: setup.picturesPerSecond)
        let place = video.place(
            pts: time, dts: time, duration: .milliseconds(33), arrival: picture.arrival, audio: playout)
        if playout != nil { waiting.push((time, place.dts, place.due)) }
    }

    /// Where the audio is now, and so when pictures up to there should have been.
    mutating func compare(_ playout: Playout) {
        while let picture = waiting.first, picture.source < playout.source {
            _ = waiting.pop()
            guard (playout.at - origin).seconds > setup.start, let out = playout.timestamp(of: picture.source),
                let at = playout.instant(of: picture.source)
            else { continue }
            found.audioToVideo = max(found.audioToVideo, abs((picture.out - out).milliseconds))
            found.audioToVideoSent = max(found.audioToVideoSent, abs((picture.due - at).milliseconds))
        }
    }
}
