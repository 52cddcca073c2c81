/// Members in the order in which they came. Each comes and goes in the same time, however many there are.
struct Roster<Member: AnyObject>: Sequence {
    private var slots: ContiguousArray<Member?> = []
    private var places: [ObjectIdentifier: Int] = [:]

    init() {}

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }

    func contains(_ member: Member) -> Bool { places[ObjectIdentifier(member)] != nil }

    mutating func add(_ member: Member) {
        guard places[ObjectIdentifier(member)] == nil else { return }
        places[ObjectIdentifier(member)] = slots.count
        slots.append(member)
    }

    /// False if it was not there.
    @discardableResult
    mutating func remove(_ member: Member) -> Bool {
        guard let place = places.removeValue(forKey: ObjectIdentifier(member)) else { return false }
        slots[place] = nil
        if slots.count > 16 && places.count * 2 < slots.count { closeGaps() }
        return true
    }

    private mutating func closeGaps() {
        slots.removeAll { $0 == nil }
        for (place, member) in slots.enumerated() { if let member { places[ObjectIdentifier(member)] = place } }
    }

    var underestimatedCount: Int { count }

    struct Iterator: IteratorProtocol {
        fileprivate var rest: IndexingIterator<ContiguousArray<Member?>>

        mutating func next() -> Member? {
            while let slot = rest.next() { if let slot { return slot } }
            return nil
        }
    }

    func makeIterator() -> Iterator { Iterator(rest: slots.makeIterator()) }
}
