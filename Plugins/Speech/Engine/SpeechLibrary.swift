import Glibc
import Sluice

/// libsluicespeech.so, opened while a graph runs, so that the plugin works without it until somebody is to be heard.
/// tools/speech/sluicespeech.h tells each call. Never unloaded. From any thread.
final class SpeechLibrary: @unchecked Sendable {
    typealias Handle = UnsafeMutableRawPointer
    typealias Asking = @convention(c) (Handle?) -> Int32

    private typealias Number = @convention(c) () -> Int32
    private typealias Text = @convention(c) () -> UnsafePointer<CChar>?

    let build: SpeechBuild
    let path: String
    /// The version of whisper.cpp.
    let version: String

    let language: @convention(c) (UnsafePointer<CChar>) -> Int32
    let openModel: @convention(c) (UnsafePointer<CChar>) -> Handle?
    let closeModel: @convention(c) (Handle) -> Void
    let isMultilingual: @convention(c) (Handle) -> Int32
    let openWriter: @convention(c) (Handle) -> Handle?
    let closeWriter: @convention(c) (Handle) -> Void
    let write:
        @convention(c) (
            Handle, UnsafePointer<Float>, Int32, UnsafePointer<CChar>, Int32, Int32, Int32, Asking?, Handle?
        ) -> Int32
    let token:
        @convention(c) (
            Handle, Int32, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
        ) -> UnsafePointer<CChar>
    let beginsSegment: @convention(c) (Handle, Int32) -> Int32
    let confidence: @convention(c) (Handle, UnsafeMutablePointer<Float>) -> Float
    let writtenLanguage: @convention(c) (Handle) -> UnsafePointer<CChar>
    let openDetector: @convention(c) () -> Handle?
    let closeDetector: @convention(c) (Handle) -> Void
    let resetDetector: @convention(c) (Handle) -> Void
    let nextProbability: @convention(c) (Handle, UnsafePointer<Float>) -> Float

    /// The fastest build that this CPU runs and that is there. Throws where there is none, or it is another version's.
    static func open(
        _ builds: [SpeechBuild] = SpeechBuild.usable, in directories: [String] = SpeechPlaces.directories
    ) throws -> SpeechLibrary {
        for build in builds {
            if let path = SpeechPlaces.find(build.file, in: directories) { return try SpeechLibrary(build, path) }
        }
        throw NodeError(
            "\(builds.last?.file ?? "libsluicespeech.so") is not there, which hears speech",
            advice: SpeechPlaces.advice,
            isInputError: true)
    }

    private init(_ build: SpeechBuild, _ path: String) throws {
        (self.build, self.path) = (build, path)
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            let reason = dlerror().map { String(cString: $0) } ?? "it does not load"
            throw NodeError("\(path) cannot be used: \(reason)", advice: SpeechPlaces.advice, isInputError: true)
        }
        func symbol<Function>(_ name: String, as type: Function.Type) throws -> Function {
            guard let found = dlsym(library, "sluice_" + name) else {
                throw NodeError("\(path) has no sluice_\(name)", advice: SpeechPlaces.advice, isInputError: true)
            }
            return unsafeBitCast(found, to: type)
        }
        let number = try symbol("speech_interface", as: Number.self)()
        guard number == 2 else {
            throw NodeError(
                "\(path) is of another version (interface \(number), this one is 2)", advice: SpeechPlaces.advice,
                isInputError: true)
        }
        version = try symbol("speech_engine", as: Text.self)().map { String(cString: $0) } ?? ""
        language = try symbol("speech_language", as: (@convention(c) (UnsafePointer<CChar>) -> Int32).self)
        openModel = try symbol("model_open", as: (@convention(c) (UnsafePointer<CChar>) -> Handle?).self)
        closeModel = try symbol("model_close", as: (@convention(c) (Handle) -> Void).self)
        isMultilingual = try symbol("model_is_multilingual", as: (@convention(c) (Handle) -> Int32).self)
        openWriter = try symbol("writer_open", as: (@convention(c) (Handle) -> Handle?).self)
        closeWriter = try symbol("writer_close", as: (@convention(c) (Handle) -> Void).self)
        write = try symbol(
            "writer_write",
            as: (@convention(c) (
                Handle, UnsafePointer<Float>, Int32, UnsafePointer<CChar>, Int32, Int32, Int32, Asking?, Handle?
            ) -> Int32).self)
        token = try symbol(
            "writer_token",
            as: (@convention(c) (
                Handle, Int32, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>
            ) -> UnsafePointer<CChar>).self)
        beginsSegment = try symbol("writer_begins_segment", as: (@convention(c) (Handle, Int32) -> Int32).self)
        confidence = try symbol(
            "writer_confidence", as: (@convention(c) (Handle, UnsafeMutablePointer<Float>) -> Float).self)
        writtenLanguage = try symbol("writer_language", as: (@convention(c) (Handle) -> UnsafePointer<CChar>).self)
        openDetector = try symbol("detector_open", as: (@convention(c) () -> Handle?).self)
        closeDetector = try symbol("detector_close", as: (@convention(c) (Handle) -> Void).self)
        resetDetector = try symbol("detector_reset", as: (@convention(c) (Handle) -> Void).self)
        nextProbability = try symbol(
            "detector_next", as: (@convention(c) (Handle, UnsafePointer<Float>) -> Float).self)
    }
}
