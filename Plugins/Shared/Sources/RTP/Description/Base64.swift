/// Base 64 with padding (RFC 4648, section 4).
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// By character; 255 for one that is none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// Four characters for each three bytes begun.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var (word, count): (UInt32, Int) = (0, 0)
        func add() {
            for index in 0..<4 {
                text.append(index <= count ? alphabet[Int(word >> (18 - 6 * index)) & 63] : UInt8(ascii: "="))
            }
            (word, count) = (0, 0)
        }
        for byte in bytes {
            word |= UInt32(byte) << (16 - 8 * count)
            count += 1
            if count == 3 { add() }
        }
        if count > 0 { add() }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil for text that is no base 64. Padding may be left out.
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var (word, bits): (UInt32, Int) = (0, 0)
        var padding = 0
        for character in text.utf8 {
            if character == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(character)]
            guard padding == 0, value < 64 else { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return padding <= 2 && bits < 6 ? bytes : nil
    }
}
