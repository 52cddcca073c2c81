/// Digits, colon and point in 5 by 7 dots; the highest of five bits is the leftmost dot.
enum Digits {
    static let timeLength = 12

    /// The glyph at `index` of `HH:MM:SS.mmm`; hours wrap at 100.
    static func glyph(_ index: Int, milliseconds: Int) -> Int {
        let (seconds, minutes, hours) = (milliseconds / 1_000, milliseconds / 60_000, milliseconds / 3_600_000)
        switch index {
        case 0: return hours / 10 % 10
        case 1: return hours % 10
        case 2, 5: return colon
        case 3: return minutes % 60 / 10
        case 4: return minutes % 10
        case 6: return seconds % 60 / 10
        case 7: return seconds % 10
        case 8: return point
        case 9: return milliseconds / 100 % 10
        case 10: return milliseconds / 10 % 10
        default: return milliseconds % 10
        }
    }

    static let colon = 10
    static let point = 11

    static let glyphs: [[UInt8]] = [
        [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
        [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
    ]
}
