extension SessionDescription {
    /// The mistake in a description, and its place.
    public struct Fault: Error, Equatable {
        /// Counted from 1.
        public var line: Int
        /// A clause without a full stop.
        public var what: String
    }

    /// Bytes of a description at most: an offer of a browser has 10,000, one with a hundred media 500,000.
    public static let largest = 1 << 19
    /// Media of a description at most.
    public static let mostMedia = 256
    /// SSRCs of a medium at most.
    private static let mostSources = 256

    /// Payload types that need no `a=rtpmap` (RFC 3551, tables 4 and 5), whether we have them or only name them.
    private static let staticTypes: [UInt8: (String, Int)] = [
        0: ("PCMU", 8_000), 3: ("GSM", 8_000), 4: ("G723", 8_000), 5: ("DVI4", 8_000), 6: ("DVI4", 16_000),
        7: ("LPC", 8_000), 8: ("PCMA", 8_000), 9: ("G722", 8_000), 10: ("L16", 44_100), 11: ("L16", 44_100),
        12: ("QCELP", 8_000), 13: ("CN", 8_000), 14: ("MPA", 90_000), 15: ("G728", 8_000), 16: ("DVI4", 11_025),
        17: ("DVI4", 22_050), 18: ("G729", 8_000), 25: ("CelB", 90_000), 26: ("JPEG", 90_000), 28: ("nv", 90_000),
        31: ("H261", 90_000), 32: ("MPV", 90_000), 33: ("MP2T", 90_000), 34: ("H263", 90_000),
    ]

    /// Reads a description. Lines that say nothing to us are passed over; those that are needed and broken are faults,
    /// and so are more bytes, media or SSRCs than the limits allow.
    public init(parsing text: String) throws(Fault) {
        self.init(name: "")
        let size = text.utf8.count
        guard size <= SessionDescription.largest else {
            throw Fault(line: 1, what: "it has \(size) bytes, and \(SessionDescription.largest) are the most")
        }
        var sawVersion = false
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            guard !line.isEmpty else { continue }
            let bytes = line.utf8
            guard bytes.count >= 2, bytes[bytes.index(after: bytes.startIndex)] == UInt8(ascii: "="),
                let type = line.first
            else { throw Fault(line: index + 1, what: "a line is a letter, = and a value, not \"\(line.prefix(40))\"") }
            let value = line[line.index(line.startIndex, offsetBy: 2)...]
            if !sawVersion {
                guard type == "v", value == "0" else {
                    throw Fault(line: index + 1, what: "it does not begin with v=0")
                }
                sawVersion = true
            }
            do { try take(type, value) } catch { throw Fault(line: index + 1, what: error.what) }
        }
        guard sawVersion else { throw Fault(line: 1, what: "it is empty") }
        for index in media.indices { media[index].setAsideUnknown() }
    }

    private struct Problem: Error { var what: String }

    private mutating func take(_ type: Character, _ value: Substring) throws(Problem) {
        switch type {
        case "s": name = String(value)
        case "o":
            let words = value.split(separator: " ")
            if words.count > 2 { (id, version) = (UInt64(words[1]) ?? 0, UInt64(words[2]) ?? 0) }
        case "c":
            let words = value.split(separator: " ")
            guard words.count == 3, words[0] == "IN", words[1] == "IP4" || words[1] == "IP6" else {
                throw Problem(what: "c= is not \"IN IP4 ADDRESS\"")
            }
            // A multicast address may have a time to live behind it.
            let found = words[2].split(separator: "/").first.map(String.init)
            if media.isEmpty { address = found } else { media[media.count - 1].address = found }
        case "m": try addMedia(value)
        case "a" where !media.isEmpty: try SessionDescription.setAttribute(value, &media[media.count - 1])
        case "a": Attribute(line: value).map { attributes.append($0) }
        default: break
        }
    }

    private mutating func addMedia(_ value: Substring) throws(Problem) {
        let words = value.split(separator: " ")
        // The port may have a count behind it: 5004/2.
        guard words.count >= 3, let port = words[1].split(separator: "/").first.flatMap({ Int($0) }),
            (0...65_535).contains(port)
        else { throw Problem(what: "m= is not \"KIND PORT PROFILE TYPES\"") }
        guard media.count < SessionDescription.mostMedia else {
            throw Problem(what: "it has more than \(SessionDescription.mostMedia) media, which are the most")
        }
        var made = Media(kind: String(words[0]), port: port, profile: String(words[2]))
        var seen = Set<UInt8>()
        for word in words.dropFirst(3) {
            guard let type = UInt8(word), type < 128 else {
                made.otherFormats.append(String(word))
                continue
            }
            guard seen.insert(type).inserted else { continue }
            let (name, rate) = SessionDescription.staticTypes[type] ?? ("", 0)
            made.payloads.append(Payload(type: type, encodingName: name, clockRate: rate))
        }
        media.append(made)
    }

    // Static, as a copy of the description beside the medium that changes would cost all of its lines for each line.
    private static func setAttribute(_ text: Substring, _ media: inout Media) throws(Problem) {
        let sides = text.split(separator: ":", maxSplits: 1)
        guard let name = sides.first else { return }
        let value = sides.count == 2 ? sides[1] : ""
        func keep() { Attribute(line: text).map { media.attributes.append($0) } }
        switch name {
        case "rtpmap": try setMap(value, &media)
        case "fmtp": setParameters(value, &media)
        case "rtcp-mux": media.isMultiplexed = true
        case "rtcp":
            let words = value.split(separator: " ")
            guard let port = words.first.flatMap({ Int($0) }), (1...65_535).contains(port) else {
                throw Problem(what: "a=rtcp names no port")
            }
            media.rtcpPort = port
            if words.count == 4 { media.rtcpAddress = String(words[3]) }
        case "framerate":
            if let rate = Double(value), rate > 0, rate <= 1_000 { media.frameRate = rate } else { keep() }
        case "crypto":
            do { media.crypto.append(try CryptoAttribute(value)) } catch { media.cryptoFaults.append(error) }
        case "ssrc":
            let words = value.split(separator: " ", maxSplits: 1)
            guard let source = words.first.flatMap({ UInt32($0) }) else { return keep() }
            if !media.sources.contains(source) {
                guard media.sources.count < SessionDescription.mostSources else {
                    throw Problem(what: "a medium has more than \(SessionDescription.mostSources) SSRCs")
                }
                media.sources.append(source)
            }
            guard words.count == 2 else { return }
            let cname = words[1].hasPrefix("cname:") ? String(words[1].dropFirst(6)) : nil
            // One name for all sources of a medium has a field; what else a line says is kept as it stands.
            if media.cname == nil { media.cname = cname }
            if cname == nil || cname != media.cname { keep() }
        default: keep()
        }
    }

    private static func setMap(_ value: Substring, _ media: inout Media) throws(Problem) {
        let words = value.split(separator: " ")
        let parts = words.count == 2 ? words[1].split(separator: "/") : []
        guard parts.count >= 2, let type = UInt8(words[0]), let rate = Int(parts[1]), (1...10_000_000).contains(rate)
        else {
            throw Problem(what: "a=rtpmap is not \"TYPE NAME/RATE\"")
        }
        guard let index = media.payloads.firstIndex(where: { $0.type == type }) else { return }
        media.payloads[index].encodingName = String(parts[0])
        media.payloads[index].clockRate = rate
        if parts.count > 2, let channels = Int(parts[2]), (1...64).contains(channels) {
            media.payloads[index].channels = channels
        }
    }

    private static func setParameters(_ value: Substring, _ media: inout Media) {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let type = UInt8(words[0]),
            let index = media.payloads.firstIndex(where: { $0.type == type })
        else { return }
        for pair in words[1].split(separator: ";") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            guard let name = sides.first?.drop(while: { $0 == " " }), !name.isEmpty else { continue }
            var text = sides.count == 2 ? sides[1] : ""
            while text.last == " " { text.removeLast() }
            media.payloads[index].parameters.append(.init(String(name), String(text)))
        }
    }
}

extension SessionDescription.Media {
    /// Keeps as payloads those types that were listed and that something tells about.
    fileprivate mutating func setAsideUnknown() {
        otherFormats = payloads.filter(\.encodingName.isEmpty).map { String($0.type) } + otherFormats
        payloads.removeAll(where: \.encodingName.isEmpty)
    }
}
