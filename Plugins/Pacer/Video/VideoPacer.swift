import Pacing
import Sluice

/// Sends coded pictures at their time, on the clock of the source's audio where the graph names it. The packets of one
/// decoding time (one packet, or the slices of a picture) are released evenly over the picture's interval.
final class VideoPacer: PacedMedia {
    private let ends: PacerEnds
    private let reporter: PacerReporter
    private let audio: SharedPlayout?
    private var pacing: VideoPacing
    private var spread: VideoSpread
    private var pool = Pool<Packet>()
    /// Packets of the picture that is leaving, those that have left first.
    private var leaving: [Packet] = []
    private var left = 0
    private var place: VideoPacing.Place?
    private var epoch: UInt32
    private var lastDropped = 0
    /// A picture whose place is known waits at the head of the input.
    private var isPlaced = false
    private var lastDuration = Interval.milliseconds(40)

    init(_ ends: PacerEnds, target: Interval, spread: VideoSpread, audio: SharedPlayout?) {
        self.ends = ends
        self.spread = spread
        self.audio = audio
        reporter = ends.reporter
        pacing = VideoPacing(target: target)
        epoch = ends.context.epoch
    }

    func process(now: Instant) throws {
        let current = ends.context.epoch
        if current != epoch {
            // The picture that was placed is gone; one that was begun is finished.
            epoch = current
            isPlaced = false
        }
        _ = move(now)
    }

    func finish(now: Instant) throws -> Bool { move(now) }

    /// True when nothing is left and nothing more comes.
    private func move(_ now: Instant) -> Bool {
        while true {
            guard release(now) else { return false }
            guard ends.output.hasRoom, let head = ends.input.peek() else {
                return ends.output.hasRoom && ends.input.isEnded
            }
            let first = unsafeDowncast(head, to: Packet.self)
            guard first.count > 0 else {
                reporter.noteEmpty()
                guard ends.input.next() != nil else { return false }
                continue
            }
            if !isPlaced { placeVideo(first, now) }
            if let later = look(now) {
                ends.context.wake(at: later)
                return false
            }
            guard begin(first.header, now) else { return false }
        }
    }

    private func placeVideo(_ first: Packet, _ now: Instant) {
        let header = first.header
        if header.duration.isKnown, header.duration > .zero { lastDuration = Interval(header.duration) }
        let dropped = ends.input.dropped
        let placed = pacing.place(
            pts: header.pts, dts: header.dts, duration: min(lastDuration, .seconds(1)), arrival: ends.input.arrival,
            audio: audio?.read(), isAnew: header.flags.contains(.discontinuity) || dropped != lastDropped)
        if let step = placed.jump { reporter.noteJump(by: step, what: "pictures go on at their arrival", now: now) }
        lastDropped = dropped
        place = placed
        isPlaced = true
    }

    /// When to look at the placed picture again; nil if it goes now. Audio may have moved since it was placed.
    private func look(_ now: Instant) -> Instant? {
        guard let playout = audio?.read() else { return place!.due > now ? place!.due : nil }
        if let again = pacing.place(again: playout) { place = again }
        // The next frame of dry audio says whether something has come with this picture, also the one that is due now.
        if playout.isDry, now < playout.at + VideoPacer.patience {
            let told = max(playout.at, now) + VideoPacer.retry
            return place!.due > now ? min(place!.due, told) : playout.at <= now ? told : nil
        }
        // Audio whose time jumps may call it sooner.
        return place!.due > now ? min(place!.due, now + lastDuration + VideoPacing.shortest) : nil
    }

    private static let retry = Interval.milliseconds(1)
    private static let patience = Interval.milliseconds(3)

    /// Takes all of the picture that is there. False if the budget is used up before its first packet.
    private func begin(_ header: MediaItem.Header, _ now: Instant) -> Bool {
        leaving.removeAll(keepingCapacity: true)
        left = 0
        var bytes = 0
        while ends.output.hasRoom, ends.input.depth > 0, let head = ends.input.peek(),
            leaving.isEmpty || isSamePicture(head.header, header), let item = ends.input.next()
        {
            guard item.byteCount > 0 else {
                reporter.noteEmpty()
                continue
            }
            leaving.append(unsafeDowncast(item, to: Packet.self))
            bytes += item.byteCount
        }
        guard !leaving.isEmpty else { return false }
        isPlaced = false
        spread.begin(at: max(place!.due, now - lastDuration), interval: lastDuration, bytes: bytes)
        reporter.noteSent(
            late: now - place!.due, frame: lastDuration, dropped: ends.input.dropped,
            depth: Int(ends.input.depthTime.milliseconds), now: now)
        reporter.noteClock(pacing.clock, now: now)
        return true
    }

    private func isSamePicture(_ a: MediaItem.Header, _ b: MediaItem.Header) -> Bool {
        let (first, second) = (a.dts.isKnown ? a.dts : a.pts, b.dts.isKnown ? b.dts : b.pts)
        return first.isKnown && first == second && a.epoch == b.epoch
    }

    /// Sends what is due of the picture under way; true when all of it has left.
    private func release(_ now: Instant) -> Bool {
        while left < leaving.count {
            guard ends.output.hasRoom else { return false }
            guard spread.due <= now else {
                ends.context.wake(at: spread.due)
                return false
            }
            let packet = leaving[left]
            spread.note(bytes: packet.byteCount)
            left += 1
            ends.output.send(stamped(packet))
        }
        if !leaving.isEmpty {
            leaving.removeAll(keepingCapacity: true)
            left = 0
        }
        return true
    }

    /// The packet with the timestamps of this clock; itself where they are its own.
    private func stamped(_ packet: Packet) -> Packet {
        guard let place, packet.header.pts != place.pts || packet.header.dts != place.dts else { return packet }
        let out = pool.take(packet.format, count: packet.count)
        out.mutableBytes.copyMemory(from: packet.bytes)
        out.header = packet.header
        out.header.pts = place.pts
        out.header.dts = place.dts
        return out
    }
}
