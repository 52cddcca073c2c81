import Sluice

/// A stream of a program that the engine has words for.
public struct TSStreamKind: Equatable, Sendable {
    /// Whether it is the program's video or its audio.
    public var track: TSTrack
    /// Told by the stream's type (ISO/IEC 13818-1, table 2-34) or its descriptors.
    public var codec: MediaFormat.Codec
    /// Channels of Opus; 0 where packets tell.
    public var channels = 0
    /// AAC in LATM, as broadcasts send it, and not in ADTS.
    public var isLATM = false

    /// In messages. The program map does not tell the layer of MPEG audio.
    public var name: String { codec.name == "mp3" ? "MPEG audio" : codec.name }

    /// nil for what is left out.
    init?(_ stream: TSProgramMap.Stream) {
        switch stream.type {
        case 0x1b: self.init(.video, .h264)
        case 0x24: self.init(.video, .init("hevc"))
        case 0x01, 0x02: self.init(.video, .init("mpeg2video"))
        case 0x0f: self.init(.audio, .aac)
        case 0x11:
            self.init(.audio, .aac)
            isLATM = true
        case 0x03, 0x04: self.init(.audio, .init("mp3"))
        case 0x81: self.init(.audio, .init("ac3"))
        case 0x87: self.init(.audio, .init("eac3"))
        case 0x06:
            // Private data; a registration says whose (2.6.8).
            let owner = stream.descriptor(0x05).map(Array.init) ?? []
            if owner.starts(with: Array("Opus".utf8)) {
                self.init(.audio, .opus)
                channels = TSStreamKind.opusChannels(stream)
            } else if stream.descriptor(0x6a) != nil || owner.starts(with: Array("AC-3".utf8)) {
                self.init(.audio, .init("ac3"))
            } else if stream.descriptor(0x7a) != nil || owner.starts(with: Array("EAC3".utf8)) {
                self.init(.audio, .init("eac3"))
            } else {
                return nil
            }
        default: return nil
        }
    }

    private init(_ track: TSTrack, _ codec: MediaFormat.Codec) {
        (self.track, self.codec) = (track, codec)
    }

    /// From the extension descriptor 0x80, whose code of channels is 0 for two mono channels, else their number
    /// ("Encapsulation of Opus in MPEG-2 TS", draft 0.1.3). Two where it is not there.
    private static func opusChannels(_ stream: TSProgramMap.Stream) -> Int {
        guard let bytes = stream.descriptor(0x7f).map(Array.init), bytes.count >= 2, bytes[0] == 0x80 else { return 2 }
        return (1...8).contains(bytes[1]) ? Int(bytes[1]) : 2
    }
}

/// Which of the two streams of a program that are read.
public enum TSTrack: Int, CaseIterable, Sendable {
    case video, audio
    /// `video` or `audio`, as ports are called.
    public var name: String { self == .video ? "video" : "audio" }
}
