/// Bytes aligned to 64 with 64 zero bytes behind them: libavcodec reads over the end of its input.
///
/// Either owned memory or foreign memory that hangs on an `owner` (an AVFrame, a GPU mapping), released with it.
public final class MediaBuffer: @unchecked Sendable {
    public static let alignment = 64
    public static let padding = 64

    public let bytes: UnsafeMutableRawPointer
    public let capacity: Int
    private let owner: AnyObject?

    public init(capacity: Int) {
        self.capacity = capacity
        owner = nil
        bytes = .allocate(byteCount: capacity + MediaBuffer.padding, alignment: MediaBuffer.alignment)
        (bytes + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: MediaBuffer.padding)
    }

    /// Memory that lives as long as `owner`.
    public init(foreign bytes: UnsafeMutableRawPointer, capacity: Int, owner: AnyObject) {
        self.bytes = bytes
        self.capacity = capacity
        self.owner = owner
    }

    deinit { if owner == nil { bytes.deallocate() } }
}
