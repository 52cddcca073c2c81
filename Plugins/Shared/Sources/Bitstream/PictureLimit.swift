/// The largest picture that is decoded, or handed on, for a sender that may claim anything. Each side has a bound, and
/// so have all pixels together, since memory grows with those.
public struct PictureLimit: Equatable, Sendable {
    /// Pixels of the widest picture.
    public var width: Int
    /// Pixels of the highest picture.
    public var height: Int
    /// Of the largest picture: width times height.
    public var pixels: Int

    /// Of each side where nothing else is said: 8K and a little.
    public static let usualSide = 8_192
    /// The most that H.264 of level 6.2 (139,264 macroblocks, ITU-T H.264, table A-1) and AV1 of level 6.3 have.
    public static let usualPixels = 35_651_584

    /// Bounds in pixels, all inclusive.
    public init(
        width: Int = PictureLimit.usualSide, height: Int = PictureLimit.usualSide,
        pixels: Int = PictureLimit.usualPixels
    ) {
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// True where the picture keeps all three bounds.
    public func holds(width other: Int, height: Int) -> Bool {
        guard other <= width, height <= self.height else { return false }
        let (product, isPastAll) = other.multipliedReportingOverflow(by: height)
        return !isPastAll && product <= pixels
    }

    /// With the names that parameters of nodes have.
    public var words: String { "max_width is \(width), max_height \(height), max_pixels \(pixels)" }

    /// The size that a keyframe says of itself; nil where it says none, or the codec is another.
    public static func claim(of keyframe: UnsafeRawBufferPointer, isVP8: Bool) -> (width: Int, height: Int)? {
        guard !isVP8 else { return VP8Frame.size(keyframe) }
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(keyframe, into: &units)
        let sets = units.lazy.filter { NALUnits.type(keyframe[$0.lowerBound]) == NALUnits.sps }
        return sets.compactMap { SequenceParameterSet(keyframe[$0]) }.first.map { ($0.width, $0.height) }
    }
}
