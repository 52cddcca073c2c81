import HTTP

/// An answer that goes on, of one connection: chunks, or bytes up to the connection's end where the client is of
/// HTTP/1.0. On the service's thread.
final class StreamedAnswer {
    /// The connection ends behind it.
    let closes: Bool
    /// Its last byte has been given out.
    private(set) var isOver = false
    private let pieces: HTTPStream.Pieces
    private let isChunked: Bool
    private let desk: Desk
    private var isCounted = true

    init(_ pieces: HTTPStream.Pieces, to head: RequestHead, desk: Desk) {
        (self.pieces, self.desk, closes, isChunked) = (pieces, desk, head.closes, head.isCurrent)
        desk.count(\.streams)
    }

    /// The head, and the body so far.
    func begin(_ response: HTTPResponse, date: String) -> [UInt8] {
        let head = ResponseWriter.bytes(
            response, date: date, omitsBody: false, closes: closes, length: isChunked ? .chunks : .end)
        return response.body.isEmpty ? head : head + shaped(response.body)
    }

    /// The next bytes to write; nil where none wait.
    func next() -> [UInt8]? {
        guard !isOver else { return nil }
        switch pieces.take() {
        case .piece(let bytes): return shaped(bytes)
        case .nothing: return nil
        case .over:
            close()
            return isChunked ? ResponseWriter.chunk([]) : nil
        }
    }

    /// More waits than may: the other end does not read.
    var isStuck: Bool {
        guard !isOver, pieces.isStuck else { return false }
        desk.count(\.streamsStuck)
        close()
        return true
    }

    /// Nobody reads it any more.
    func close() {
        isOver = true
        pieces.close()
        if isCounted { desk.count(\.streams, -1) }
        isCounted = false
    }

    private func shaped(_ bytes: [UInt8]) -> [UInt8] { isChunked ? ResponseWriter.chunk(bytes) : bytes }
}
