import Sluice

/// The fate of segments behind the node that sent them: pure bookkeeping, the time is an argument.
///
/// A segment is opened when it begins. A trace node that meets its first picture finds it by source clock, epoch and
/// time, which encoders keep. Where something between restamps, it finds it by the nearest time within half a second.
struct TraceBook {
    struct Entry {
        let clock: UInt16
        let epoch: UInt32
        /// Media time of its first picture.
        let start: MediaTime
        let label: String
        let sequence: Int
        let enqueued: Instant
        let userFinal: Instant?
        var encoded: Instant?
        var published: Instant?
        var isSent = false
    }

    /// One line of a trace.
    struct Line: Equatable, Sendable {
        let clock: UInt16
        let label: String
        let epoch: UInt32
        let sequence: Int
        let event: String
        let at: Instant
        let userFinal: Instant?
        var values: [Value] = []

        struct Value: Equatable, Sendable {
            let name: String
            let number: Double
        }

        var json: String {
            MessageText.object {
                $0.key("type", "trace")
                $0.key("trace_label", label)
                $0.key("event", event)
                $0.key("turn_seq", Int(epoch))
                $0.key("segment_seq", sequence)
                for value in values { $0.key(value.name, value.number, places: 3) }
                if let userFinal { $0.key("since_user_final_ms", (at - userFinal).milliseconds, places: 3) }
            }
        }
    }

    /// A first picture that a trace node has met.
    struct Sighting {
        let clock: UInt16
        let epoch: UInt32
        let pts: MediaTime
        let captured: Instant
        /// Bits a second of what encoded it; 0 if that is not known.
        let bitrate: Int
    }

    private var entries: [Entry] = []
    private static let most = 64
    private static let nearest = MediaTime.milliseconds(500)

    mutating func open(_ entry: Entry) {
        if entries.count == TraceBook.most { entries.removeFirst() }
        entries.append(entry)
    }

    private func find(_ seen: Sighting, _ isOpen: (Entry) -> Bool) -> Int? {
        func distance(_ index: Int) -> UInt64 { (entries[index].start - seen.pts).ticks.magnitude }
        let fitting = entries.indices.filter {
            entries[$0].clock == seen.clock && entries[$0].epoch == seen.epoch && isOpen(entries[$0])
                && distance($0) <= TraceBook.nearest.ticks.magnitude
        }
        return fitting.min { distance($0) < distance($1) }
    }

    /// It came out of its encoder.
    mutating func encoded(_ seen: Sighting, _ now: Instant) -> [Line] {
        guard let index = find(seen, { $0.encoded == nil }) else { return [] }
        entries[index].encoded = now
        let entry = entries[index]
        return [
            line(
                entry, "encode_started", at: seen.captured,
                [
                    ("queue_ms", (seen.captured - entry.enqueued).milliseconds),
                    ("bitrate_kbps", Double(seen.bitrate) / 1e3),
                ]),
            line(entry, "encode_done", at: now, [("encode_ms", (now - seen.captured).milliseconds)]),
        ]
    }

    /// It is handed to the one who sends it. Where no trace node stands at the encoder, it is encoded just now.
    mutating func published(_ seen: Sighting, _ now: Instant) -> [Line] {
        let before = encoded(seen, now)
        guard let index = find(seen, { $0.encoded != nil && $0.published == nil }) else { return before }
        entries[index].published = now
        let queued = now - (entries[index].encoded ?? now)
        return before + [line(entries[index], "publish_started", at: now, [("queue_ms", queued.milliseconds)])]
    }

    /// The one who sends it has taken it.
    mutating func sent(_ seen: Sighting, _ now: Instant) -> [Line] {
        guard let index = find(seen, { $0.published != nil && !$0.isSent }) else { return [] }
        let entry = entries.remove(at: index)
        let took = now - (entry.published ?? now)
        return [line(entry, "first_video_sent", at: now, [("publish_ms", took.milliseconds)])]
    }

    private func line(_ entry: Entry, _ event: String, at: Instant, _ values: [(String, Double)]) -> Line {
        Line(
            clock: entry.clock, label: entry.label, epoch: entry.epoch, sequence: entry.sequence, event: event, at: at,
            userFinal: entry.userFinal, values: values.map { Line.Value(name: $0.0, number: $0.1) })
    }
}
