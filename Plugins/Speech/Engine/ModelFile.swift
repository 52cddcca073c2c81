/// Looks at a file that is said to be a Whisper model of ggml, before whisper.cpp does: that one trusts every number in
/// it. Pure.
///
/// The file has a number by which it is known, 11 sizes, the mel filters, the vocabulary, and then tensors up to its
/// end: models/convert-pt-to-ggml.py of whisper.cpp writes it.
struct ModelFile: Equatable {
    enum Fault: Error, Equatable {
        /// Another kind of file.
        case other(String)
        /// It ends too early.
        case cut(at: Int64, String)
        case damaged(at: Int64, String)

        var words: String {
            switch self {
            case .other(let what): "it is no Whisper model of ggml: \(what)"
            case .cut(let at, let what): "it is cut short, after \(at) bytes: \(what)"
            case .damaged(let at, let what): "it is damaged at byte \(at): \(what)"
            }
        }
    }

    private(set) var audioLayers = 0
    private(set) var textLayers = 0
    private(set) var words = 0
    private(set) var tensors = 0

    /// English alone has one word less.
    var isMultilingual: Bool { words >= 51_865 }

    /// Bytes of a block of numbers and how many it has, by ggml's number of the type.
    private static let types: [Int32: (bytes: Int64, numbers: Int64)] = [
        0: (4, 1), 1: (2, 1), 2: (18, 32), 3: (20, 32), 6: (22, 32), 7: (24, 32), 8: (34, 32), 10: (84, 256),
        11: (110, 256), 12: (144, 256), 13: (176, 256), 14: (210, 256), 30: (2, 1),
    ]
    private static let magic: UInt32 = 0x6767_6d6c
    /// Sizes of width that Whisper has, from tiny to large.
    private static let widths: Set<Int32> = [384, 512, 768, 1_024, 1_280]
    private static let layerCounts: Set<Int32> = [4, 6, 12, 24, 32]

    /// `read` gives the bytes at an offset, so many or fewer where the file ends.
    init(ofFileOf size: Int64, _ read: @escaping (_ offset: Int64, _ count: Int) -> [UInt8]) throws(Fault) {
        var reader = Reader(size: size, read: read)
        guard try reader.number("the kind of file") == Int32(bitPattern: ModelFile.magic) else {
            throw .other("it does not begin with \"lmgg\"")
        }
        var sizes: [Int32] = []
        for _ in 0..<11 { sizes.append(try reader.number("the sizes")) }
        let (vocabulary, width, heads, mels) = (sizes[0], sizes[2], sizes[3], sizes[9])
        guard 51_864...51_866 ~= vocabulary, sizes[1] == 1_500, ModelFile.widths.contains(width), heads == width / 64,
            ModelFile.layerCounts.contains(sizes[4]), sizes[5] == 448, sizes[6] == width, sizes[7] == heads,
            1...32 ~= sizes[8], mels == 80 || mels == 128, 0...5_000 ~= sizes[10]
        else { throw .other("its sizes are none of Whisper's: \(sizes.map(String.init).joined(separator: " "))") }
        (audioLayers, textLayers) = (Int(sizes[4]), Int(sizes[8]))

        let (filters, bins) = (try reader.number("the filters"), try reader.number("the filters"))
        guard filters == mels, bins == 201 else {
            throw .damaged(at: reader.at, "\(filters) filters of \(bins) numbers")
        }
        try reader.skip(Int64(filters) * Int64(bins) * 4, "the filters")

        let count = try reader.number("the vocabulary")
        guard 0...vocabulary ~= count else { throw .damaged(at: reader.at, "\(count) words of \(vocabulary)") }
        for _ in 0..<count {
            let length = try reader.number("the vocabulary")
            guard 0...4_096 ~= length else { throw .damaged(at: reader.at, "a word of \(length) bytes") }
            try reader.skip(Int64(length), "the vocabulary")
        }
        words = Int(vocabulary)
        while !reader.isOver {
            try skipTensor(&reader)
            tensors += 1
        }
        let wanted = 11 + 15 * audioLayers + 24 * textLayers
        guard tensors >= wanted else { throw .cut(at: reader.at, "\(tensors) of \(wanted) tensors are there") }
        guard tensors == wanted else { throw .damaged(at: reader.at, "\(tensors) tensors, not \(wanted)") }
    }

    private func skipTensor(_ reader: inout Reader) throws(Fault) {
        let part = "tensor \(tensors + 1)"
        let (rank, length, kind) = (
            try reader.number(part), try reader.number(part), try reader.number(part)
        )
        guard 1...3 ~= rank, 1...256 ~= length, let type = ModelFile.types[kind] else {
            throw .damaged(at: reader.at, "a tensor of \(rank) sides, type \(kind), with a name of \(length) bytes")
        }
        var numbers: Int64 = 1
        for _ in 0..<rank {
            let side = try reader.number(part)
            guard 1...1 << 20 ~= side, numbers <= 1 << 32 else { throw .damaged(at: reader.at, "a side of \(side)") }
            numbers *= Int64(side)
        }
        guard numbers < 1 << 31, numbers % type.numbers == 0 else {
            throw .damaged(at: reader.at, "a tensor of \(numbers) numbers")
        }
        try reader.skip(Int64(length) + numbers / type.numbers * type.bytes, part)
    }

    private struct Reader {
        let size: Int64
        let read: (Int64, Int) -> [UInt8]
        var at: Int64 = 0
        /// Read ahead: the vocabulary has 50,000 short words.
        private var window: [UInt8] = []
        private var windowStart: Int64 = 0
        var isOver: Bool { at >= size }

        init(size: Int64, read: @escaping (Int64, Int) -> [UInt8]) { (self.size, self.read) = (size, read) }

        mutating func number(_ part: String) throws(Fault) -> Int32 {
            if at < windowStart || at + 4 > windowStart + Int64(window.count) {
                (window, windowStart) = (read(at, 65_536), at)
            }
            guard window.count >= 4, at + 4 <= min(size, windowStart + Int64(window.count)) else {
                throw .cut(at: size, "it ends within \(part)")
            }
            defer { at += 4 }
            let first = Int(at - windowStart)
            return Int32(bitPattern: window[first..<first + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }

        mutating func skip(_ count: Int64, _ part: String) throws(Fault) {
            guard count <= size - at else { throw .cut(at: size, "it ends within \(part)") }
            at += count
        }
    }
}
