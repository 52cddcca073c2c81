import Sluice

/// The token that clients show: in `Authorization: Bearer TOKEN` (RFC 6750, section 2.1), or for a WebSocket of a page,
/// which can set no header, as the subprotocol `bearer.TOKEN`.
struct AccessToken: Sendable {
    private let bytes: [UInt8]

    /// nil: everybody may come. Throws `NodeError`, in which the token is not told.
    static func read(_ text: String) throws -> AccessToken? {
        guard !text.isEmpty, text != "none" else { return nil }
        let marks = Set("-._~".utf8)
        guard text.utf8.count >= 8,
            text.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || marks.contains(byte)
            })
        else {
            throw NodeError(
                "the token is shorter than 8 characters, or has others than letters, digits and - . _ ~",
                advice: "Make one with: openssl rand -hex 16", isInputError: true)
        }
        return AccessToken(bytes: Array(text.utf8))
    }

    /// In the same time for all texts of one length.
    func matches(_ text: some StringProtocol) -> Bool {
        let shown = Array(text.utf8)
        var difference = shown.count ^ bytes.count
        for index in bytes.indices { difference |= Int(bytes[index] ^ (index < shown.count ? shown[index] : 0)) }
        return difference == 0
    }
}
