/// The bounds of an edge; it is full when one of them is reached.
public struct EdgeCapacity: Hashable, Sendable {
    public var items: Int
    /// Of media.
    public var milliseconds: Int
    /// Of payload.
    public var bytes: Int

    public init(items: Int, milliseconds: Int, bytes: Int = EdgeCapacity.standardBytes) {
        self.items = items
        self.milliseconds = milliseconds
        self.bytes = bytes
    }

    /// 256 MiB: 16 raw pictures of 3840×2160 in 4:2:0 are 199 MB.
    public static let standardBytes = 256 << 20

    public static let standard = EdgeCapacity(items: 16, milliseconds: 500)
}

/// The policy of a full edge.
public enum Overflow: String, Sendable, CaseIterable {
    case block
    case dropOldest = "drop-oldest"
    case dropNewest = "drop-newest"
    case dropToKeyframe = "drop-to-keyframe"
}

/// The policy of an edge for items older than its session's epoch.
public enum EpochPolicy: String, Sendable, CaseIterable { case flush, keep }
