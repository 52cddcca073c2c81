import RTP

/// News of a transport alone, `application/trickle-ice-sdpfrag` (RFC 8840, section 9): candidates that were found since
/// the description, or new credentials. WHIP and WHEP carry it in PATCH (RFC 9725, section 4.3).
public struct TransportFragment: Equatable, Sendable {
    /// The medium that candidates belong to.
    public struct Part: Equatable, Sendable {
        /// Of `a=mid`; nil where there is none.
        public var mid: String?
        /// `audio`, `video`, …
        public var name: String
        /// `candidate:…`, in order.
        public var candidates: [String]
        /// No candidate follows.
        public var hasEnded: Bool

        /// Of the section `mid`, whose `m=` line begins with `name`.
        public init(mid: String?, name: String = "audio", candidates: [String], hasEnded: Bool = false) {
            (self.mid, self.name, self.candidates, self.hasEnded) = (mid, name, candidates, hasEnded)
        }
    }

    /// Of `a=ice-ufrag`. In news of candidates that of the description that they belong to; nil where no line says it.
    public var fragment: String?
    /// Of `a=ice-pwd`; nil where no line says it.
    public var password: String?
    /// The side answers checks and makes none.
    public var isLite = false
    /// The side said so in its description: candidates may follow (RFC 8838).
    public var trickles = false
    /// No candidate follows for any medium.
    public var hasEnded = false
    /// In order.
    public var parts: [Part] = []

    /// The media type of its text.
    public static let mediaType = "application/trickle-ice-sdpfrag"
    /// Bytes of a text at most.
    public static let largest = 1 << 16

    /// With the credentials that candidates belong to.
    public init(
        fragment: String?, password: String?, isLite: Bool = false, trickles: Bool = false, parts: [Part] = []
    ) {
        (self.fragment, self.password, self.isLite, self.parts) = (fragment, password, isLite, parts)
        self.trickles = trickles
    }

    /// All candidates, whatever their medium: in a group they are for one transport.
    public var candidates: [String] { parts.flatMap(\.candidates) }

    /// No candidate follows.
    public var isComplete: Bool { hasEnded || !parts.isEmpty && parts.allSatisfy(\.hasEnded) }

    /// The fragment has new credentials: ICE starts again (RFC 9725, section 4.3.3).
    public func restartsICE(_ transport: TransportDescription) -> Bool {
        guard let fragment, password != nil else { return false }
        return fragment != transport.fragment
    }
}

extension TransportFragment {
    /// Reads a text. Throws where it is too large, where a line is broken, or where credentials differ from medium to
    /// medium.
    public init(_ text: String) throws(NegotiationFault) {
        let size = text.utf8.count
        guard size <= TransportFragment.largest else {
            throw NegotiationFault(
                .malformed, "the fragment has \(size) bytes, and \(TransportFragment.largest) are the most",
                advice: "Send fewer candidates at once.")
        }
        try PeerDescription.checkCharacters(text)
        self.init(fragment: nil, password: nil)
        var count = 0
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("m=") {
                parts.append(Part(mid: nil, name: String(line.dropFirst(2).prefix { $0 != " " }), candidates: []))
                guard parts.count <= SessionDescription.mostMedia else {
                    throw TransportFragment.fault("it has more than \(SessionDescription.mostMedia) media")
                }
            } else if line.hasPrefix("a=") {
                try take(line.dropFirst(2), &count)
            } else if line.utf8.dropFirst().first != UInt8(ascii: "=") {
                throw TransportFragment.fault("a line is a letter, = and a value, not \"\(line.prefix(40))\"")
            }
        }
        guard fragment != nil || !parts.isEmpty || hasEnded else {
            throw TransportFragment.fault("it has neither credentials nor candidates")
        }
    }

    private static func fault(_ what: String) -> NegotiationFault {
        NegotiationFault(
            .malformed, "the fragment cannot be read: \(what)", advice: "Send one as RFC 8840, section 9, shows it.")
    }

    private mutating func take(_ line: Substring, _ count: inout Int) throws(NegotiationFault) {
        let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = sides.count == 2 ? String(sides[1]) : ""
        let last = parts.indices.last
        switch sides[0] {
        case "ice-ufrag":
            guard TransportDescription.isCredential(value, 4...256) else {
                throw .line("ice-ufrag", "is not 4 to 256 letters, digits, + and /")
            }
            guard fragment ?? value == value else { throw .line("ice-ufrag", "differs from medium to medium") }
            fragment = value
        case "ice-pwd":
            guard TransportDescription.isCredential(value, 22...256) else {
                throw .line("ice-pwd", "is not 22 to 256 letters, digits, + and /")
            }
            guard password ?? value == value else { throw .line("ice-pwd", "differs from medium to medium") }
            password = value
        case "ice-lite": isLite = true
        case "ice-options": trickles = trickles || value.split(separator: " ").contains("trickle")
        case "mid":
            guard let last, PeerDescription.isToken(value) else {
                throw .line("mid", "is not 1 to 255 letters, digits and signs behind an m= line")
            }
            parts[last].mid = value
        case "candidate":
            count += 1
            guard count <= TransportDescription.mostCandidates else {
                throw TransportFragment.fault("it has more than \(TransportDescription.mostCandidates) candidates")
            }
            // Some send them without an m= line.
            if last == nil { parts.append(Part(mid: nil, candidates: [])) }
            parts[parts.count - 1].candidates.append("candidate:" + value)
        case "end-of-candidates":
            if let last { parts[last].hasEnded = true } else { hasEnded = true }
        default: break
        }
    }
}

extension TransportFragment {
    /// The text, lines ended as the RFC wants them.
    public var text: String {
        var lines: [String] = []
        if isLite { lines.append("a=ice-lite") }
        if trickles { lines.append("a=ice-options:trickle") }
        let mids = parts.compactMap(\.mid)
        if mids.count > 1 { lines.append("a=group:BUNDLE " + mids.joined(separator: " ")) }
        if let fragment { lines.append("a=ice-ufrag:\(fragment)") }
        if let password { lines.append("a=ice-pwd:\(password)") }
        if hasEnded { lines.append("a=end-of-candidates") }
        for part in parts {
            lines.append("m=\(part.name) 9 UDP/TLS/RTP/SAVPF 0")
            if let mid = part.mid { lines.append("a=mid:\(mid)") }
            lines += part.candidates.map { $0.hasPrefix("candidate:") ? "a=" + $0 : "a=candidate:" + $0 }
            if part.hasEnded { lines.append("a=end-of-candidates") }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }
}

extension TransportFragment: CustomStringConvertible, CustomReflectable {
    /// The user fragment and how many candidates, so that no log has the password.
    public var description: String { "fragment \(fragment ?? "without credentials"), \(candidates.count) candidates" }
    /// The same.
    public var customMirror: Mirror { Mirror(self, children: ["fragment": fragment as Any, "parts": parts]) }
}
