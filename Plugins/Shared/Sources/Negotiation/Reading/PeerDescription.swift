import RTP

/// An offer or an answer of the other side (RFC 8866, as RFC 8829 uses it), read.
///
///     let offer = try PeerDescription(text)
///     let video = offer.sections.first { $0.kind == .video }
///
/// A section of a group has the transport of the group's tagged section, and one without lines of its own that of the
/// whole description.
public struct PeerDescription: Equatable, Sendable {
    /// In order.
    public var sections: [PeerSection]
    /// Media ids of each `a=group:BUNDLE` line, in order (RFC 8843).
    public var groups: [[String]]
    /// The peer answers checks and makes none.
    public var isLite: Bool
    /// Header extensions of both forms may lie in one stream (RFC 8285, section 6).
    public var mixesExtensions: Bool

    /// Throws for text that is no description, that is too large, or whose ids and groups make no sense.
    public init(_ text: String) throws(NegotiationFault) {
        let description = try PeerDescription.parse(text)
        let session = try TransportDescription(description.attributes)
        sections = description.media.enumerated().map { PeerSection($1, $0, of: description.attributes) }
        groups = description.attributes.values(of: "group").compactMap { value in
            let words = value.split(separator: " ")
            return words.first == "BUNDLE" && words.count > 1 ? words.dropFirst().map(String.init) : nil
        }
        isLite = session.isLite
        mixesExtensions =
            description.attributes.contains("extmap-allow-mixed")
            || description.media.contains { $0.attributes.contains("extmap-allow-mixed") }
        let places = try PeerDescription.places(of: sections)
        try PeerDescription.check(groups, places)
        for (index, media) in description.media.enumerated() {
            sections[index].transport = try TransportDescription(media.attributes).filled(from: session)
        }
        for group in groups {
            let members = group.compactMap { places[$0] }.filter { !sections[$0].isRejected }
            guard let tagged = members.first else { continue }
            for member in members.dropFirst() {
                sections[member].transport = sections[tagged].transport.filled(from: sections[member].transport)
            }
        }
    }

    private static func parse(_ text: String) throws(NegotiationFault) -> SessionDescription {
        let size = text.utf8.count
        guard size <= SessionDescription.largest else {
            throw NegotiationFault(
                .malformed, "the description has \(size) bytes, and \(SessionDescription.largest) are the most",
                advice: "Describe fewer media.")
        }
        try checkCharacters(text)
        do throws(SessionDescription.Fault) { return try SessionDescription(parsing: text) } catch {
            throw NegotiationFault(
                .malformed, "line \(error.line) of the description cannot be read: \(error.what)",
                advice: "Send the text of the description as the browser made it.")
        }
    }

    /// None but those that end lines, and tabs: what is quoted in a sentence must not steer a terminal.
    static func checkCharacters(_ text: String) throws(NegotiationFault) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09, 0x0a, 0x0d: break
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069:
                throw NegotiationFault(
                    .malformed, "the description has the control character \(scalar.value)",
                    advice: "Send the text of the description as the browser made it.")
            default: break
            }
        }
    }

    /// The section of each media id.
    private static func places(of sections: [PeerSection]) throws(NegotiationFault) -> [String: Int] {
        var places: [String: Int] = [:]
        for section in sections {
            guard let mid = section.mid else { continue }
            guard isToken(mid) else { throw .line("mid", "is not 1 to 255 letters, digits and signs") }
            guard places.updateValue(section.index, forKey: mid) == nil else {
                throw .line("mid", "gives \(mid.prefix(32)) to two sections")
            }
        }
        return places
    }

    private static func check(_ groups: [[String]], _ places: [String: Int]) throws(NegotiationFault) {
        var seen = Set<String>()
        for mid in groups.joined() {
            guard places[mid] != nil else {
                throw .line("group", "names \(mid.prefix(32)), which is the a=mid of no section")
            }
            guard seen.insert(mid).inserted else { throw .line("group", "names \(mid.prefix(32)) twice") }
        }
    }

    /// RFC 8866, section 9: `token`.
    static func isToken(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x30...0x39, 0x41...0x5a, 0x5e...0x7e: true
                default: false
                }
            }
    }
}
