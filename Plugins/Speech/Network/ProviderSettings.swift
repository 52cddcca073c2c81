import Sluice
import WebSocketClient

/// The parameters of `stt-stream` as providers.
struct ProviderSettings {
    static let known = ["local", "rtzr", "deepgram", "vosk", "openai"]

    var providers: String
    var language: String
    var model = ""
    var partials = 0.0
    var clientID = ""
    var clientSecret = ""
    var rtzrURL = ""
    /// Of RTZR's query.
    var rtzr: [(name: String, value: String)] = []
    var rtzrAudio = RTZRAudio()
    var deepgramKey = ""
    var deepgramURL = ""
    var deepgramModel = ""
    var voskURL = ""
    /// Connections that are kept ready for the next stream.
    var warm = 0
    var openAIKey = ""
    var openAIURL = ""
    var openAIModel = ""

    /// Throws where a name, an address or what belongs to it is wrong. With `holds` the audio that has no final is kept
    /// for `local` too.
    func provider(_ engine: any SpeechEngine, _ context: NodeContext, holds: Bool) throws -> any SpeechProvider {
        let told = providers.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
        let names = providers.isEmpty ? [openAIURL.isEmpty ? "local" : "openai"] : told
        guard !names.isEmpty, Set(names).count == names.count else {
            throw NodeError(
                "providers is \"\(providers)\"", advice: "Name each once, the first one first: \"rtzr, local\".",
                isInputError: true)
        }
        let members = try names.map { try provider($0, engine, context) }
        if names == ["local"], !holds { return members[0] }
        // Speech is told from noise where the library is there; elsewhere everything loud is speech.
        return ProviderList(members, detector: try? engine.detector())
    }

    private func provider(_ name: String, _ engine: any SpeechEngine, _ context: NodeContext) throws
        -> any SpeechProvider
    {
        if name == "local" {
            let inbox = context.isVirtual ? nil : context.inbox(of: ProviderEvent.self, capacity: 1_024)
            var settings = LocalProvider.Settings()
            (settings.language, settings.partials) = (language, partials)
            return try engine.local(model: model, settings, inbox: inbox)
        }
        guard ProviderSettings.known.contains(name) else {
            throw NodeError(
                "\"\(name)\" is no provider",
                advice: NodeError.suggestion(for: name, in: ProviderSettings.known, listing: "There are"),
                isInputError: true)
        }
        guard !context.isVirtual else {
            throw NodeError(
                "\(name) is on the network, which does not follow virtual time",
                advice: "Let the clock be the system's.",
                isInputError: true)
        }
        switch name {
        case "rtzr":
            guard !clientID.isEmpty, !clientSecret.isEmpty else {
                throw NodeError(
                    "rtzr has no credentials",
                    advice: "Give rtzr_client_id and rtzr_client_secret, by parameters that are secrets.",
                    isInputError: true)
            }
            for flag in rtzr where flag.name.hasPrefix("use_") {
                guard ["", "true", "false"].contains(flag.value) else {
                    throw NodeError(
                        "\(flag.name) is \"\(flag.value)\"", advice: "Give true or false, or leave it out.",
                        isInputError: true)
                }
            }
            guard RTZRAudio.rates.contains(rtzrAudio.rate) else {
                throw NodeError(
                    "rtzr_sample_rate is \(rtzrAudio.rate)",
                    advice: "Give 16000, at which speech is heard here, or 8000, as telephones have it.",
                    isInputError: true)
            }
            let url = try address(rtzrURL, "rtzr_url")
            let wire = RTZRWire(url: url, rtzr.map { .init(name: $0.name, value: $0.value) }, audio: rtzrAudio)
            let client = NetworkProvider.Client(url: url, id: clientID, secret: clientSecret)
            return NetworkProvider(wire, client: client, warm: warm, context)
        case "deepgram":
            let options = DeepgramWire.Options(
                url: try address(deepgramURL, "deepgram_url"), key: deepgramKey, model: deepgramModel,
                language: language)
            return NetworkProvider(DeepgramWire(options), warm: warm, context)
        case "openai":
            let url = try ProviderSettings.address(
                of: openAIURL.isEmpty ? "https://api.openai.com" : openAIURL, path: ProviderSettings.transcriptions,
                parameter: "openai_url")
            let form = TranscriptionForm(url: url, key: openAIKey, model: openAIModel, language: language)
            return OpenAIProvider(form, context)
        default:
            let wire = VoskWire(url: try address(voskURL, "vosk_url"), language: language)
            return NetworkProvider(wire, warm: warm, context)
        }
    }

    static let transcriptions = "/v1/audio/transcriptions"

    /// The whole address of a server of OpenAI's kind: `path` is added where it has none. Throws where it is none.
    static func address(of text: String, path: String, parameter: String) throws -> String {
        let url = try address(text, parameter)
        let hasPath = WebSocketAddress(url).map { $0.path != "/" } ?? false
        return hasPath ? url : url + path
    }

    private func address(_ text: String, _ parameter: String) throws -> String {
        try ProviderSettings.address(text, parameter)
    }

    /// Without a slash at its end; of HTTP, which serves for tokens and for WebSockets.
    private static func address(_ text: String, _ parameter: String) throws -> String {
        guard let address = WebSocketAddress(text) else {
            throw NodeError(
                "\(parameter) is no address", advice: "Write it as https://HOST or http://HOST:PORT.",
                isInputError: true)
        }
        let path = address.path.hasSuffix("/") ? String(address.path.dropLast()) : address.path
        return "\(address.hasTLS ? "https" : "http")://\(address.authority)\(path)"
    }
}
