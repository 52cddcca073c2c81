extension VideoLayout {
    /// How stored pictures are to be turned before they are shown: mirrored first, then turned. Phones write it into
    /// their files ("display matrix") and leave the pixels as the sensor gave them.
    public struct Orientation: Hashable, Sendable, CustomStringConvertible {
        /// Quarter turns clockwise, 0 to 3.
        public let quarters: Int
        /// Left and right are exchanged before the turn.
        public let isMirrored: Bool

        /// Pictures that are shown as they are stored.
        public static let upright = Orientation()

        /// `quarters` turns of 90° clockwise; any number, negative ones turn the other way.
        public init(quarters: Int = 0, isMirrored: Bool = false) {
            self.quarters = quarters & 3
            self.isMirrored = isMirrored
        }

        /// Brings back what this one turns. A picture that is mirrored and turned is brought back by the same.
        public var inverse: Orientation { isMirrored ? self : Orientation(quarters: -quarters) }

        /// Columns become rows.
        public var exchangesSides: Bool { quarters % 2 == 1 }

        /// As sentences say it behind "pictures are": `turned by 90°`, `mirrored`, `mirrored and turned by 90°`.
        public var description: String {
            let turned = quarters == 0 ? nil : "turned by \(quarters * 90)°"
            guard isMirrored else { return turned ?? "upright" }
            return ["mirrored", turned].compactMap { $0 }.joined(separator: " and ")
        }
    }

    /// The layout of the pictures once they are upright, which have another matrix by their height alone where they
    /// say none.
    public var upright: VideoLayout { turned(by: orientation) }

    /// The layout of upright pictures of this layout that are mirrored and turned as `orientation` says.
    public func turned(by orientation: Orientation) -> VideoLayout {
        guard orientation != .upright || self.orientation != .upright else { return self }
        let (w, h) = orientation.exchangesSides ? (height, width) : (width, height)
        let isSame = pixelFormat?.isYUV != true || impliedMatrix == .implied(height: h)
        return VideoLayout(
            width: w, height: h, pixelFormat: pixelFormat, frameRate: frameRate,
            colorMatrix: colorMatrix ?? (isSame ? nil : impliedMatrix),
            pixelAspect: orientation.exchangesSides
                ? PixelAspect(pixelAspect.height, pixelAspect.width) : pixelAspect)
    }
}
