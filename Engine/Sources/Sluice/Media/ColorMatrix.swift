extension VideoLayout {
    /// How brightness and colour of YUV are made of red, green and blue. All YUV here is in limited range (16–235).
    public enum ColorMatrix: String, Sendable, CaseIterable {
        /// ITU-R BT.601: standard definition, and VP8 of every size (RFC 6386, section 9.2).
        case bt601
        /// ITU-R BT.709: high definition.
        case bt709

        /// The matrix of pictures that do not name one: BT.709 above 576 rows, as GStreamer takes it
        /// (`gst_video_info_set_format`).
        public static func implied(height: Int) -> ColorMatrix { height > 576 ? .bt709 : .bt601 }
    }
}

extension VideoLayout {
    /// The matrix that the picture names, else the one that its height implies.
    public var impliedMatrix: ColorMatrix { colorMatrix ?? .implied(height: height) }
}
