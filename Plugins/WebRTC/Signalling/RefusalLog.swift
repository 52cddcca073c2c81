/// The hosts that were refused, and why, so that one who asks again and again is a single line in the log. Bounded
/// and pure.
struct RefusalLog {
    /// Hosts that are remembered: the one that was refused first is forgotten.
    static let most = 256

    private var words: [String: String] = [:]
    private var order: [String] = []

    /// True where this is another sentence than the last one for that host. `peer` is `192.0.2.1:50000`: one who asks
    /// again comes from another port.
    mutating func isNew(_ sentence: String, for peer: String) -> Bool {
        let host = RefusalLog.host(of: peer)
        if let last = words[host] {
            words[host] = sentence
            return last != sentence
        }
        if order.count >= RefusalLog.most { words[order.removeFirst()] = nil }
        order.append(host)
        words[host] = sentence
        return true
    }

    /// It was let in: the next refusal is said again.
    mutating func forget(_ peer: String) {
        let host = RefusalLog.host(of: peer)
        guard words.removeValue(forKey: host) != nil else { return }
        order.removeAll { $0 == host }
    }

    private static func host(of peer: String) -> String {
        peer.lastIndex(of: ":").map { String(peer[..<$0]) } ?? peer
    }
}
