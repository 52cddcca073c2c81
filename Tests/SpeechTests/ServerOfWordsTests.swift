import Foundation
import TestSupport
import Testing

private enum ServerSetup {
    static let isThere = FileManager.default.fileExists(
        atPath: Built.root.appending(path: ".build/stt-server/stamp").path)
}

/// tools/stt-server/whisper.py, a real server over faster-whisper: its formats, and its faults to order.
@Suite(
    .realPeers, .serialized,
    .enabled(if: ServerSetup.isThere, "there is no server of words: tools/setup --stt-server"))
struct ServerOfWordsTests {
    private func serve(_ words: [String], _ body: (_ address: String) throws -> Void) throws {
        let scratch = try Scratch()
        let told = scratch.url.appending(path: "address")
        let script = Built.root.appending(path: "tools/stt-server/whisper.py").path
        let server = try PeerProcess(["/usr/bin/python3", script, "--port", "0"] + words, output: told)
        defer { server.terminate() }
        var address = ""
        try wait(for: "the server") {
            address = try String(contentsOf: told, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
            return !address.isEmpty
        }
        try body(address)
    }

    /// The answer with its head, and curl's own status.
    private func ask(_ address: String, _ words: String...) throws -> (text: String, status: Int32) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["timeout", "50", "curl", "-s", "-i", "-F", "file=@\(SpeechClip.path)"] + words + [address]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (text, process.terminationStatus)
    }

    @Test func theFiveFormatsHaveTheWords() throws {
        try serve([]) { address in
            func words(_ format: String) throws -> String {
                let answer = try ask(address, "-F", "response_format=\(format)", "-F", "timestamp_granularities[]=word")
                #expect(answer.text.hasPrefix("HTTP/1.1 200"), "\(format): \(answer.text.prefix(200))")
                return answer.text.components(separatedBy: "\r\n\r\n").dropFirst().joined()
            }
            func text(_ json: String) throws -> [String: Any] {
                try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            }
            let plain = try words("text")
            #expect(SpeechClip.wrong(SpeechClip.bare(plain)) <= 1, "\(plain)")
            #expect(try text(words("json"))["text"] as? String == plain.trimmingCharacters(in: .newlines))
            let all = try text(words("verbose_json"))
            #expect(all["language"] as? String == "english" && all["duration"] as? Double == 11)
            #expect((all["words"] as? [Any])?.count == SpeechClip.bare(plain).count)
            let (vtt, srt) = (try words("vtt"), try words("srt"))
            #expect(vtt.hasPrefix("WEBVTT\n\n00:00:00.") && srt.hasPrefix("1\n00:00:00,"))
        }
    }

    @Test func faultsComeInTheirOrder() throws {
        try serve(["--faults", "429,close,half", "--token", "key", "--retry-after-s", "7"]) { address in
            let key = "Authorization: Bearer key"
            let busy = try ask(address, "-H", key).text
            #expect(busy.hasPrefix("HTTP/1.1 429") && busy.contains("Retry-After: 7\r\n"))
            #expect(busy.contains(#""code": "rate_limit_exceeded""#))
            #expect(try ask(address, "-H", key).status == 52)
            #expect(try ask(address, "-H", key).status == 18)
            #expect(try ask(address, "-H", key).text.hasPrefix("HTTP/1.1 200"))
            #expect(try ask(address).text.hasPrefix("HTTP/1.1 401"))
            #expect(try ask(address, "-H", key, "-F", "response_format=x").text.hasPrefix("HTTP/1.1 400"))
        }
    }
}
