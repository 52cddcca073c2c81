import Sluice

/// A level of ITU-T H.264: what a decoder of it can hold (table A-1).
struct Level: Equatable, CustomStringConvertible {
    /// Ten times the level, as the sequence parameter set carries it.
    let code: Int
    /// Macroblocks a second.
    let maxRate: Int
    /// Macroblocks a picture.
    let maxSize: Int
    /// Thousands of bits a second, in Baseline and Main.
    let maxBitrate: Int

    private init(_ code: Int, _ maxRate: Int, _ maxSize: Int, _ maxBitrate: Int) {
        (self.code, self.maxRate, self.maxSize, self.maxBitrate) = (code, maxRate, maxSize, maxBitrate)
    }

    /// All but 1b, which Baseline writes as 1.1 with a flag.
    static let all = [
        Level(10, 1_485, 99, 64), Level(11, 3_000, 396, 192), Level(12, 6_000, 396, 384),
        Level(13, 11_880, 396, 768), Level(20, 11_880, 396, 2_000), Level(21, 19_800, 792, 4_000),
        Level(22, 20_250, 1_620, 4_000), Level(30, 40_500, 1_620, 10_000), Level(31, 108_000, 3_600, 14_000),
        Level(32, 216_000, 5_120, 20_000), Level(40, 245_760, 8_192, 20_000), Level(41, 245_760, 8_192, 50_000),
        Level(42, 522_240, 8_704, 50_000), Level(50, 589_824, 22_080, 135_000), Level(51, 983_040, 36_864, 240_000),
        Level(52, 2_073_600, 36_864, 240_000), Level(60, 4_177_920, 139_264, 240_000),
        Level(61, 8_355_840, 139_264, 480_000), Level(62, 16_711_680, 139_264, 800_000),
    ]

    /// `3.1`, `4` or `4.0`.
    init?(named name: String) {
        guard
            let found = Level.all.first(where: {
                name == $0.description || name == "\($0.code / 10)" && $0.code % 10 == 0
            })
        else { return nil }
        self = found
    }

    /// The lowest level that holds `load`; nil if none does.
    static func lowest(for load: Load) -> Level? { all.first { $0.holds(load) } }

    func holds(_ load: Load) -> Bool {
        // No side over the root of eight times the picture size (A.3.1).
        let longest = maxSize * 8
        return load.size <= maxSize && load.rate <= Double(maxRate) && load.bitrate <= maxBitrate
            && load.columns * load.columns <= longest && load.rows * load.rows <= longest
    }

    var description: String { "\(code / 10).\(code % 10)" }

    /// The demands of a stream on a decoder.
    struct Load: CustomStringConvertible {
        let columns: Int
        let rows: Int
        let framesPerSecond: Double
        /// Thousands of bits a second.
        let bitrate: Int

        init(width: Int, height: Int, framesPerSecond: Double, bitrate: Int) {
            columns = (width + 15) / 16
            rows = (height + 15) / 16
            self.framesPerSecond = framesPerSecond
            self.bitrate = bitrate
        }

        var size: Int { columns * rows }
        var rate: Double { Double(size) * framesPerSecond }
        var description: String {
            "\(size) macroblocks a picture, \(Int(rate.rounded(.up))) a second and \(bitrate) kb/s"
        }
    }
}
