import CSys

extension MediaItem {
    /// Bytes aligned to 64 with 64 zero bytes behind them: libavcodec reads over the end of its input.
    ///
    /// Either owned memory or foreign memory that hangs on an `owner` (an AVFrame, a GPU mapping), released with it.
    public final class Buffer: @unchecked Sendable {
        /// Bytes.
        public static let alignment = 64
        /// Bytes behind `capacity`, zero when the buffer is made.
        public static let padding = 64

        /// The first byte.
        public let bytes: UnsafeMutableRawPointer
        /// Bytes that may be written, without the padding.
        public let capacity: Int
        private let owner: AnyObject?

        /// Bytes. A picture of that size goes through memory once in each node. The cost there is above all that of
        /// finding its pages. On a virtual machine encoding 720p takes 5 % less CPU from pages of 2 MiB than from those
        /// of 4 KiB.
        private static let large = 1 << 20
        private static let page = 2 << 20

        /// Memory of its own for `capacity` bytes, their contents undefined. From 1 MiB on it asks for huge pages.
        public init(capacity: Int) {
            self.capacity = capacity
            owner = nil
            let size = capacity + Buffer.padding
            if size < Buffer.large {
                bytes = .allocate(byteCount: size, alignment: Buffer.alignment)
            } else {
                let whole = (size + Buffer.page - 1) / Buffer.page * Buffer.page
                bytes = .allocate(byteCount: whole, alignment: Buffer.page)
                sys_advise_huge_pages(bytes, whole)
            }
            (bytes + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: Buffer.padding)
        }

        /// Memory that lives as long as `owner`.
        public init(foreign bytes: UnsafeMutableRawPointer, capacity: Int, owner: AnyObject) {
            self.bytes = bytes
            self.capacity = capacity
            self.owner = owner
        }

        deinit { if owner == nil { bytes.deallocate() } }
    }
}
