import Glibc
import Sluice

/// A Whisper model in memory, shared by all workers. From any thread.
final class SpeechModel: @unchecked Sendable {
    let library: SpeechLibrary
    let path: String
    let handle: SpeechLibrary.Handle
    let isMultilingual: Bool

    /// The name that `tools/setup --speech` gives the model that it fetches.
    static let standard = "ggml-tiny.en.bin"

    /// Reads the file, some 0.2 s for tiny. An empty path is the standard model. Throws where it is no model.
    init(_ path: String, _ library: SpeechLibrary) throws {
        guard let found = path.isEmpty ? SpeechPlaces.find(SpeechModel.standard) : path else {
            throw NodeError(
                "\(SpeechModel.standard) is not there, the model of Whisper that writes",
                advice: "Run tools/setup --speech, which fetches it, or give any ggml Whisper file as \"model\".",
                isInputError: true)
        }
        try SpeechModel.check(found)
        guard let handle = library.openModel(found) else {
            throw NodeError(
                "whisper.cpp does not take \"\(found)\"", advice: "Give another ggml Whisper file as \"model\".",
                isInputError: true)
        }
        (self.library, self.path, self.handle) = (library, found, handle)
        isMultilingual = library.isMultilingual(handle) != 0
    }

    deinit { library.closeModel(handle) }

    private static func check(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw NodeError("cannot open the model \"\(path)\": \(errorText(errno))", isInputError: true)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw NodeError("the model \"\(path)\" is no regular file", isInputError: true)
        }
        do throws(ModelFile.Fault) {
            _ = try ModelFile(ofFileOf: Int64(status.st_size)) { offset, count in
                [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
                    filled = max(0, pread(file, bytes.baseAddress, count, off_t(offset)))
                }
            }
        } catch {
            throw NodeError(
                "the model \"\(path)\" cannot be used: \(error.words)",
                advice: "Fetch it again, or give another ggml Whisper file as \"model\".", isInputError: true)
        }
    }

    /// A code that Whisper knows, for a code or an English name. Empty lets it guess, where it knows more than English.
    func language(_ name: String) throws -> String {
        guard isMultilingual else {
            guard ["", "en", "english"].contains(name.lowercased()) else {
                throw NodeError(
                    "\"\(path)\" knows English alone, not \"\(name)\"",
                    advice: "Give a multilingual Whisper file as \"model\".", isInputError: true)
            }
            return "en"
        }
        guard !name.isEmpty else { return "" }
        guard library.language(name.lowercased()) >= 0 else {
            throw NodeError(
                "Whisper knows no language \"\(name)\"", advice: "Give its code, as \"en\" or \"ko\".",
                isInputError: true)
        }
        return name.lowercased()
    }
}
