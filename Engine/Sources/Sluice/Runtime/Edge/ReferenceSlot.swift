/// Turns an owned reference into a word and back by moving it through one place in memory: neither direction touches
/// the reference count, which `Unmanaged` does twice each way.
@frozen
@usableFromInline
struct ReferenceSlot: ~Copyable {
    @usableFromInline let place: UnsafeMutablePointer<MediaItem>

    @usableFromInline
    init() { place = .allocate(capacity: 1) }

    deinit { place.deallocate() }

    /// The caller owns what the word stands for.
    @inlinable @inline(__always)
    func word(of item: consuming MediaItem) -> Int {
        place.initialize(to: item)
        return UnsafeRawPointer(place).load(as: Int.self)
    }

    /// The word's ownership passes to the reference.
    @inlinable @inline(__always)
    func reference(_ word: Int) -> MediaItem {
        UnsafeMutableRawPointer(place).storeBytes(of: word, as: Int.self)
        return place.move()
    }
}
