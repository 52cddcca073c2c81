import Glibc
import Sluice

/// Writes the frames of an output to its writer, each whole: what a frame could not get rid of goes out before the next
/// is taken, so a slow reader holds the edge and not the lane.
struct RawFrameWriter {
    private let writer: RawWriter
    private let context: NodeContext
    private var item: MediaItem?
    private var position = 0
    private var size = 0
    private var format: MediaFormat?
    private var saidGivenUp = false
    /// Nobody has read since the last frame went out.
    private var isUnread = false
    /// A reader has begun with the last frame.
    private var hasBegun = false
    private let bytes: Metric.Counter
    private let lost: Metric.Counter

    init(_ writer: RawWriter, _ context: NodeContext) {
        self.writer = writer
        self.context = context
        bytes = context.counter("bytes")
        lost = context.counter("lost_frames")
    }

    /// `next` takes a frame from the input, and is told whether a reader has begun since the last one; `size` tells its
    /// bytes in the stream, and `memory` where they are from a byte on.
    mutating func process(
        now: Instant, next: (_ isAnew: Bool) -> MediaItem?, size sizeOf: (MediaItem) -> Int,
        memory: (MediaItem, Int) -> UnsafeBufferPointer<iovec>
    ) throws {
        while let item = item ?? next(hasBegun) {
            if self.item == nil { try begin(item, sizeOf(item)) }
            hasBegun = false
            if context.isStopping, !writer.isOpen {
                giveUp()
                continue
            }
            while position < size {
                switch try writer.write(memory(item, position), now: now) {
                case .bytes(let count):
                    position += count
                    bytes.add(count)
                    if isUnread { (isUnread, hasBegun) = (false, true) }
                case .wait:
                    if !writer.isOpen { isUnread = true }
                    return
                case .gone:
                    isUnread = true
                    lost.add()
                    position = size
                }
            }
            self.item = nil
        }
    }

    /// True when nothing waits to go out. A file to which nothing was written is empty then.
    func finish() throws -> Bool {
        guard item == nil else { return false }
        try writer.begin()
        try writer.conclude()
        return true
    }

    func close() { writer.close() }

    private mutating func begin(_ new: MediaItem, _ bytes: Int) throws {
        item = new
        position = 0
        size = bytes
        guard format !== new.format else { return }
        if let format, format != new.format {
            throw NodeError(
                "the format changed from \(format) to \(new.format), which a raw stream cannot tell its reader",
                advice: "Put a converter before it that holds the format.")
        }
        if format == nil { context.log(.info, "writes \(new.format) to \(writer.name)") }
        format = new.format
    }

    /// The graph stops and nobody ever read: there is nobody to drain to.
    private mutating func giveUp() {
        if !saidGivenUp { context.log(.warning, "nobody reads \(writer.name); what is left is dropped") }
        saidGivenUp = true
        lost.add()
        item = nil
    }
}
