extension VideoLayout {
    /// How a picture lies in memory. `i420` and `nv12` are 8-bit 4:2:0; the packed ones name their bytes in order.
    public enum PixelFormat: String, Sendable, CaseIterable {
        case i420, nv12, bgra, rgb24

        /// Brightness and colour, whose `ColorMatrix` matters.
        public var isYUV: Bool { self == .i420 || self == .nv12 }

        /// 1 to 3.
        public var planeCount: Int {
            switch self {
            case .i420: 3
            case .nv12: 2
            case .bgra, .rgb24: 1
            }
        }

        /// Bytes of one row of a plane without padding.
        public func rowBytes(plane: Int, width: Int) -> Int {
            switch self {
            case .i420: plane == 0 ? width : (width + 1) / 2
            case .nv12: plane == 0 ? width : (width + 1) / 2 * 2
            case .bgra: width * 4
            case .rgb24: width * 3
            }
        }

        /// Rows of a plane in a picture of `height` rows.
        public func rows(plane: Int, height: Int) -> Int {
            switch self {
            case .i420, .nv12: plane == 0 ? height : (height + 1) / 2
            case .bgra, .rgb24: height
            }
        }
    }
}
