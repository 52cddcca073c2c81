import Sluice

/// The chunks of a call in the order of their numbers. One that is missing is waited for, then silence stands in its
/// place. Pure: chunks and `now` in, pieces and the next wake-up out.
///
/// The numbers tell the order and the timestamps the length of what is missing, where they agree with each other.
struct ChunkOrder {
    /// Audio that follows the piece before.
    struct Piece: Equatable {
        var bytes: [UInt8]
        /// Samples since the first chunk.
        var position: Int64
        /// It does not follow: a longer hole is before it.
        var isNew = false
    }

    struct Counts: Equatable {
        /// Chunks that came behind a later one, and were put in their place.
        var reordered = 0
        /// Chunks that did not come.
        var missing = 0
        /// Chunks that came twice, or when their place was taken.
        var late = 0
        /// Samples of silence in the place of audio.
        var silence = 0
    }

    /// Chunks that may wait for one before them.
    static let most = 64
    /// A longer hole is none that silence fills: the time goes on, and the piece behind it is marked.
    static let longestSilence: Int64 = 16_000
    /// A longer step of the timestamps is none to believe.
    private static let longestHole: Int64 = 8_000 * 3_600
    /// Numbers that step further are counted anew.
    private static let furthest = 1_500
    /// So many late ones in a row are numbers that begin anew.
    private static let mostLate = 50
    /// Timestamps that are off by less say nothing: they are rounded, and their clock is another.
    private static let tolerance: Int64 = 800
    private static let silence: UInt8 = 0xff

    private let patience: Interval
    private(set) var counts = Counts()
    private var expected: Int?
    private var highest = 0
    private var held: [Int: (media: CallMedia, arrival: Instant)] = [:]
    private var lateInRow = 0
    private var lastLength: Int64 = 160
    /// Samples so far.
    private var end: Int64 = 0
    /// The timestamp of sample 0, in samples.
    private var origin: Int64?
    private var isNew = true

    /// `patience` is the longest wait for a missing chunk.
    init(patience: Interval) { self.patience = patience }

    /// When `next` has something that it has not now.
    var wake: Instant? { held.values.map(\.arrival).min().map { $0 + patience } }

    mutating func take(_ media: CallMedia, now: Instant) -> [Piece] {
        var pieces: [Piece] = []
        let number = media.chunk ?? max(expected ?? 1, highest + 1)
        // Streams begin with 1; one that begins far from it has begun before.
        let wanted = expected ?? (number <= 16 ? min(1, number) : number)
        expected = wanted
        if number < wanted || held[number] != nil {
            counts.late += 1
            lateInRow += 1
            guard lateInRow >= ChunkOrder.mostLate else { return pieces }
            flush(&pieces)
            begin(at: number)
        } else if number - wanted > ChunkOrder.furthest {
            flush(&pieces)
            begin(at: number)
        }
        lateInRow = 0
        if number < highest { counts.reordered += 1 }
        highest = max(highest, number)
        held[number] = (media, now)
        release(now, &pieces)
        return pieces
    }

    /// Waits no longer than `patience`.
    mutating func advance(now: Instant) -> [Piece] {
        var pieces: [Piece] = []
        release(now, &pieces)
        return pieces
    }

    /// Nothing follows.
    mutating func finish() -> [Piece] {
        var pieces: [Piece] = []
        flush(&pieces)
        return pieces
    }

    private mutating func begin(at number: Int) {
        (expected, highest, origin, isNew) = (number, number, nil, true)
    }

    private mutating func flush(_ pieces: inout [Piece]) {
        while let first = held.keys.min() { hand(first, &pieces) }
    }

    private mutating func release(_ now: Instant, _ pieces: inout [Piece]) {
        while let next = expected, !held.isEmpty {
            if held[next] != nil {
                hand(next, &pieces)
            } else if let wake, now >= wake || held.count > ChunkOrder.most, let first = held.keys.min() {
                hand(first, &pieces)
            } else {
                return
            }
        }
    }

    private mutating func hand(_ number: Int, _ pieces: inout [Piece]) {
        guard let media = held.removeValue(forKey: number)?.media else { return }
        let missing = max(0, number - (expected ?? number))
        counts.missing += missing
        expected = number + 1
        fill(hole(before: media, missing: Int64(missing)), &pieces)
        pieces.append(Piece(bytes: media.bytes, position: end, isNew: isNew))
        isNew = false
        lastLength = Int64(media.bytes.count)
        end += lastLength
    }

    /// Samples that are missing before it.
    private mutating func hole(before media: CallMedia, missing: Int64) -> Int64 {
        let counted = missing * lastLength
        guard let stamp = media.timestamp.map({ Int64($0) * 8 }) else { return counted }
        guard let origin else {
            self.origin = stamp - end - counted
            return counted
        }
        let told = stamp - origin - end
        let isNear = abs(told - counted) < ChunkOrder.tolerance
        if isNear { return missing > 0 ? max(0, told) : 0 }
        // Chunks that follow each other may leave time out; times that run backwards, or far away, mean nothing.
        let isBelieved = told > counted && told <= ChunkOrder.longestHole
        let hole = isBelieved ? told : counted
        self.origin = stamp - end - hole
        return hole
    }

    private mutating func fill(_ count: Int64, _ pieces: inout [Piece]) {
        guard count > 0 else { return }
        guard count <= ChunkOrder.longestSilence else {
            end += count
            isNew = true
            return
        }
        counts.silence += Int(count)
        var left = count
        while left > 0 {
            let length = min(left, 160)
            let bytes = [UInt8](repeating: ChunkOrder.silence, count: Int(length))
            pieces.append(Piece(bytes: bytes, position: end, isNew: isNew))
            isNew = false
            end += length
            left -= length
        }
    }
}
