import Glibc
import Sluice
import Synchronization

/// The engine of speech that nodes ask for. From any thread.
protocol SpeechEngine: AnyObject, Sendable {
    /// Throws where there is none.
    func detector() throws -> any VoiceDetector
    /// Whisper in the process, for one stream. Texts come by the inbox. In virtual time there is none, and they are
    /// written at once. Throws where the model or the language are none.
    func local(
        model: String, _ settings: LocalProvider.Settings, inbox: NodeContext.Inbox<ProviderEvent>?
    ) throws -> any SpeechProvider
}

/// Speech of the process: one library, its models, and workers that all graphs share.
public final class Speech: Service, SpeechEngine, @unchecked Sendable {
    public static let descriptor = ServiceDescriptor(
        "speech", summary: "Hears and writes speech within the process", scope: .host)

    @Parameter(
        "threads", default: 0, range: 0...256,
        help: "The number of utterances that are written at a time. 0 is one less than the machine has cores.")
    var threads: Int
    @Parameter(
        "queue", default: 32, range: 1...1_000, help: "The number of utterances that may wait to be written, at most.")
    var queue: Int

    private struct Weak: Sendable { weak var model: SpeechModel? }

    private let library = Mutex<SpeechLibrary?>(nil)
    private let models = Mutex<[String: Weak]>([:])
    private let streams = Atomic<Int>(0)
    private var pool: DecodePool?

    public init() {}

    public func open(_ context: ServiceContext) {
        let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        pool = DecodePool(threads: threads > 0 ? threads : max(1, cores - 1), capacity: queue)
    }

    public func close() { pool?.close() }

    func detector() throws -> any VoiceDetector { SileroDetector(try opened()) }

    func local(
        model: String, _ settings: LocalProvider.Settings, inbox: NodeContext.Inbox<ProviderEvent>?
    ) throws -> any SpeechProvider { try LocalProvider(self, model: model, settings, inbox: inbox) }

    /// A model by its path, or the standard one. Those who ask for the same one share it.
    func model(_ path: String) throws -> SpeechModel {
        let library = try opened()
        return try models.withLock { models in
            if let model = models[path]?.model { return model }
            let model = try SpeechModel(path, library)
            models[path] = Weak(model: model)
            return model
        }
    }

    /// A number for a stream's jobs.
    func newStream() -> Int { streams.wrappingAdd(1, ordering: .relaxed).newValue }

    /// False where too many jobs wait.
    func add(_ job: DecodeJob) -> Bool { pool?.add(job) == true }

    func remove(stream: Int) { pool?.remove(stream: stream) }

    private func opened() throws -> SpeechLibrary {
        try library.withLock { library in
            if let library { return library }
            let opened = try SpeechLibrary.open()
            library = opened
            return opened
        }
    }
}
