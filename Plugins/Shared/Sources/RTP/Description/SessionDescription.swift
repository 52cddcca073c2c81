/// A session description (SDP, RFC 8866), as far as RTP needs it.
public struct SessionDescription: Equatable, Sendable {
    /// The `s=` line.
    public var name = "Sluice"
    /// Of this description, so that a changed one is told from the first (RFC 8866, section 5.2).
    public var id: UInt64 = 0
    /// Rises with each change of a description that keeps its `id`.
    public var version: UInt64 = 0
    /// Where media go: an address, or a name. nil where only media say.
    public var address: String?
    /// `a=` lines before the media that have no field of their own, in order.
    public var attributes: [Attribute] = []
    /// In order; they count from 0.
    public var media: [Media] = []

    /// `id` is 0 where there is one description alone.
    public init(name: String = "Sluice", id: UInt64 = 0, address: String? = nil, media: [Media] = []) {
        self.name = name
        self.id = id
        self.address = address
        self.media = media
    }

    /// An `m=` line and what follows it.
    public struct Media: Equatable, Sendable {
        /// `audio`, `video`, `application`, …
        public var kind: String
        /// Of RTP; 0 refuses the medium.
        public var port: Int
        /// `RTP/AVP`, `RTP/SAVP`, …
        public var profile: String
        /// In the order of preference; each type once.
        public var payloads: [Payload]
        /// Words of the `m=` line that are no payload type that something tells about, such as `webrtc-datachannel`, in
        /// order. They are written behind the payload types.
        public var otherFormats: [String] = []
        /// Where this medium goes; nil where the description's address counts.
        public var address: String?
        /// nil where it is the port behind the media's.
        public var rtcpPort: Int?
        /// Where RTCP goes if not to the media's address.
        public var rtcpAddress: String?
        /// RTCP comes at the port of RTP (RFC 5761).
        public var isMultiplexed = false
        /// The `a=crypto` lines that can be used.
        public var crypto: [CryptoAttribute] = []
        /// `a=crypto` lines that cannot be used, and why.
        public var cryptoFaults: [CryptoAttribute.Fault] = []
        /// SSRCs of `a=ssrc` lines (RFC 5576).
        public var sources: [UInt32] = []
        /// The name that a sender gives all of its streams; nil where no line says it.
        public var cname: String?
        /// Of `a=framerate`, frames a second.
        public var frameRate: Double?
        /// `a=` lines that have no field of their own, in order.
        public var attributes: [Attribute] = []

        /// `port` is that of RTP.
        public init(kind: String, port: Int, profile: String = "RTP/AVP", payloads: [Payload] = []) {
            self.kind = kind
            self.port = port
            self.profile = profile
            self.payloads = payloads
        }

        /// The profile asks for SRTP: `RTP/SAVP`, `RTP/SAVPF`.
        public var isEncrypted: Bool { profile.uppercased().contains("SAVP") }
    }

    /// An RTP payload type and what it stands for.
    public struct Payload: Equatable, Sendable {
        /// 0 to 127.
        public var type: UInt8
        /// As `a=rtpmap` gives it: `opus`, `H264`.
        public var encodingName: String
        /// Timestamps a second.
        public var clockRate: Int
        /// Of audio; 1 for video.
        public var channels: Int
        /// Of `a=fmtp`, in order.
        public var parameters: [Parameter]

        /// One `name=value` of `a=fmtp`.
        public struct Parameter: Equatable, Sendable {
            /// `packetization-mode`, `sprop-stereo`.
            public var name: String
            /// Empty where there is no `=`.
            public var value: String
            /// A `name=value` of `a=fmtp`.
            public init(_ name: String, _ value: String) {
                self.name = name
                self.value = value
            }
        }

        /// `clockRate` in timestamps a second.
        public init(
            type: UInt8, encodingName: String, clockRate: Int, channels: Int = 1, parameters: [Parameter] = []
        ) {
            self.type = type
            self.encodingName = encodingName
            self.clockRate = clockRate
            self.channels = channels
            self.parameters = parameters
        }

        /// Names compare without case.
        public subscript(_ name: String) -> String? {
            parameters.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    /// Where one medium goes.
    public func address(of media: Media) -> String? { media.address ?? address }
}

extension SessionDescription: CustomStringConvertible {
    /// The text, lines ended as the RFC wants them.
    public var description: String {
        func network(_ address: String) -> String { (address.contains(":") ? "IN IP6 " : "IN IP4 ") + address }
        // An address that stands for none, as WebRTC's media have it, is no origin.
        let from = address ?? media.lazy.compactMap(\.address).first { $0 != "0.0.0.0" } ?? "127.0.0.1"
        var lines = ["v=0", "o=- \(id) \(version) \(network(from))", "s=\(name)"]
        if let address { lines.append("c=\(network(address))") }
        lines.append("t=0 0")
        lines += attributes.map(\.line)
        for media in media {
            let formats = media.payloads.map { String($0.type) } + media.otherFormats
            lines.append("m=\(media.kind) \(media.port) \(media.profile) " + formats.joined(separator: " "))
            if let address = media.address { lines.append("c=\(network(address))") }
            for payload in media.payloads {
                let channels = payload.channels > 1 ? "/\(payload.channels)" : ""
                lines.append("a=rtpmap:\(payload.type) \(payload.encodingName)/\(payload.clockRate)\(channels)")
                if !payload.parameters.isEmpty {
                    let words = payload.parameters.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }
                    lines.append("a=fmtp:\(payload.type) " + words.joined(separator: ";"))
                }
            }
            if let rate = media.frameRate { lines.append("a=framerate:\(SessionDescription.decimal(rate))") }
            lines += media.attributes.map(\.line)
            for source in media.sources { lines.append("a=ssrc:\(source) cname:\(media.cname ?? "-")") }
            for crypto in media.crypto { lines.append("a=\(crypto.text)") }
            if let port = media.rtcpPort {
                lines.append("a=rtcp:\(port)" + (media.rtcpAddress.map { " \(network($0))" } ?? ""))
            }
            if media.isMultiplexed { lines.append("a=rtcp-mux") }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    /// At most three places.
    private static func decimal(_ value: Double) -> String {
        let thousandths = Int((value * 1_000).rounded())
        let (whole, rest) = (thousandths / 1_000, thousandths % 1_000)
        guard rest > 0 else { return String(whole) }
        var digits = String(rest + 1_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
}
