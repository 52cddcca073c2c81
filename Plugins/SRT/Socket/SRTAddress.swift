import Sluice

/// Where an SRT connection begins or ends, and how:
/// `srt://HOST:PORT?mode=…&streamid=…&latency=…&passphrase=…&pbkeylen=…`. Without a host it listens.
///
/// Latency counts milliseconds, as in libsrt's own tools. ffmpeg alone counts microseconds, so that more than a minute
/// is taken for those. Options of other tools that mean nothing here are passed over, and said.
struct SRTAddress: Equatable {
    /// Empty: every address of this machine.
    var host: String
    var port: UInt16
    var mode: Mode
    var latencyMilliseconds: Int?
    var streamID: String?
    var passphrase: String?
    /// 16, 24 or 32 bytes.
    var keyLength: Int?
    /// The address of this machine that is used; any where it is nil.
    var adapter: String?
    var connectTimeoutMilliseconds: Int?
    /// Parts that were not taken as they stand, each a sentence without its subject.
    var notes: [String] = []

    enum Mode: String, CaseIterable { case caller, listener, rendezvous }

    /// Throws what is wrong, in words.
    init(_ text: String) throws {
        guard text.hasPrefix("srt://") else { throw SRTAddress.error(text, "it does not begin with srt://") }
        let rest = text.dropFirst("srt://".count)
        // A stream id may hold every character but & and %, so only the first ? counts and # means nothing.
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        (host, port) = try SRTAddress.authority(parts[0], in: text)
        mode = host.isEmpty ? .listener : .caller
        guard parts.count == 2 else { return }
        for pair in parts[1].split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let value = SRTAddress.decoded(sides.count == 2 ? sides[1] : "") else {
                throw SRTAddress.error(text, "\(sides[0]) holds a % that is not followed by two hexadecimal digits")
            }
            try set(String(sides[0]), value, in: text)
        }
        if !passedOver.isEmpty {
            let names = passedOver.joined(separator: ", ")
            notes.append(
                "\(names) \(passedOver.count == 1 ? "means" : "mean") nothing here and \(passedOver.count == 1 ? "is" : "are") passed over"
            )
        }
        guard mode == .listener || !host.isEmpty else {
            throw SRTAddress.error(text, "mode \(mode.rawValue) needs a host")
        }
    }

    private var passedOver: [String] = []

    private mutating func set(_ key: String, _ value: String, in text: String) throws {
        switch key {
        // ffmpeg and libsrt's tools have one for each direction. The larger one counts for both.
        case "latency", "rcvlatency", "peerlatency":
            latencyMilliseconds = max(latencyMilliseconds ?? 0, try latency(value, key, in: text))
        case "streamid", "srt_streamid":
            guard value.utf8.count <= 512 else { throw SRTAddress.error(text, "streamid is longer than 512 bytes") }
            streamID = value
        case "passphrase": passphrase = value
        case "adapter", "localaddr": adapter = value
        case "connect_timeout", "conntimeo":
            guard let number = Int(value), (1...600_000).contains(number) else {
                throw SRTAddress.error(text, "\(key) is no number of milliseconds up to 600000")
            }
            connectTimeoutMilliseconds = number
        case "pbkeylen":
            guard let number = Int(value), [0, 16, 24, 32].contains(number) else {
                throw SRTAddress.error(text, "pbkeylen is none of 16, 24, 32")
            }
            keyLength = number == 0 ? nil : number
        case "mode":
            // The second names are those of libsrt's tools.
            let known = ["client": Mode.caller, "server": .listener][value] ?? Mode(rawValue: value)
            guard let known else { throw SRTAddress.error(text, "mode is none of caller, listener, rendezvous") }
            mode = known
        case "transtype":
            guard value == "live" else { throw SRTAddress.error(text, "transtype is \(value), and only live is sent") }
        case _ where SRTAddress.ofOthers.contains(key): passedOver.append(key)
        default:
            throw SRTAddress.error(
                text,
                "\"\(key)\" is no option; there are mode, latency, streamid, passphrase, pbkeylen, adapter, connect_timeout"
            )
        }
    }

    private mutating func latency(_ value: String, _ key: String, in text: String) throws -> Int {
        guard let number = Int(value), number >= 0 else {
            throw SRTAddress.error(text, "\(key) is no number of milliseconds")
        }
        guard number > 60_000 else { return number }
        guard number <= 60_000_000 else {
            throw SRTAddress.error(
                text, "\(key) \(number) is over a minute, in milliseconds as in ffmpeg's microseconds")
        }
        notes.append("\(key)=\(number) is taken for ffmpeg's microseconds: \(number / 1_000) ms")
        return number / 1_000
    }

    /// Options of libsrt's tools, ffmpeg, GStreamer, OBS and VLC. They set sizes and times that libsrt chooses well by
    /// itself, or that Sluice sets.
    private static let ofOthers: Set<String> = [
        "pkt_size", "payload_size", "payloadsize", "chunk", "timeout", "listen_timeout", "rcvtimeo", "sndtimeo",
        "rw_timeout", "tlpktdrop", "nakreport", "maxbw", "inputbw", "mininputbw", "oheadbw", "lossmaxttl",
        "snddropdelay", "sndbuf", "rcvbuf", "send_buffer_size", "recv_buffer_size", "fc", "ffs", "mss", "ipttl",
        "iptos", "ipv6only", "linger", "messageapi", "minversion", "smoother", "congestion", "packetfilter",
        "enforced_encryption", "enforcedencryption", "kmrefreshrate", "kmpreannounce", "tsbpd", "tsbpdmode",
        "peeridletimeo", "drifttracer", "retransmitalgo", "groupconnect", "groupminstabletimeo", "blocking", "rcvsyn",
        "sndsyn", "udprcvbuf", "udpsndbuf", "bindtodevice", "auto-reconnect", "keep-listening", "wait-for-connection",
        "localport",
    ]

    /// VLC writes an @ before the host, and a / behind the port is common.
    private static func authority(_ written: Substring, in whole: String) throws -> (String, UInt16) {
        var text = written.hasPrefix("@") ? written.dropFirst() : written
        if let slash = text.firstIndex(of: "/") {
            guard text[slash...] == "/" else {
                throw error(whole, "a path means nothing to SRT: name the stream by streamid")
            }
            text = text[..<slash]
        }
        guard let colon = text.lastIndex(of: ":") else { throw error(whole, "it names no port") }
        var host = String(text[..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            throw error(whole, "an IPv6 address stands in brackets")
        }
        guard let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw error(whole, "the port is no number from 1 to 65535")
        }
        return (host, port)
    }

    /// %XX replaced (RFC 3986, section 2.1); nil where it is malformed or no UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(code)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The text behind the ? is not repeated: it may hold a passphrase.
    private static func error(_ text: String, _ what: String) -> NodeError {
        let shown = text.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        return NodeError(
            "url \"\(shown)\": \(what)",
            advice: "Write srt://HOST:PORT?streamid=NAME&latency=MILLISECONDS to call, srt://:PORT to listen.",
            isInputError: true)
    }

    /// Without options, for messages.
    var peer: String { host.contains(":") ? "srt://[\(host)]:\(port)" : "srt://\(host):\(port)" }

    /// The url counts before the parameters.
    func options(_ others: SRTOptions) throws -> SRTOptions {
        var options = others
        if let latencyMilliseconds { options.latencyMilliseconds = latencyMilliseconds }
        if let streamID { options.streamID = streamID }
        if let passphrase { options.passphrase = passphrase }
        if let keyLength { options.keyLength = keyLength }
        if let connectTimeoutMilliseconds { options.connectTimeoutMilliseconds = connectTimeoutMilliseconds }
        guard options.passphrase.isEmpty || (10...79).contains(options.passphrase.utf8.count) else {
            throw NodeError(
                "the passphrase has \(options.passphrase.utf8.count) bytes; SRT wants 10 to 79", isInputError: true)
        }
        guard options.streamID.utf8.count <= 512 else {
            throw NodeError(
                "the stream id has \(options.streamID.utf8.count) bytes; SRT takes at most 512", isInputError: true)
        }
        return options
    }
}
