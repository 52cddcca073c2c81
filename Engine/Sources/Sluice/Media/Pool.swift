/// Reuses items that nobody else holds any more, so that a steady stream allocates nothing.
///
/// The pool keeps a strong reference to each item and hands out those that are uniquely referenced: a Swift object
/// cannot give itself back from `deinit`. It grows, counted, rather than blocks. One lane only.
public struct Pool<Item: MediaItem> {
    private var items: [Item] = []
    private var cursor = 0
    /// How many items were ever made.
    public private(set) var grown = 0
    /// Free items looked at before a new one is made.
    private static var search: Int { 64 }
    /// Items that are looked at first.
    private static var favourites: Int { 4 }

    /// An empty pool: memory is taken when an item is.
    public init() {}

    /// An item that only the caller and the pool hold: a free one after `reuse`, else a new one from `make`. While few
    /// are under way the same few are handed out again and again, whose memory is still in the cache.
    public mutating func take(reuse: (Item) -> Void, make: () -> Item) -> Item {
        #if WITHOUT_REUSE
            // For the thread sanitizer, which does not see in the Swift runtime that others have let an item go.
            grown += 1
            return make()
        #else
            return takeFree(reuse) ?? add(make())
        #endif
    }

    private mutating func add(_ item: Item) -> Item {
        grown += 1
        items.insert(item, at: cursor)
        return item
    }

    private mutating func takeFree(_ reuse: (Item) -> Void) -> Item? {
        for index in 0..<min(items.count, Pool.favourites) where isKnownUniquelyReferenced(&items[index]) {
            reuse(items[index])
            return items[index]
        }
        for _ in 0..<min(items.count, Pool.search) {
            cursor = cursor + 1 < items.count ? cursor + 1 : 0
            if isKnownUniquelyReferenced(&items[cursor]) {
                reuse(items[cursor])
                return items[cursor]
            }
        }
        return nil
    }
}

extension Pool where Item == AudioFrame {
    /// A frame for `sampleCount` samples of each channel, its contents undefined, its header empty.
    public mutating func take(_ format: MediaFormat, sampleCount: Int) -> AudioFrame {
        take(reuse: { $0.reset(format: format, sampleCount: sampleCount) }) {
            AudioFrame(format: format, sampleCount: sampleCount)
        }
    }
}

extension Pool where Item == VideoFrame {
    /// A picture of `format`, its contents undefined, its header empty.
    public mutating func take(_ format: MediaFormat) -> VideoFrame {
        take(reuse: { $0.reset(format: format) }) { VideoFrame(format: format) }
    }

    /// A frame over the picture of `frame`, to give it another header. Keep such frames in a pool of their own: those
    /// that are reused for other pictures get memory again.
    public mutating func take(showing frame: VideoFrame) -> VideoFrame {
        take(reuse: { $0.show(frame) }) { VideoFrame(showing: frame) }
    }
}

extension Pool where Item == Packet {
    /// A packet of `count` bytes, their contents undefined, its header empty.
    public mutating func take(_ format: MediaFormat, count: Int) -> Packet {
        take(reuse: { $0.reset(format: format, count: count) }) { Packet(format: format, count: count) }
    }
}
