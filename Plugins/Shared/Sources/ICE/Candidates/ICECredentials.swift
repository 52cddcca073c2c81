/// Fragment and password of one side of a session (RFC 8445, section 5.3): `a=ice-ufrag` and `a=ice-pwd`.
///
/// Text of it never shows the password.
public struct ICECredentials: Hashable, Sendable {
    /// 4 to 256 characters.
    public let fragment: String
    /// 22 to 256 characters.
    public let password: String

    /// Characters of a fragment of ours: 48 bits, so that nobody guesses one, and they fit in a word.
    public static let fragmentLength = 8
    private static let passwordLength = 24
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// New ones that nobody can guess: 48 and 144 bits, more than the 24 and 128 that the section asks for.
    public init(random: RandomBytes) {
        let characters = withUnsafeTemporaryAllocation(
            byteCount: ICECredentials.fragmentLength + ICECredentials.passwordLength, alignment: 8
        ) { room in
            random(room)
            return room.map { ICECredentials.alphabet[Int($0 & 63)] }
        }
        fragment = String(decoding: characters[..<ICECredentials.fragmentLength], as: UTF8.self)
        password = String(decoding: characters[ICECredentials.fragmentLength...], as: UTF8.self)
    }

    /// Those of a description (RFC 8839, section 5.4); nil for lengths or characters that the grammar does not allow.
    public init?(fragment: String, password: String) {
        guard ICECredentials.isFragment(fragment), ICECredentials.isText(password, 22...256) else { return nil }
        (self.fragment, self.password) = (fragment, password)
    }

    /// The text can be a fragment: 4 to 256 letters, digits, `+` and `/`.
    public static func isFragment(_ text: String) -> Bool { isText(text, 4...256) }

    private static func isText(_ text: String, _ length: ClosedRange<Int>) -> Bool {
        length.contains(text.utf8.count) && text.utf8.allSatisfy { alphabet.contains($0) }
    }

    /// The two sides of a check's user name: the fragment of the side that the check is sent to, and the sender's. nil
    /// where there is no colon.
    static func sides(
        of username: UnsafeRawBufferPointer
    ) -> (receiver: UnsafeRawBufferPointer, sender: UnsafeRawBufferPointer)? {
        guard let colon = username.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        return (username.part(0..<colon), username.part(colon + 1..<username.count))
    }

    static func isSame(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Bool { bytes.elementsEqual(text.utf8) }
}

extension ICECredentials: CustomStringConvertible, CustomReflectable {
    /// The fragment alone.
    public var description: String { "credentials \(fragment)" }
    /// The fragment alone.
    public var customMirror: Mirror { Mirror(self, children: ["fragment": fragment]) }
}
