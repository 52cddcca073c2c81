/// A queue that keeps the newest elements: one that comes when it is full takes the place of the oldest.
struct Newest<Element: Sendable>: Sendable {
    private var elements: [Element?] = []
    /// Of the oldest one in `elements`.
    private var first = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { elements.count - first }
    var all: [Element] { elements[first...].compactMap { $0 } }

    /// Returns the element that had to go.
    @discardableResult
    mutating func add(_ element: Element) -> Element? {
        elements.append(element)
        return count > capacity ? popFirst() : nil
    }

    mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        defer {
            elements[first] = nil
            first += 1
            // As many moves as there were pops since the last time.
            if first > capacity {
                elements.removeFirst(first)
                first = 0
            }
        }
        return elements[first]
    }

    mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        first = 0
    }
}
