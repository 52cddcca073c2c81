/// Reads the body of a request behind its head: so many bytes, or chunks (RFC 9112, section 7.1). Pure and total.
struct BodyReader {
    private enum State: Equatable {
        case length(Int)
        /// The line before a chunk; so many bytes of it are read.
        case size(Int?, digits: Int, line: Int)
        case chunk(Int)
        /// CR LF behind a chunk.
        case chunkEnd(sawReturn: Bool)
        /// Fields behind the last chunk; they are read over.
        case trailer(line: Int, all: Int)
        case done
    }

    private(set) var body: [UInt8] = []
    private let limit: Int
    private var state: State

    /// More than `limit` bytes throw 413.
    init(_ kind: RequestHead.Body, limit: Int) throws {
        self.limit = limit
        switch kind {
        case .none: state = .done
        case .length(let count):
            guard count <= limit else { throw BodyReader.tooLarge(limit) }
            state = .length(count)
        case .chunked: state = .size(nil, digits: 0, line: 0)
        }
    }

    private static func tooLarge(_ limit: Int) -> HTTPFault {
        HTTPFault(413, "The body may have at most \(limit) bytes here.")
    }

    var isDone: Bool { state == .done }

    /// Takes from the front of `bytes` what belongs to the body.
    mutating func take(_ bytes: inout ArraySlice<UInt8>) throws {
        while !isDone, let first = bytes.first {
            switch state {
            case .done: return
            case .length(let rest): state = move(rest, from: &bytes).map { .length($0) } ?? .done
            case .chunk(let rest):
                state = move(rest, from: &bytes).map { .chunk($0) } ?? .chunkEnd(sawReturn: false)
            case .chunkEnd(let sawReturn):
                guard first == (sawReturn ? 0x0a : 0x0d) else {
                    throw HTTPFault(400, "A chunk is longer than it says.")
                }
                bytes.removeFirst()
                state = sawReturn ? .size(nil, digits: 0, line: 0) : .chunkEnd(sawReturn: true)
            case .size(let size, let digits, let line):
                bytes.removeFirst()
                state = try next(size, digits, line, first)
            case .trailer(let line, let all):
                bytes.removeFirst()
                guard all < 4_096 else { throw HTTPFault(431, "The trailer has more than 4096 bytes.") }
                if first == 0x0a {
                    state = line == 0 ? .done : .trailer(line: 0, all: all + 1)
                } else {
                    state = .trailer(line: first == 0x0d ? line : line + 1, all: all + 1)
                }
            }
        }
    }

    /// The bytes of this part that are missing still; nil where none are.
    private mutating func move(_ rest: Int, from bytes: inout ArraySlice<UInt8>) -> Int? {
        let count = min(rest, bytes.count)
        body += bytes.prefix(count)
        bytes = bytes.dropFirst(count)
        return count == rest ? nil : rest - count
    }

    /// One byte of the line before a chunk: digits, then perhaps extensions, which nobody knows.
    private func next(_ size: Int?, _ digits: Int, _ line: Int, _ byte: UInt8) throws -> State {
        guard line < 256 else { throw HTTPFault(400, "The line before a chunk is too long.") }
        if byte == 0x0a {
            guard let size else { throw HTTPFault(400, "A chunk has no size.") }
            guard size > 0 else { return .trailer(line: 0, all: 0) }
            guard size <= limit - body.count else { throw BodyReader.tooLarge(limit) }
            return .chunk(size)
        }
        if digits >= 0, let digit = Character(Unicode.Scalar(byte)).hexDigitValue {
            // Sixteen million bytes: above every limit, and far below an overflow.
            guard digits < 8 else { throw BodyReader.tooLarge(limit) }
            return .size((size ?? 0) * 16 + digit, digits: digits + 1, line: line + 1)
        }
        guard size != nil, [0x0d, 0x20, 0x09, 0x3b].contains(byte) || digits < 0 else {
            throw HTTPFault(400, "A chunk has no size.")
        }
        return .size(size, digits: -1, line: line + 1)
    }
}
