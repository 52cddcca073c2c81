/// The rate that the link carried when it was overused, in bits a second: a mean that forgets, and how far it varies
/// (draft-ietf-rmcat-gcc-02, section 5.5). Within three deviations of it the rate rises carefully.
struct LinkCapacity: Sendable {
    private(set) var bitsPerSecond: Double?
    /// Of the mean's square, in kb/s as libwebrtc has it.
    private var variance = 0.4

    private static let weight = 0.05

    private var spread: Double {
        guard let bitsPerSecond else { return 0 }
        return 3 * (variance * bitsPerSecond / 1_000).squareRoot() * 1_000
    }

    /// Above: the link has more than was known.
    func isBelow(_ rate: Double) -> Bool { bitsPerSecond.map { rate > $0 + spread } ?? false }
    /// Below: the link has less.
    func isAbove(_ rate: Double) -> Bool { bitsPerSecond.map { rate < $0 - spread } ?? false }

    mutating func note(_ rate: Double) {
        guard let mean = bitsPerSecond else {
            bitsPerSecond = rate
            return
        }
        let next = mean + LinkCapacity.weight * (rate - mean)
        let off = (next - rate) / 1_000
        variance = (1 - LinkCapacity.weight) * variance + LinkCapacity.weight * off * off / max(next / 1_000, 1)
        variance = min(max(variance, 0.4), 2.5)
        bitsPerSecond = next
    }

    mutating func forget() { self = LinkCapacity() }
}
