/// The picture that is laid on others: red, green, blue and opacity in 8 bits, the colours multiplied by the opacity.
final class Stamp: Sendable {
    let width: Int
    let height: Int
    /// Four bytes a pixel, row behind row.
    let pixels: [UInt8]

    init(width: Int, height: Int, pixels: [UInt8]) {
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// A colour with its opacity.
    struct Color: Equatable {
        var red, green, blue, alpha: UInt8

        /// `#rrggbb` or `#rrggbbaa`; nil for anything else.
        init?(_ text: String) {
            let digits = Array(text.utf8.dropFirst())
            guard text.first == "#", digits.count == 6 || digits.count == 8, !digits.contains(UInt8(ascii: "+")) else {
                return nil
            }
            var bytes: [UInt8] = []
            for index in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(byte)
            }
            (red, green, blue, alpha) = (bytes[0], bytes[1], bytes[2], bytes.count == 4 ? bytes[3] : 255)
        }
    }
}

/// `a` × `b` / 255, to the nearest.
@inline(__always)
func scaled(_ a: UInt8, _ b: UInt8) -> UInt8 {
    let product = UInt16(a) &* UInt16(b) &+ 128
    return UInt8(truncatingIfNeeded: (product &+ product >> 8) >> 8)
}
