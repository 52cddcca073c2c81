/// A header extension by its name, the URI that session descriptions give it (RFC 8285).
public struct HeaderExtension: Hashable, Sendable {
    /// As `a=extmap` writes it.
    public var uri: String
    /// An extension by its URI.
    public init(_ uri: String) { self.uri = uri }

    /// The `a=mid` of the medium that a packet belongs to (RFC 9143, section 15).
    public static let mediaID = HeaderExtension("urn:ietf:params:rtp-hdrext:sdes:mid")
    /// Which encoding of a simulcast stream (RFC 8852).
    public static let streamID = HeaderExtension("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id")
    /// Which encoding a packet repairs (RFC 8852).
    public static let repairedStreamID = HeaderExtension("urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")
    /// RFC 6464.
    public static let audioLevel = HeaderExtension("urn:ietf:params:rtp-hdrext:ssrc-audio-level")
    /// When a packet left, 24 bits (webrtc.org, "Absolute Send Time").
    public static let absoluteSendTime = HeaderExtension("http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time")
    /// When media were captured, as the sender's NTP time (webrtc.org, "Absolute Capture Time").
    public static let absoluteCaptureTime = HeaderExtension(
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time")
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01, section 2.
    public static let transportSequence = HeaderExtension(
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")
    /// The least and the greatest delay that the sender wishes (webrtc.org, "Playout Delay").
    public static let playoutDelay = HeaderExtension("http://www.webrtc.org/experiments/rtp-hdrext/playout-delay")
    /// 3GPP TS 26.114, section 7.4.5.
    public static let videoOrientation = HeaderExtension("urn:3gpp:video-orientation")
}

/// The numbers that a session description gives to header extensions: its `a=extmap` lines.
public struct ExtensionMap: Equatable, Sendable {
    /// One `a=extmap` line.
    public struct Entry: Equatable, Sendable {
        /// 1 to 14 in the short form, to 255 in the long one.
        public var id: UInt8
        /// The extension's URI.
        public var name: HeaderExtension
        /// `sendonly`, `recvonly`, … from the describing side; nil where both send it.
        public var direction: String?

        /// `id` is from 1 to 255.
        public init(_ id: UInt8, _ name: HeaderExtension, direction: String? = nil) {
            (self.id, self.name, self.direction) = (id, name, direction)
        }
    }

    /// In the order of the lines; each number and each name once.
    public private(set) var entries: [Entry] = []

    /// Numbers and names must not repeat.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// Of the lines that can be read; the first of a number or a name counts. Numbers beyond 255 are offers to choose
    /// from (RFC 8285, section 7) and stand in no packet.
    public init(_ attributes: [SessionDescription.Attribute]) {
        for value in attributes.values(of: "extmap") {
            let words = value.split(separator: " ")
            let sides = words.first?.split(separator: "/", maxSplits: 1) ?? []
            guard words.count >= 2, let id = sides.first.flatMap({ UInt8($0) }), id > 0 else { continue }
            let name = HeaderExtension(String(words[1]))
            guard self.id(of: name) == nil, self.name(of: id) == nil else { continue }
            entries.append(Entry(id, name, direction: sides.count == 2 ? String(sides[1]) : nil))
        }
    }

    /// The number that stands in packets; nil where the description gives none.
    public func id(of name: HeaderExtension) -> UInt8? { entries.first { $0.name == name }?.id }
    /// nil where the description does not give the number.
    public func name(of id: UInt8) -> HeaderExtension? { entries.first { $0.id == id }?.name }

    /// The lines of a session description.
    public var attributes: [SessionDescription.Attribute] {
        entries.map { entry in
            .init("extmap", "\(entry.id)\(entry.direction.map { "/\($0)" } ?? "") \(entry.name.uri)")
        }
    }
}
