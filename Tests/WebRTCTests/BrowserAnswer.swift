/// A browser's answers, for tests.
enum BrowserAnswer {
    /// A browser's answer, made of the offer: it takes all that we send, and sends a microphone of that SSRC.
    static func text(to offer: String, fragment: String = "abcd") -> String {
        let fingerprint = Array(repeating: "AA:BB:CC:DD", count: 8).joined(separator: ":")
        return offer.split(separator: "\r\n").compactMap { line -> String? in
            switch line {
            case "a=ice-lite": nil
            case "a=setup:actpass": "a=setup:active"
            case "a=sendonly": "a=recvonly"
            case "a=recvonly": "a=sendonly\r\na=ssrc:77 cname:browser"
            case _ where line.hasPrefix("a=ice-ufrag:"): "a=ice-ufrag:\(fragment)"
            case _ where line.hasPrefix("a=ice-pwd:"): "a=ice-pwd:abcdefghijklmnopqrstuvwx"
            case _ where line.hasPrefix("a=fingerprint:"): "a=fingerprint:sha-256 \(fingerprint)"
            case _ where line.hasPrefix("a=ssrc") || line.hasPrefix("a=msid") || line.hasPrefix("a=candidate"): nil
            default: String(line)
            }
        }.joined(separator: "\r\n") + "\r\n"
    }
}
