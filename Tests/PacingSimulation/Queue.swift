/// First in, first out, without moving what is held.
public struct Queue<Element> {
    private var elements: [Element] = []
    private var head = 0

    public init() {}

    public var count: Int { elements.count - head }
    public var first: Element? { head < elements.count ? elements[head] : nil }

    public mutating func push(_ element: Element) { elements.append(element) }

    public mutating func pop() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head > 1_024, head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
