import Sluice

/// Gives times to those pictures of an elementary stream that have none of their own: a transport stream has to say one
/// each 0.7 s only (ISO/IEC 13818-1, 2.7.4).
///
/// Between two that are said, decoding times are evenly spread. Behind the last one they go on by the same step.
/// Pictures for which there is no step yet wait for the next time that is said. The rate that the stream states counts
/// where none comes: it may be wrong. When pictures are shown is told by their numbers in the order of display, counted
/// from a picture whose time is said.
struct PictureTimes {
    /// The place of a picture, as the stream states it.
    struct Picture {
        /// Said times; `pts` is nil where `dts` is.
        var dts: MediaTime?
        var pts: MediaTime?
        /// In the order of display; begins anew with some keyframes.
        var number: Int
        /// By so much numbers rise from picture to picture.
        var unit: Int
        /// How long a picture lasts by the stream's own rate; nil where it states none.
        var nominal: MediaTime?
        var isKeyframe: Bool
        /// Something before it is missing.
        var hasGap: Bool
    }

    /// Pictures that could not be given a time.
    private(set) var lost = 0
    private var held: [(packet: Packet, picture: Picture)] = []
    private var step: MediaTime?
    /// The decoding time of the last picture that came out.
    private var last: MediaTime?
    /// The last decoding time that was said, and the pictures since; nil behind a gap.
    private var said: (dts: MediaTime, count: Int64)?
    /// A picture whose time of display is said, in the present run of numbers.
    private var anchor: (pts: MediaTime, number: Int)?
    private var highest = Int.min
    /// How much later than a picture with which numbers begin anew is decoded the picture number 0 is shown.
    private var lead = MediaTime.zero

    /// More than 0.7 s of pictures at 120 a second.
    private static let mostHeld = 96

    /// Hands on what has its times now, in order.
    mutating func take(_ packet: Packet, _ picture: Picture, _ body: (Packet) -> Void) {
        if picture.hasGap { said = nil }
        said?.count += 1
        guard let dts = picture.dts else {
            if let step, let last, held.isEmpty { return hand(packet, picture, last + step, nil, body) }
            held.append((packet, picture))
            if held.count >= PictureTimes.mostHeld { giveUpWaiting(body) }
            return
        }
        if let said, said.count > 0 {
            let measured = MediaTime(ticks: (dts - said.dts).ticks / said.count)
            if measured > .zero && measured <= .milliseconds(1_000) { step = measured }
        }
        release(before: dts, step ?? picture.nominal, body)
        said = (dts, 0)
        hand(packet, picture, dts, picture.pts ?? dts, body)
    }

    /// No more come: those that wait go by the stream's rate.
    mutating func finish(_ body: (Packet) -> Void) { giveUpWaiting(body) }

    private mutating func giveUpWaiting(_ body: (Packet) -> Void) {
        step = step ?? held.last?.picture.nominal
        for (packet, picture) in held {
            guard let last, let step else {
                lost += 1
                continue
            }
            hand(packet, picture, last + step, nil, body)
        }
        held.removeAll(keepingCapacity: true)
    }

    /// Those that wait come before a picture that is decoded at `dts`.
    private mutating func release(before dts: MediaTime, _ step: MediaTime?, _ body: (Packet) -> Void) {
        guard let step else {
            lost += held.count
            held = []
            return
        }
        for (index, entry) in held.enumerated() {
            let time = dts - step * Int64(held.count - index)
            hand(entry.packet, entry.picture, last.map { max($0, time) } ?? time, nil, body)
        }
        held.removeAll(keepingCapacity: true)
    }

    private mutating func hand(
        _ packet: Packet, _ picture: Picture, _ dts: MediaTime, _ pts: MediaTime?, _ body: (Packet) -> Void
    ) {
        let begins = picture.isKeyframe && picture.number <= highest
        if begins || highest == .min { (highest, anchor) = (picture.number, nil) }
        highest = max(highest, picture.number)
        if let pts {
            if anchor == nil && picture.isKeyframe { lead = pts - dts - distance(0, picture) }
            anchor = (pts, picture.number)
        } else if anchor == nil {
            // The first of its run: shown as much later as others were.
            anchor = (dts + lead, 0)
        }
        packet.header.dts = dts
        packet.header.pts = pts ?? shown(picture) ?? dts
        if packet.header.pts < dts && pts == nil { packet.header.pts = dts }
        last = dts
        body(packet)
    }

    private func shown(_ picture: Picture) -> MediaTime? {
        guard let anchor, step ?? picture.nominal != nil else { return nil }
        return anchor.pts + distance(anchor.number, picture)
    }

    /// The time from the picture of a number to this one in the order of display.
    private func distance(_ number: Int, _ picture: Picture) -> MediaTime {
        guard let step = step ?? picture.nominal, picture.unit > 0 else { return .zero }
        let (count, overflow) = picture.number.subtractingReportingOverflow(number)
        guard !overflow, count.magnitude < 100_000 else { return .zero }
        return MediaTime(ticks: step.ticks / Int64(picture.unit) * Int64(count))
    }
}
