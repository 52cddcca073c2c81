/// The items that a node has sent onto a full edge: a batch of an encoder, an item of many outputs. They go out before
/// the node is called again, first in, first out.
///
/// Bounded, so that a node that forgets `hasRoom` fails with a sentence before it has eaten the memory.
struct Spill {
    private var items: ContiguousArray<MediaItem?> = []
    private var first = 0
    private(set) var bytes = 0

    /// Items that wait at most.
    static let itemLimit = 1_000
    /// Bytes that wait at most, unless it is one item: what a decoder of 4K pictures with 32 threads holds back.
    static let byteLimit = 512 << 20

    var count: Int { items.count - first }
    var isEmpty: Bool { count == 0 }

    /// False where no more may wait; then the item is gone.
    mutating func add(_ item: MediaItem) -> Bool {
        guard count < Spill.itemLimit, isEmpty || bytes + item.byteCount <= Spill.byteLimit else { return false }
        items.append(item)
        bytes += item.byteCount
        return true
    }

    mutating func take() -> MediaItem? {
        guard first < items.count, let item = items[first].take() else { return nil }
        bytes -= item.byteCount
        first += 1
        if first == items.count {
            items.removeAll(keepingCapacity: items.capacity <= 64)
            first = 0
        }
        return item
    }
}
