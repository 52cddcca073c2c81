import Sluice

/// Finds out whether the pictures of a stream begin where the reader thinks they do.
///
/// A raw stream has no marks. But a live writer sends a picture and then rests, so what comes between two rests is a
/// picture. If that has the expected size and the rests lie within what the reader takes for a picture, the stream was
/// cut once and can be taken up at the next rest. If it has another size, width, height or pixel format are wrong.
///
/// Pure: bytes and times in, a verdict out.
struct RawAlignment {
    enum Verdict: Equatable {
        case unknown
        /// A picture begins here: what is held of the one before is to be dropped.
        case beginsHere
        /// The writer sends so many bytes at a time, which is not a picture's size.
        case otherSize(Int)
    }

    /// So many equal rests are no chance: in a row, and for another size more of them than other ones. On a busy
    /// machine some rests are too short or too long to be seen.
    static let proof = 8

    private let pictureBytes: Int
    private let period: Interval
    private var hasWaited = false
    private var isSpoilt = true
    private var burst = 0
    private var burstBegan = Instant(nanoseconds: 0)
    private var lastByte = Instant(nanoseconds: 0)
    /// Where in a picture the last rest was.
    private var lastPosition = -1
    private var shifted = 0
    /// How often pictures of `otherSize` came, less how often something else did.
    private var misfit = 0
    private var otherSize = 0

    init(pictureBytes: Int, period: Interval) {
        self.pictureBytes = pictureBytes
        self.period = period
    }

    /// Bytes came.
    mutating func note(_ count: Int, at now: Instant) {
        if burst == 0 { burstBegan = now }
        burst += count
        lastByte = now
        hasWaited = false
    }

    /// Nothing was there to be read.
    mutating func wait() { hasWaited = true }

    /// The reader did not read for a while: what the writer did meanwhile is not known. Pictures of another size stay
    /// counted: a stream of them seems late, and its reader may look away again and again.
    mutating func lookAway() {
        isSpoilt = true
        hasWaited = false
        shifted = 0
    }

    /// Another writer comes.
    mutating func begin() {
        lookAway()
        misfit = 0
    }

    /// Before bytes are read that the reader has waited for; `position` bytes of a picture are held.
    mutating func resume(at now: Instant, position: Int) -> Verdict {
        guard hasWaited, burst > 0, (now - lastByte) * 2 > period else { return .unknown }
        let (size, length) = (burst, now - burstBegan)
        let (isKnown, before) = (!isSpoilt, lastPosition)
        burst = 0
        isSpoilt = false
        lastPosition = position
        guard isKnown else { return .unknown }
        shifted = size == pictureBytes && position != 0 && position == before ? shifted + 1 : 0
        let isPictureTime = length * 2 > period && length * 2 < period * 3
        let isOther = size < pictureBytes || size % pictureBytes != 0
        if misfit == 0 { otherSize = size }
        misfit = isOther && size == otherSize && isPictureTime ? misfit + 1 : max(0, misfit - 1)
        if shifted >= RawAlignment.proof {
            shifted = 0
            lastPosition = 0
            return .beginsHere
        }
        if misfit >= RawAlignment.proof {
            misfit = 0
            return .otherSize(size)
        }
        return .unknown
    }
}
