import Bitstream
@_spi(Host) import Sluice

/// The streams of a capture: what came when, by its time in the capture and its RTP timestamp.
///
/// A stream is an SSRC from one address to another. Its clock rate is not in the packets, so it is the usual one that
/// fits best: a clock is off by less than 10 %, and the usual ones differ by more. Drift is how much later a packet
/// came than the first one by its timestamp; depth is what a player that began with the first packet then holds: the
/// media that have come less the time that has passed.
struct RTPTiming {
    static let clocks = [8_000.0, 12_000, 16_000, 24_000, 44_100, 48_000, 90_000]
    /// Fewer packets in order are no stream but bytes that look like RTP.
    private static let fewest = 10

    private struct Key: Hashable {
        let ssrc: UInt32
        let source, target: String
    }

    private struct Packet {
        /// Seconds since the first packet of all.
        var time: Double
        var timestamp: Int64
        var sequence: Int64
    }

    private struct Track {
        var payloadType: UInt8
        var packets: [Packet] = []
        var bytes = 0
        // Both numbers wrap; each is taken as the nearest to the last one's.
        var timestamps = Unwrapper<UInt32>(followsLatest: true)
        var sequences = Unwrapper<UInt16>(followsLatest: true)
    }

    private var tracks: [Key: Track] = [:]
    private var order: [Key] = []
    /// µs.
    private var began: Int64?

    /// `time` in µs.
    mutating func note(_ packet: CapturedPacket, at time: Int64) {
        let began = began ?? time
        self.began = began
        let key = Key(ssrc: packet.header.ssrc, source: packet.source, target: packet.target)
        if tracks[key] == nil { order.append(key) }
        var track = tracks.removeValue(forKey: key) ?? Track(payloadType: packet.header.payloadType)
        track.packets.append(
            Packet(
                time: Double(time &- began) / 1e6, timestamp: track.timestamps.unwrap(packet.header.timestamp),
                sequence: track.sequences.unwrap(packet.header.sequence)))
        track.bytes += packet.count
        tracks[key] = track
    }

    /// `clock` in Hz is given, or guessed for each stream.
    func streams(clock: Double?) -> [TimingStream] {
        order.compactMap { key in
            guard let track = tracks[key], isStream(track.packets) else { return nil }
            return stream(key, track, clock: clock)
        }
    }

    /// Most packets follow the one before.
    private func isStream(_ packets: [Packet]) -> Bool {
        guard packets.count >= RTPTiming.fewest else { return false }
        let near = zip(packets, packets.dropFirst()).filter { abs($1.sequence - $0.sequence) <= 16 }.count
        return near * 2 >= packets.count
    }

    private func stream(_ key: Key, _ track: Track, clock given: Double?) -> TimingStream {
        let packets = track.packets
        let clock = given ?? RTPTiming.clock(of: packets.map { ($0.time, Double($0.timestamp)) })
        var stream = TimingStream(
            name: "\(key.source) to \(key.target), SSRC \(hex(key.ssrc)), payload type \(track.payloadType)")
        let gaps = zip(packets, packets.dropFirst()).map { ($1.time, ($1.time - $0.time) * 1_000) }
        let duration = (packets.last?.time ?? 0) - (packets.first?.time ?? 0)
        stream.figures = [
            ("packets", "\(packets.count)"), ("lost", "\(RTPTiming.lost(packets.map(\.sequence)))"),
            ("out of order", "\(zip(packets, packets.dropFirst()).filter { $1.sequence < $0.sequence }.count)"),
            ("duration", "\(decimal(duration, places: 3)) s"),
            ("bitrate", "\(decimal(duration > 0 ? Double(track.bytes) * 8 / 1_000 / duration : 0, places: 1)) kb/s"),
            ("gap p50, p99, max", three(quantiles(gaps.map(\.1), [0.5, 0.99, 1]))),
        ]
        stream.lines = [TimingStream.Line("gap", gaps)]
        guard let clock, let first = packets.first else {
            stream.figures.append(("clock", "unknown: its timestamps fit no usual rate; give it with --clock-rate"))
            return stream
        }
        let media = packets.map { Double($0.timestamp - first.timestamp) / clock }
        let late = zip(packets, media).map { ($0.time, ($0.time - first.time - $1) * 1_000) }
        let slope = RTPTiming.slope(zip(packets, media).map { ($1, $0.time - first.time - $1) })
        let depths = late.map { ($0.0, -$0.1) }
        stream.figures += [
            ("clock", "\(decimal(clock, places: 0)) Hz\(given == nil ? ", guessed" : "")"),
            ("drift", "\(decimal(slope * 1e6, places: 0)) ppm"),
            ("late p50, p99, max", three(quantiles(late.map(\.1), [0.5, 0.99, 1]))),
            ("depth min, p50, max", three(quantiles(depths.map(\.1), [0, 0.5, 1]))),
        ]
        stream.lines += [TimingStream.Line("drift", late), TimingStream.Line("depth", depths)]
        return stream
    }

    private func three(_ values: [Double]) -> String {
        values.map { decimal($0, places: 2) }.joined(separator: ", ") + " ms"
    }

    private func hex(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Numbers between the least and the most that never came.
    static func lost(_ sequence: [Int64]) -> Int {
        guard let least = sequence.min(), let most = sequence.max() else { return 0 }
        return max(0, Int(most - least) + 1 - Set(sequence).count)
    }

    /// The usual rate that the timestamps' slope over time comes nearest to; nil where it is off by 10 % or more.
    static func clock(of points: [(time: Double, timestamp: Double)]) -> Double? {
        guard let origin = points.first else { return nil }
        let rate = slope(points.map { ($0.time - origin.time, $0.timestamp - origin.timestamp) })
        let nearest = clocks.min { abs($0 - rate) < abs($1 - rate) }
        return nearest.flatMap { abs($0 - rate) < $0 / 10 ? $0 : nil }
    }

    /// Of the least-squares line; 0 where all points have one x.
    static func slope(_ points: [(x: Double, y: Double)]) -> Double {
        guard !points.isEmpty else { return 0 }
        let count = Double(points.count)
        let meanX = points.reduce(0) { $0 + $1.x } / count
        let meanY = points.reduce(0) { $0 + $1.y } / count
        let spread = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        guard spread > 0 else { return 0 }
        return points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / spread
    }
}
