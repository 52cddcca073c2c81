import Geometry
import LibAV
import Sluice

/// A kind of file that `record` writes: what libavformat calls it, which streams it takes, and how it is told to lose
/// little when the process dies.
enum Container: String, CaseIterable, Sendable {
    case webm, mkv, ts, wav, mp4
    /// JSON Lines: data items alone.
    case jsonl

    /// By the file's ending; `mka`, `m4a` and `mts` count too.
    init?(path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let ending = name[name.index(after: dot)...].lowercased()
        guard let known = Container.allCases.first(where: { $0.endingsOfFiles.contains(ending) }) else { return nil }
        self = known
    }

    private var endingsOfFiles: [String] {
        switch self {
        case .webm: ["webm"]
        case .mkv: ["mkv", "mka"]
        case .ts: ["ts", "mts", "m2ts"]
        case .wav: ["wav"]
        case .mp4: ["mp4", "m4a"]
        case .jsonl: ["jsonl", "ndjson"]
        }
    }

    /// The formats that an input takes, by the parameters that name the container: `format`, then the file's ending.
    static func variants(_ track: Track) -> [FormatSet.Variant] {
        let taken = allCases.compactMap { container in container.formats(track).map { (container, $0) } }
        return taken.map { .init(parameter: "format", value: .string($0.rawValue), formats: $1) }
            + taken.flatMap { container, formats in
                container.endingsOfFiles.map { .init(parameter: "path", ending: "." + $0, formats: formats) }
            }
    }

    /// nil where it takes nothing of the kind, which only a sentence of its own can say.
    private func formats(_ track: Track) -> FormatSet? {
        guard let codecs = codecs(track) else { return track == .audio ? .codedAudio | .rawAudio : .codedVideo }
        switch track {
        case .video: return codecs.isEmpty ? nil : .codedVideo(codecs)
        case .audio where codecs.isEmpty: return takesRawAudio ? .rawAudio : nil
        case .audio: return .codedAudio(codecs)
        }
    }

    static let endings = ".webm, .mkv, .ts, .wav or .mp4, for data .jsonl"

    var muxer: String {
        switch self {
        case .webm: "webm"
        case .mkv: "matroska"
        case .ts: "mpegts"
        case .wav: "wav"
        case .mp4: "mp4"
        case .jsonl: ""
        }
    }

    /// A file stays playable as far as it is written when the process is killed, and at most half a second of it is
    /// lost: Matroska writes a cluster, mp4 a fragment when it is complete; the others write through. WAV leaves room
    /// for sizes of 64 bits (RF64, EBU Tech 3306).
    var options: [String: String] {
        switch self {
        case .webm, .mkv: ["cluster_time_limit": "500"]
        case .mp4: ["movflags": "frag_keyframe+delay_moov+default_base_moof", "frag_duration": "500000"]
        case .wav: ["rf64": "auto"]
        case .ts, .jsonl: [:]
        }
    }

    /// The header tells when each stream begins, and of some codecs what their first packet says. So it comes with the
    /// first fragment, and no stream is in the file that has sent nothing by then.
    var wantsFirstItems: Bool { self == .mp4 }

    /// Sentences about the geometry of pictures that the file cannot say.
    func untold(_ format: MediaFormat) -> [String] {
        guard let video = format.video, self != .mp4 else { return [] }
        let name = self == .ts ? "a transport stream" : "\(rawValue)"
        return video.untold(by: name, turn: true, shownIn: self == .ts ? format.statedPixelAspect : nil)
    }

    /// A sentence where a packet that is to be decoded and not shown, as before the cut of an mp4's edit list, is
    /// shown. The first packets of audio, which only set up a decoder, are too few to be told.
    func untoldCut(_ format: MediaFormat) -> String? {
        guard format.kind.isVideo, self != .mp4 else { return nil }
        return "pictures from before the cut of the file that they come from are shown, since "
            + "\(self == .ts ? "a transport stream" : rawValue) cannot hide them. "
            + "Record to .mp4, or decode and encode them."
    }

    /// A file that has begun with `format` takes the item, whose format may be another one.
    func goesOn(with item: MediaItem, in format: MediaFormat) -> Bool {
        let other = (item as? Packet).map { item.format.configured(by: $0) } ?? item.format
        guard other.kind == format.kind, other.codec == format.codec else { return false }
        if let audio = format.audio {
            guard let next = other.audio, next.rate == audio.rate, next.channels == audio.channels,
                next.sampleFormat == audio.sampleFormat, next.speakers == audio.speakers
            else { return false }
        }
        // Keyframes of VP8 and VP9 carry their size (RFC 6386, section 9.1), and so do parameter sets in a transport
        // stream.
        let carriesSize = format.codec == .vp8 || format.codec == .vp9 || self == .ts
        if let video = format.video, !carriesSize {
            guard let next = other.video, next.width == video.width, next.height == video.height else { return false }
        }
        // The container's word goes before the codec's.
        if let video = format.video, self != .ts, !other.lacksConfiguration,
            other.video?.pixelAspect != video.pixelAspect
        {
            return false
        }
        if let video = format.video, self == .mp4, other.video?.orientation != video.orientation { return false }
        let isCarried =
            other.lacksConfiguration || self == .ts && format.codec != .opus && item.format.configuration.isEmpty
        return isCarried || other.configuration == format.configuration
    }

    /// Codecs that it takes, the project's encoders' first; nil: whatever libavformat lets it take.
    func codecs(_ track: Track) -> [MediaFormat.Codec]? {
        switch (self, track) {
        case (.webm, .video): [.vp8, .vp9, .init("av1")]
        case (.webm, .audio): [.opus, .init("vorbis")]
        case (.ts, .video): [.h264, .init("hevc"), .init("mpeg2video")]
        case (.ts, .audio): [.opus, .aac, .init("mp3"), .init("mp2"), .init("ac3"), .init("eac3")]
        case (.mp4, .video): [.h264, .init("hevc"), .init("av1"), .vp9]
        case (.mp4, .audio): [.opus, .aac, .init("mp3"), .init("ac3"), .init("eac3"), .init("alac")]
        case (.wav, _), (.jsonl, _): []
        case (.mkv, _): nil
        }
    }

    var takesRawAudio: Bool { self == .wav || self == .mkv }

    func takes(_ format: MediaFormat) -> Bool {
        guard self != .jsonl, format.kind != .data else { return self == .jsonl && format.kind == .data }
        if format.kind == .rawAudio { return takesRawAudio }
        guard let codec = format.codec else { return false }
        return codecs(format.kind.isAudio ? .audio : .video)?.contains(codec) ?? isWritten(format)
    }

    /// libavformat 5.1 writes them into Matroska without what their decoders need.
    private static let undecodable: Set<String> = ["adpcm_swf", "qtrle"]

    /// libavformat writes a header with it: its lists of codecs hold more than Matroska has a word for. A format that
    /// lacks what only a packet tells is taken: that is still to come.
    private func isWritten(_ format: MediaFormat) -> Bool {
        guard let codec = format.codec, !Container.undecodable.contains(codec.name) else { return false }
        guard !format.lacksConfiguration else { return true }
        guard let muxer = try? Muxer(container: muxer, options: options, to: Nowhere()) else { return false }
        do {
            try muxer.add(format)
            try muxer.open()
            return true
        } catch { return false }
    }

    private final class Nowhere: ByteSink {
        func write(_ bytes: UnsafeRawBufferPointer) -> Int32 { 0 }
        let isSeekable = true
        func seek(to offset: Int64) -> Bool { true }
    }

    /// The sentence and the advice for a format that it does not take.
    func refusal(_ format: MediaFormat, path: String) -> NodeError {
        let track: Track = format.kind.isAudio ? .audio : .video
        let wanted = codecs(track).map { $0.map(\.name).joined(separator: ", ") }
        let takes =
            switch (self, track) {
            case (.jsonl, _): "takes data alone"
            case (.wav, .video): "takes no video"
            case (.wav, .audio): "takes raw audio"
            case (.mkv, _) where format.codec?.name == "none": "does not hold a codec that libavformat does not know"
            case (.mkv, _): "has no word for \(format.codec?.name ?? "data")"
            default: "takes \(wanted ?? "coded") \(track.name)"
            }
        let encoder: String? =
            switch (self, track) {
            case (.webm, .video): "vp8-encoder"
            case (.mkv, .video), (.ts, .video), (.mp4, .video): "h264-encoder"
            case (.wav, .video), (.jsonl, _): nil
            case (.wav, .audio): format.codec == .opus ? "opus-decoder" : "audio-decoder"
            case (_, .audio): "opus-encoder"
            }
        var advice = "Record to a file of another kind (\(Container.endings))."
        if let encoder {
            let needsDecoding = format.codec != nil && self != .wav
            let decoder =
                needsDecoding
                ? (track == .video
                    ? "video-decoder and " : format.codec == .opus ? "opus-decoder and " : "audio-decoder and ") : ""
            advice = "Put \(decoder)\(encoder) before \(track.name)"
            let others = Container.allCases.filter { $0 != self && $0.takes(format) }
            advice +=
                others.isEmpty ? "." : ", or record to \(others.map { "." + $0.rawValue }.joined(separator: " or "))."
        }
        return NodeError("\(rawValue) \(takes); \(format) arrives for \"\(path)\"", advice: advice, isInputError: true)
    }
}
