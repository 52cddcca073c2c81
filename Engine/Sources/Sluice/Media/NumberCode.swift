extension VideoFrame {
    /// A number drawn into a picture so that a machine finds it again after encoding, scaling and decoding: tests count
    /// frames with it, and the latency of a path is measured by it.
    ///
    /// 32 cells lie in two rows of 16, black for 0 and white for 1, most significant bit first, row by row. In
    /// fractions of the picture: each cell is 1/32 of its width and 1/18 of its height, the first one's corner is at
    /// 8/32 and 15/18, and a black margin of half a cell surrounds them. The first 24 cells hold the number's low 24
    /// bits in Gray code. So from one frame to the next a single one of them changes, and a starved encoder has little
    /// to do. The last 8 hold the CRC-8 (polynomial x⁸ + x² + x + 1, start 0) of the number's three bytes, most
    /// significant first. It is inverted, so that an all-black strip is no number. A reader takes the mean brightness
    /// of the middle half of each cell and compares it with half.
    public enum NumberCode {
        /// The numbers wrap at 2²⁴: 77 hours at 60 frames a second.
        public static let modulus = 1 << 24

        /// The 32 cells of `number`, the first cell in the highest bit.
        public static func cells(of number: Int) -> UInt32 {
            let value = UInt32(truncatingIfNeeded: number) & 0xff_ffff
            return (value ^ value >> 1) << 8 | UInt32(check(value))
        }

        /// nil where the check does not match.
        public static func number(of cells: UInt32) -> Int? {
            var value = cells >> 8
            var shift: UInt32 = 16
            while shift > 0 {
                value ^= value >> shift
                shift /= 2
            }
            return UInt32(check(value)) == cells & 0xff ? Int(value) : nil
        }

        static func check(_ value: UInt32) -> UInt8 {
            var crc: UInt8 = 0
            for shift: UInt32 in [16, 8, 0] {
                crc ^= UInt8(truncatingIfNeeded: value >> shift)
                for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
            }
            return ~crc
        }

        /// Columns from `left` up to `right`, rows from `top` up to `bottom`.
        public struct Area: Equatable, Sendable {
            /// The first column, from 0.
            public var left: Int
            /// The first row, from 0.
            public var top: Int
            /// The column behind the last one.
            public var right: Int
            /// The row behind the last one.
            public var bottom: Int

            /// In pixels.
            public init(left: Int, top: Int, right: Int, bottom: Int) {
                (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
            }
        }

        /// Where cell `index` lies in a picture of that size.
        public static func area(ofCell index: Int, width: Int, height: Int) -> Area {
            let column = 8 + index % 16
            let row = 15 + index / 16
            return Area(
                left: column * width / 32, top: row * height / 18, right: (column + 1) * width / 32,
                bottom: (row + 1) * height / 18)
        }

        /// The cells and their margin.
        public static func margin(width: Int, height: Int) -> Area {
            Area(left: 15 * width / 64, top: 29 * height / 36, right: 49 * width / 64, bottom: 35 * height / 36)
        }

        /// The smallest picture whose cells have a middle.
        public static let smallestWidth = 64
        /// In rows: two of each cell.
        public static let smallestHeight = 36

        /// The number in `frame`, whatever its pixel format; nil where there is none.
        public static func read(_ frame: VideoFrame) -> Int? {
            let layout = frame.layout
            guard layout.width >= smallestWidth, layout.height >= smallestHeight, let pixels = layout.pixelFormat else {
                return nil
            }
            // Brightness is the first plane's byte in planar formats, the green one in packed ones.
            let (step, first) =
                switch pixels {
                case .i420, .nv12: (1, 0)
                case .bgra: (4, 1)
                case .rgb24: (3, 1)
                }
            var cells: UInt32 = 0
            for index in 0..<32 {
                let area = area(ofCell: index, width: layout.width, height: layout.height)
                let (insetX, insetY) = ((area.right - area.left) / 4, (area.bottom - area.top) / 4)
                var sum = 0
                for y in area.top + insetY..<area.bottom - insetY {
                    let row = frame.plane(0) + y * frame.stride(0) + first
                    for x in area.left + insetX..<area.right - insetX { sum += Int(row[x * step]) }
                }
                let count = (area.right - area.left - 2 * insetX) * (area.bottom - area.top - 2 * insetY)
                cells = cells << 1 | (sum > 126 * count ? 1 : 0)
            }
            return number(of: cells)
        }
    }
}
