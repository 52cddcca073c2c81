extension MediaFormat {
    /// A codec by its usual lower-case name (`vp8`, `h264`, `opus`), as libavcodec spells it.
    public struct Codec: Hashable, Sendable {
        /// Lower case: libavcodec's, as `avcodec_get_name` gives it.
        public let name: String
        /// `name` in lower case, as libavcodec spells it.
        public init(_ name: String) { self.name = name }

        /// RFC 6386.
        public static let vp8 = Codec("vp8")
        /// The VP9 Bitstream & Decoding Process Specification.
        public static let vp9 = Codec("vp9")
        /// ITU-T H.264.
        public static let h264 = Codec("h264")
        /// RFC 6716.
        public static let opus = Codec("opus")
        /// ISO/IEC 14496-3.
        public static let aac = Codec("aac")
        /// G.711 µ-law.
        public static let pcmu = Codec("pcm_mulaw")
        /// G.711 A-law.
        public static let pcma = Codec("pcm_alaw")
    }
}
