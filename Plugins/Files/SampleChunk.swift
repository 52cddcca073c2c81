/// How long the samples of a WAV (Microsoft's RIFF), W64 (Sony's) or CAF (Apple's) file are by its header. libavformat
/// takes what is there instead, so that a file that was cut looks whole. Pure.
struct SampleChunk: Equatable {
    /// Bytes by the header.
    let told: Int64
    /// Bytes up to the file's end, at most `told`.
    let there: Int64

    /// Writers differ by a few bytes in what they count.
    private static let slack: Int64 = 64
    /// A writer into a pipe does not know the length and gives one near this, or near its double.
    private static let endless: Int64 = 0x7fff_0000
    private static let mostChunks = 1_000

    var isCut: Bool { told - there > SampleChunk.slack }

    /// nil for other files, and where the header does not tell. `read` gives the bytes at an offset, so many or fewer.
    init?(ofFileOf size: Int64, _ read: (_ offset: Int64, _ count: Int) -> [UInt8]) {
        let start = read(0, 12)
        let kind: Kind
        switch Array(start.prefix(4)) {
        case Array("RIFF".utf8) where start.dropFirst(8).elementsEqual("WAVE".utf8): kind = .wav
        case Array("riff".utf8): kind = .w64
        case Array("caff".utf8): kind = .caf
        default: return nil
        }
        var at = kind.firstChunk
        for _ in 0..<SampleChunk.mostChunks {
            let header = read(at, kind.headerSize)
            guard header.count == kind.headerSize, let length = kind.length(header), length >= 0 else { return nil }
            let data = at + Int64(kind.headerSize)
            if header.prefix(4).elementsEqual("data".utf8) {
                guard length > 0, length < SampleChunk.endless || kind != .wav else { return nil }
                (told, there) = (length, max(0, min(length, size - data)))
                return
            }
            let (next, isOver) = data.addingReportingOverflow(kind.padded(length))
            guard !isOver, next > at, next < size else { return nil }
            at = next
        }
        return nil
    }

    private enum Kind {
        case wav, w64, caf

        var firstChunk: Int64 {
            switch self {
            case .wav: 12
            case .w64: 40
            case .caf: 8
            }
        }
        var headerSize: Int {
            switch self {
            case .wav: 8
            case .w64: 24
            case .caf: 12
            }
        }

        /// Bytes behind the header of a chunk; nil where it cannot be.
        func length(_ header: [UInt8]) -> Int64? {
            switch self {
            case .wav: return Int64(header[4..<8].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            // With the header itself.
            case .w64:
                let whole = Int64(bitPattern: header[16..<24].reversed().reduce(0) { $0 << 8 | UInt64($1) })
                return whole < 24 ? nil : whole - 24
            // −1 is unknown.
            case .caf: return Int64(bitPattern: header[4..<12].reduce(0) { $0 << 8 | UInt64($1) })
            }
        }

        func padded(_ length: Int64) -> Int64 {
            switch self {
            case .wav: length + length % 2
            case .w64: length > .max - 8 ? length : (length + 7) / 8 * 8
            case .caf: length
            }
        }
    }
}
