import Sluice

/// The voice that goes to a caller: 160 bytes of µ-law each 20 ms, however the audio comes, and marks that tell when
/// they were played. Pure: bytes and `now` in, frames and the next wake-up out.
///
/// Frames lie on a grid that begins with the first one of an utterance. A lane that was held up sends what is due; a
/// source that had nothing begins a new grid.
struct PacedVoice {
    enum Item: Equatable {
        /// Always 160 bytes.
        case frame([UInt8])
        case mark(String)
    }

    static let frameBytes = 160
    static let frame = Interval.milliseconds(20)
    /// A source that gives nothing for so long has ended its utterance.
    static let patience = Interval.milliseconds(60)
    /// Frames from one mark to the next.
    static let markEvery = 50
    /// Marks whose answers are waited for.
    static let mostMarks = 64
    /// A lane that was held up longer does not send what was due.
    static let longestCatchUp = Interval.milliseconds(200)
    private static let silence: UInt8 = 0xff

    private struct Mark {
        let name: String
        /// Frames before it.
        let frames: Int
    }

    private var bytes: [UInt8] = []
    private var due: Instant?
    /// Since when the frame that is due cannot be made.
    private var drySince: Instant?
    private var isEnding = false
    /// The next frame begins a grid.
    private var isFresh = true
    private var framesSinceMark = 0
    private var markNumber = 0
    private var marks: [Mark] = []
    /// Frames that have gone out.
    private(set) var sent = 0
    /// Frames that were played, by the last mark that came back.
    private(set) var played = 0
    /// How late the last frame was.
    private(set) var lateness = Interval.zero

    /// Audio is wanted before the next frame can be made.
    var wantsBytes: Bool { bytes.count < PacedVoice.frameBytes && !isEnding }
    /// Nothing is left to send.
    var isEmpty: Bool { bytes.isEmpty && framesSinceMark == 0 }
    /// All that was sent has been played, or was cleared, as far as marks tell.
    var isPlayed: Bool { isEmpty && marks.isEmpty }

    /// When `next` may have something; nil where only audio helps.
    var wake: Instant? {
        if bytes.count >= PacedVoice.frameBytes || isEnding && !bytes.isEmpty { return due }
        guard !isEmpty, let drySince else { return isEmpty ? nil : due }
        return drySince + PacedVoice.patience
    }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// The utterance is over: what is left of it goes out with silence behind it.
    mutating func endUtterance() { isEnding = !isEmpty }

    /// The next one to go out now.
    mutating func next(now: Instant) -> Item? {
        if let due, due > now { return nil }
        if let drySince, now - drySince >= PacedVoice.patience { isEnding = true }
        if bytes.count < PacedVoice.frameBytes {
            guard isEnding else {
                if !isEmpty, drySince == nil { drySince = now }
                return nil
            }
            guard !bytes.isEmpty else { return endMark() }
            bytes += [UInt8](repeating: PacedVoice.silence, count: PacedVoice.frameBytes - bytes.count)
        } else if framesSinceMark >= PacedVoice.markEvery {
            return mark()
        }
        return .frame(takeFrame(now))
    }

    private mutating func takeFrame(_ now: Instant) -> [UInt8] {
        let frame = Array(bytes.prefix(PacedVoice.frameBytes))
        bytes.removeFirst(PacedVoice.frameBytes)
        var time = due ?? now
        if isFresh || drySince != nil || now - time > PacedVoice.longestCatchUp { time = now }
        (lateness, isFresh) = (now - time, false)
        (due, drySince) = (time + PacedVoice.frame, nil)
        sent += 1
        framesSinceMark += 1
        return frame
    }

    /// Behind an utterance. The next one begins whenever it comes.
    private mutating func endMark() -> Item? {
        (isEnding, drySince, isFresh) = (false, nil, true)
        guard framesSinceMark > 0 else { return nil }
        return mark()
    }

    private mutating func mark() -> Item {
        framesSinceMark = 0
        markNumber += 1
        let mark = Mark(name: "sluice-\(markNumber)", frames: sent)
        marks.append(mark)
        if marks.count > PacedVoice.mostMarks { marks.removeFirst() }
        return .mark(mark.name)
    }

    /// A mark has come back. True where it tells that more was played than was known.
    mutating func returned(_ name: String) -> Bool {
        guard let index = marks.firstIndex(where: { $0.name == name }) else { return false }
        let frames = marks[index].frames
        marks.removeFirst(index + 1)
        guard frames > played else { return false }
        played = frames
        return true
    }

    /// An interruption: nothing of what waits goes out, and marks that are under way tell of nothing played.
    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        (isEnding, framesSinceMark, drySince, isFresh) = (false, 0, nil, true)
        marks.removeAll()
    }
}
