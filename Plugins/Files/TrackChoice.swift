import CLibAV
import LibAV
import Sluice

/// The tracks of one kind in a file, and which of them is taken.
struct TrackChoice {
    struct Candidate {
        var index: Int32
        /// As the file says it, mostly three letters (ISO 639-2); empty where it does not.
        var language = ""
        var title = ""
        /// `aac 48000 Hz 2 ch`.
        var format = ""

        /// `deu, ac3 48000 Hz 6 ch, "Commentary"`.
        var words: String {
            [language, format, title.isEmpty ? "" : "\"\(title)\""].filter { !$0.isEmpty }.joined(separator: ", ")
        }
    }

    let track: Track
    let candidates: [Candidate]

    /// Those of a file that can be told apart; cover pictures are no video.
    init(_ track: Track, in context: UnsafeMutablePointer<AVFormatContext>) {
        self.track = track
        let kind = track == .video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO
        var found: [Candidate] = []
        for index in 0..<Int(context.pointee.nb_streams) {
            guard let stream = context.pointee.streams[index], stream.pointee.codecpar.pointee.codec_type == kind,
                stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0
            else { continue }
            func tag(_ name: String) -> String {
                guard let entry = av_dict_get(stream.pointee.metadata, name, nil, 0) else { return "" }
                let text = String(cString: entry.pointee.value).unicodeScalars.filter {
                    $0.value >= 32 && $0.value != 127
                }
                return String(String(String.UnicodeScalarView(text)).prefix(40))
            }
            let format = MediaFormat(stream.pointee.codecpar.pointee).map { "\($0)" } ?? ""
            let language = tag("language")
            found.append(
                Candidate(
                    index: stream.pointee.index, language: language == "und" ? "" : language, title: tag("title"),
                    format: format.split(separator: " ").dropFirst().joined(separator: " ")))
        }
        candidates = found
    }

    init(_ track: Track, _ candidates: [Candidate]) { (self.track, self.candidates) = (track, candidates) }

    /// The track that `wanted` names: its number among those of its kind, from 1, or its language. nil where there is
    /// none of that name.
    func find(_ wanted: String) -> Candidate? {
        if let number = Int(wanted) { return candidates.indices.contains(number - 1) ? candidates[number - 1] : nil }
        let language = TrackChoice.normal(wanted)
        return candidates.first { TrackChoice.normal($0.language) == language }
    }

    func refusal(of wanted: String, path: String) -> NodeError {
        let list = candidates.enumerated().map { "\($0 + 1) (\($1.words))" }.joined(separator: ", ")
        return NodeError(
            "\"\(path)\" has no \(track.name) track \"\(wanted)\"",
            advice: candidates.isEmpty ? "It has no \(track.name) at all." : "It has \(list).", isInputError: true)
    }

    /// For the log, where there is a choice: what was taken of what.
    func words(taking index: Int32) -> String? {
        guard candidates.count > 1, let number = candidates.firstIndex(where: { $0.index == index }) else { return nil }
        let others = candidates.enumerated().filter { $0.offset != number }
            .map { "\($0 + 1)" + ($1.language.isEmpty ? "" : " \($1.language)") }
        return "of \(candidates.count) \(track.name) tracks takes \(number + 1) (\(candidates[number].words)); "
            + "\(track.name)_track chooses: \(others.joined(separator: ", "))"
    }

    /// One spelling of a language: the terminological code of ISO 639-2.
    private static func normal(_ language: String) -> String {
        let name = language.lowercased().split(separator: "-").first.map(String.init) ?? ""
        return spellings[name] ?? name
    }

    /// Codes of two letters (ISO 639-1), and bibliographic ones.
    private static let spellings: [String: String] = [
        "ger": "deu", "fre": "fra", "dut": "nld", "cze": "ces", "gre": "ell", "chi": "zho", "rum": "ron", "slo": "slk",
        "per": "fas", "ice": "isl", "alb": "sqi", "arm": "hye", "baq": "eus", "geo": "kat", "mac": "mkd", "may": "msa",
        "de": "deu", "fr": "fra", "nl": "nld", "cs": "ces", "el": "ell", "zh": "zho", "ro": "ron", "sk": "slk",
        "fa": "fas", "is": "isl", "sq": "sqi", "hy": "hye", "eu": "eus", "ka": "kat", "mk": "mkd", "ms": "msa",
        "en": "eng", "es": "spa", "it": "ita", "pt": "por", "ru": "rus", "ja": "jpn", "ko": "kor", "ar": "ara",
        "hi": "hin", "tr": "tur", "pl": "pol", "uk": "ukr", "sv": "swe", "da": "dan", "no": "nor", "nb": "nob",
        "fi": "fin", "hu": "hun", "bg": "bul", "hr": "hrv", "sr": "srp", "sl": "slv", "he": "heb", "th": "tha",
        "vi": "vie", "id": "ind", "ca": "cat", "et": "est", "lv": "lav", "lt": "lit", "ga": "gle", "la": "lat",
    ]
}
