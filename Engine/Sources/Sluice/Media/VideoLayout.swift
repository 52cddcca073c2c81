/// Size, rate and pixel format of pictures.
public struct VideoLayout: Hashable, Sendable, CustomStringConvertible {
    /// In pixels.
    public let width: Int
    /// In pixels.
    public let height: Int
    /// nil for coded video.
    public let pixelFormat: PixelFormat?
    /// nil when it varies or is unknown.
    public let frameRate: FrameRate?
    /// Of raw YUV; nil where it does not say, and for RGB.
    public let colorMatrix: ColorMatrix?
    /// The shape in which each pixel is to be shown.
    public let pixelAspect: PixelAspect
    /// How the pictures of coded video are to be turned, which decoders do; raw pictures are upright.
    public let orientation: Orientation

    /// `width` and `height` in pixels.
    public init(
        width: Int, height: Int, pixelFormat: PixelFormat? = nil, frameRate: FrameRate? = nil,
        colorMatrix: ColorMatrix? = nil, pixelAspect: PixelAspect = .square, orientation: Orientation = .upright
    ) {
        self.pixelAspect = pixelAspect
        self.orientation = orientation
        self.width = width
        self.height = height
        self.pixelFormat = pixelFormat
        self.frameRate = frameRate
        self.colorMatrix = colorMatrix
    }

    public var description: String {
        "\(width)x\(height)" + (pixelFormat.map { " \($0.rawValue)" } ?? "") + (frameRate.map { " \($0)" } ?? "")
            + (pixelAspect == .square ? "" : " (pixels \(pixelAspect))")
            + (orientation == .upright ? "" : " (to be \(orientation))")
    }

    /// Width to height of a pixel, in lowest terms: 64:45 in television that is shown as 16:9. Also called sample
    /// aspect ratio, SAR.
    public struct PixelAspect: Hashable, Sendable, CustomStringConvertible {
        /// Of a pixel, in units of its own.
        public let width: Int
        /// Of a pixel, in the same units.
        public let height: Int

        /// Pixels as wide as high.
        public static let square = PixelAspect(1, 1)

        /// Square where one of them is not above 0, or the terms are beyond 65,535, which no container holds.
        public init(_ width: Int, _ height: Int) {
            guard width > 0, height > 0 else {
                (self.width, self.height) = (1, 1)
                return
            }
            var (divisor, rest) = (width, height)
            while rest > 0 { (divisor, rest) = (rest, divisor % rest) }
            let isUsable = width / divisor <= 65_535 && height / divisor <= 65_535
            (self.width, self.height) = isUsable ? (width / divisor, height / divisor) : (1, 1)
        }

        public var description: String { "\(width):\(height)" }
    }
}
