/// Both bounds of an edge; it is full when either is reached.
public struct EdgeCapacity: Hashable, Sendable {
    public var items: Int
    public var milliseconds: Int

    public init(items: Int, milliseconds: Int) {
        self.items = items
        self.milliseconds = milliseconds
    }

    public static let standard = EdgeCapacity(items: 16, milliseconds: 500)
}

/// What a full edge does.
public enum Overflow: String, Sendable, CaseIterable {
    case block
    case dropOldest = "drop-oldest"
    case dropNewest = "drop-newest"
    case dropToKeyframe = "drop-to-keyframe"
}

/// What an edge does with items older than its session's epoch.
public enum EpochPolicy: String, Sendable, CaseIterable { case flush, keep }
