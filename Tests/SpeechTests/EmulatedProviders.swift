import Foundation
import TestSupport
import Testing

/// One of the emulators in tools/stt-server, while a test runs.
final class EmulatedProvider {
    /// `http://HOST:PORT`.
    let url: String
    private let process = Process()

    init(_ provider: String, _ options: [String] = []) throws {
        process.executableURL = Built.root.appending(path: "tools/stt-server/emulate")
        process.arguments = [provider] + options
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte != Data("\n".utf8) {
            line += byte
        }
        url = String(decoding: line, as: UTF8.self)
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// Commands of a shell that do faults, each so many seconds behind the one before.
    func faults(_ faults: [(after: Double, query: String)]) -> String {
        faults.map { "sleep \($0.after); curl -s '\(url)/control?\($0.query)' >/dev/null" }.joined(separator: "; ")
    }
}

/// A live call through the real node, by the command, to emulators on this machine.
struct EmulatedCall {
    var texts: [[String: Any]] = []
    var errors = ""
    var metrics: [String: Any] = [:]

    var words: [String] { SpeechClip.bare(texts.compactMap { $0["text"] as? String }.joined(separator: " ")) }

    static let secret = "s3cr3t-of-the-client"

    init(
        _ providers: String, _ provider: EmulatedProvider, feeds: String = "speech", warm: Int = 0,
        faults: [(after: Double, query: String)] = [], settings: String = "", environment: [String: String] = [:]
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "emulated-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let graph = """
            {"parameters": {"secret": {"secret": true, "env": "STT_SECRET", "default": ""}},
            "nodes": {
            "source": {"type": "source", "open": "\(SpeechClip.path)", "pace": "live"},
            "voice": {"type": "voice-activity"},
            "stt": {"type": "stt-stream", "providers": "\(providers)", "warm": \(warm), "rtzr_client_id": "me",
            \(settings) "rtzr_client_secret": "${secret}", "rtzr_url": "\(provider.url)",
            "deepgram_url": "\(provider.url)", "deepgram_key": "${secret}", "vosk_url": "\(provider.url)",
            "openai_url": "\(provider.url)", "openai_key": "${secret}"},
            "text": {"type": "text-output", "path": "texts.jsonl"}},
            "edges": ["source.audio -> voice", "voice.\(feeds) -> stt", "stt.text -> text.in"],
            "controls": ["voice.ended -> stt.finalize"]}
            """
        try graph.write(to: folder.appending(path: "graph.json"), atomically: true, encoding: .utf8)
        let run = try CommandRun(
            [
                "-c", "(\(faults.isEmpty ? "true" : provider.faults(faults))) & \"$0\" \"$@\"; exit $?",
                Built.file("sluice").path, "run", "graph.json", "--report", "report.json",
            ], in: folder, environment: environment.merging(["STT_SECRET": EmulatedCall.secret]) { $1 },
            executable: URL(fileURLWithPath: "/bin/sh"))
        #expect(run.status == 0, "\(run.errors)")
        errors = run.errors
        let lines = try String(contentsOf: folder.appending(path: "texts.jsonl"), encoding: .utf8)
        texts = try lines.split(separator: "\n").map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        let report = try Data(contentsOf: folder.appending(path: "report.json"))
        let whole = try JSONSerialization.jsonObject(with: report) as? [String: Any]
        let nodes = whole?["nodes"] as? [String: Any]
        metrics = (nodes?["stt"] as? [String: Any])?["metrics"] as? [String: Any] ?? [:]
        // Neither a spoken word nor a secret is in what is said or reported.
        let said = (errors + String(decoding: report, as: UTF8.self)).lowercased()
        #expect(!said.contains("americans") && !said.contains(EmulatedCall.secret))
    }
}
