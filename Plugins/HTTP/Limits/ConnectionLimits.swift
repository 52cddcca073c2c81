/// Connections that are open, in all and by address: one more is refused before it has any state. Pure.
struct ConnectionLimits {
    let most: Int
    let mostOfOne: Int
    private(set) var open = 0
    private var byGroup: [[UInt8]: Int] = [:]

    init(most: Int, mostOfOne: Int) { (self.most, self.mostOfOne) = (most, mostOfOne) }

    /// False where it is one too many.
    mutating func admit(_ group: [UInt8]) -> Bool {
        guard open < most, byGroup[group, default: 0] < mostOfOne else { return false }
        open += 1
        byGroup[group, default: 0] += 1
        return true
    }

    mutating func release(_ group: [UInt8]) {
        open -= 1
        let left = byGroup[group, default: 1] - 1
        byGroup[group] = left > 0 ? left : nil
    }
}
