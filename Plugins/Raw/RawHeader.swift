import Sluice

/// The beginning of a file that is not raw: its header would be heard as noise, or seen as a row of wrong pixels. Pure.
enum RawHeader {
    /// Bytes from the start that are looked at.
    static let size = 12

    /// The kind of file, as in "a WAV file"; nil where the bytes may be raw media. Signatures of fewer than four bytes
    /// are left out: samples and pixels may be any.
    static func kind(of bytes: UnsafeRawBufferPointer) -> String? {
        func has(_ text: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset + text.utf8.count && zip(text.utf8, bytes[offset...]).allSatisfy { $0 == $1 }
        }
        if has("RIFF") { return has("WAVE", at: 8) ? "a WAV file" : has("AVI ", at: 8) ? "an AVI file" : nil }
        if has("RF64"), has("WAVE", at: 8) { return "a WAV file" }
        if has("FORM"), has("AIF", at: 8) { return "an AIFF file" }
        if has("fLaC") { return "a FLAC file" }
        if has("OggS") { return "an Ogg file" }
        if has("caff") { return "a CAF file" }
        if has(".snd") { return "an AU file" }
        if has("YUV4MPEG2") { return "a YUV4MPEG2 stream (y4m)" }
        if has("ftyp", at: 4) { return "an MP4 file" }
        if has("\u{1a}E") && bytes.count >= 4 && bytes[2] == 0xdf && bytes[3] == 0xa3 { return "a Matroska file" }
        if bytes.count >= 8 && bytes[0] == 0x89 && has("PNG\r\n\u{1a}\n", at: 1) { return "a PNG picture" }
        return nil
    }

    /// The error of a stream from `path` that begins so; nil where it may be raw media.
    static func refusal(of bytes: UnsafeRawBufferPointer, from path: String) -> NodeError? {
        guard let kind = kind(of: bytes) else { return nil }
        return NodeError(
            "\"\(path)\" begins with the header of \(kind); raw media have none, so it would be played as media",
            advice:
                "Let the node \"source\" open it, or write the media without a header (ffmpeg -f s16le, -f rawvideo).",
            isInputError: true)
    }
}
