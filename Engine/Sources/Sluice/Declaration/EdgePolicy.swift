/// An edge's bounds, and its behaviour when they are reached or its session's epoch rises.
public enum EdgePolicy {
    /// The bounds of an edge; it is full when one of them is reached.
    public struct Capacity: Hashable, Sendable {
        /// Items that wait, at least 1.
        public var items: Int
        /// Of media.
        public var milliseconds: Int
        /// Of payload.
        public var bytes: Int

        /// Bounds in items, in ms of media and in bytes of payload.
        public init(items: Int, milliseconds: Int, bytes: Int = Capacity.standardBytes) {
            self.items = items
            self.milliseconds = milliseconds
            self.bytes = bytes
        }

        /// 256 MiB: 16 raw pictures of 3840×2160 in 4:2:0 are 199 MB.
        public static let standardBytes = 256 << 20

        /// 16 items, 500 ms, 256 MiB: what an edge has unless the graph or a port says otherwise.
        public static let standard = Capacity(items: 16, milliseconds: 500)

        /// 3 MiB, two pictures of 1280×720 in 4:2:0: a producer that is quicker than its consumer stays so close before
        /// it that a picture is still in the processor's cache when the consumer reads it, and its memory when it is
        /// written again. An empty edge takes a picture of any size.
        static let pictures = Capacity(items: 16, milliseconds: 500, bytes: 3 << 20)
    }

    /// The policy of a full edge.
    public enum Overflow: String, Sendable, CaseIterable {
        /// The sender waits.
        case block
        /// The item that has waited longest goes.
        case dropOldest = "drop-oldest"
        /// The item that comes goes.
        case dropNewest = "drop-newest"
        /// Everything before a keyframe that waits goes. Where none waits, all goes and a keyframe is asked for.
        case dropToKeyframe = "drop-to-keyframe"
    }

    /// The policy of an edge for items older than its session's epoch.
    public enum Epoch: String, Sendable, CaseIterable { case flush, keep }
}
