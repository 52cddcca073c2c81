extension ICECandidate {
    /// Characters that a line has at most; the longest of a browser has less than 300.
    public static let longestLine = 1_024

    /// Reads a line with or without `a=` and `candidate:` before it. nil where it is no candidate; words behind those
    /// that are known are passed over.
    public init?(line: some StringProtocol) {
        guard line.utf8.count <= ICECandidate.longestLine else { return nil }
        var text = Substring(line)
        for prefix in ["a=", "candidate:"] where text.hasPrefix(prefix) { text = text.dropFirst(prefix.count) }
        let words = text.split { $0 == " " || $0 == "\t" || $0.isNewline }
        guard words.count >= 8, words[6] == "typ", words.count % 2 == 0 else { return nil }
        guard ICECandidate.isFoundation(words[0]), let component = ICECandidate.number(words[1], 256), component > 0,
            let priority = ICECandidate.number(words[3], Int(UInt32.max)),
            let port = ICECandidate.number(words[5], Int(UInt16.max)), words[4].utf8.count <= 255,
            let kind = Kind(rawValue: words[7].lowercased())
        else { return nil }
        // Names of attributes are words in pairs with their values: raddr, rport, tcptype and others.
        let pairs = stride(from: 8, to: words.count, by: 2).map { (words[$0], words[$0 + 1]) }
        func value(_ name: String) -> String? { pairs.first { $0.0 == name }.map { String($0.1) } }
        switch words[2].lowercased() {
        case "udp": transport = .udp
        case "tcp":
            guard let type = value("tcptype").flatMap({ Transport(rawValue: $0.lowercased()) }), type != .udp else {
                return nil
            }
            transport = type
        default: return nil
        }
        if let told = value("ufrag") {
            guard ICECredentials.isFragment(told) else { return nil }
            fragment = told
        }
        foundation = String(words[0])
        host = String(words[4])
        self.component = component
        self.priority = UInt32(priority)
        self.port = UInt16(port)
        self.kind = kind
    }

    /// The line without `a=` and its end: `candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host`.
    public var line: String {
        let isTCP = transport != .udp
        var text = "candidate:\(foundation) \(component) \(isTCP ? "tcp" : "udp") \(priority) \(host) \(port)"
        text += " typ \(kind.rawValue)"
        // A reflexive or relayed one tells its base (RFC 8839, section 5.1), which is kept to ourselves.
        if kind != .host { text += host.contains(":") ? " raddr :: rport 9" : " raddr 0.0.0.0 rport 9" }
        if isTCP { text += " tcptype \(transport.rawValue)" }
        if let fragment { text += " ufrag \(fragment)" }
        return text
    }

    private static func isFoundation(_ text: Substring) -> Bool {
        (1...32).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                // Old ones have other characters of tokens in it.
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Digits alone, up to `most`.
    private static func number(_ text: Substring, _ most: Int) -> Int? {
        guard text.utf8.count <= 10, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text),
            value <= most
        else { return nil }
        return value
    }
}
