import Foundation
import TestSupport
import Testing

private enum SpokenClip {
    static let directory = Built.root.appending(path: ".build/speech")
    static let isThere = FileManager.default.fileExists(
        atPath: directory.appending(path: "ggml-tiny.en.bin").path)
    static let clip = Built.root.appending(path: "Tests/Fixtures/Speech/jfk.wav").path
    static let words =
        "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
}

/// The graph `call` by the command, and a caller as Twilio is one. Its words need what `tools/setup --speech` makes.
@Suite(.realPeers, .enabled(if: SpokenClip.isThere, "speech is not set up: tools/setup --speech"))
struct CallTests {
    /// Runs the graph while `body` calls, and gives what it wrote and said.
    private func run(
        _ settings: [String] = [], environment: [String: String] = [:], in scratch: Scratch,
        call: @escaping @Sendable (_ voice: String) -> Void
    ) throws -> CommandRun {
        let port = Ports.one()
        var words = ["run", Built.root.appending(path: "graphs/call.json").path, "--set", "listen=127.0.0.1:\(port)"]
        words += settings.flatMap { ["--set", $0] } + ["--report", "report.json"]
        return try CommandRun(
            words, in: scratch.url,
            environment: environment.merging(["SLUICE_SPEECH_PATH": SpokenClip.directory.path]) { $1 }
        ) { process in
            Thread.detachNewThread {
                call("http://127.0.0.1:\(port)/twilio/voice")
                kill(process, SIGINT)
            }
        }
    }

    /// The caller's end, and the facts that it tells of each call.
    private static func place(_ voice: String, _ words: [String], in scratch: URL) -> (
        status: Int32, facts: [[String: Any]]
    ) {
        let output = scratch.appending(path: "caller.json")
        let script = Built.root.appending(path: "tools/stt-server/twilio.py").path
        // The port opens a moment after the command has begun.
        let all = ["/usr/bin/python3", script, voice, SpokenClip.clip, "--wait", "10"] + words
        guard let peer = try? PeerProcess(all, output: output) else {
            return (-1, [])
        }
        peer.waitUntilExit()
        let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
        let facts = text.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        return (peer.terminationStatus, facts)
    }

    @Test func aCallGivesItsWords() throws {
        let scratch = try Scratch()
        let folder = scratch.url
        let run = try run(["transcript=call.vtt"], in: scratch) { voice in
            let (status, _) = Self.place(voice, ["--speed", "4", "--swap", "0.05", "--keys", "1"], in: folder)
            #expect(status == 0)
        }
        #expect(run.status == 0, "\(run.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".vtt") }
        try #require(files.count == 1, "\(files)")
        let captions = try String(contentsOf: folder.appending(path: files[0]), encoding: .utf8)
        let cues = captions.components(separatedBy: "\n\n").dropFirst().compactMap { $0.split(separator: "\n").last }
        #expect(Words.wrong(cues.joined(separator: " "), SpokenClip.words) <= 3, "\(cues)")
        #expect(captions.hasPrefix("WEBVTT\n\n00:00:00.3"))
        // No spoken word stands in a line.
        #expect(!run.errors.lowercased().contains("country"))
    }

    @Test func aGreetingIsInterruptedByTheCaller() throws {
        let scratch = try Scratch()
        let folder = scratch.url
        let run = try run(["reply=greeting", "greeting=\(SpokenClip.clip)"], in: scratch) { voice in
            let (status, facts) = Self.place(voice, ["--silence", "0.2"], in: folder)
            #expect(status == 0 && facts.count == 1)
            // The caller speaks at 0.32 s, and is heard at 0.4 s: 20 frames, and those of a busy machine.
            #expect(1...80 ~= facts.first?["frames"] as? Int ?? 0, "\(facts)")
            #expect(facts.first?["odd_frames"] as? Int == 0 && facts.first?["clears"] as? Int ?? 0 >= 1)
        }
        #expect(run.status == 0, "\(run.errors)")
        // The interruption does not cut what the caller says.
        #expect(Words.wrong(run.output, SpokenClip.words) <= 3, "\(run.output)")
    }

    @Test func callsAreSignedAndLimited() throws {
        let scratch = try Scratch()
        let folder = scratch.url
        let run = try run(["calls=2"], environment: ["TWILIO_AUTH_TOKEN": "0123456789abcdef"], in: scratch) { voice in
            let fast = ["--speed", "8"]
            #expect(Self.place(voice, fast, in: folder).status == 5)
            #expect(Self.place(voice, fast + ["--auth-token", "another"], in: folder).status == 5)
            let right = ["--auth-token", "0123456789abcdef"]
            #expect(Self.place(voice, fast + right, in: folder).status == 0)
            let (status, facts) = Self.place(voice, right + ["--calls", "4", "--speed", "8"], in: folder)
            #expect(status == 3 || status == 4)
            let ends = facts.map { $0["closed"] as? String ?? "" }
            #expect(ends.filter { $0 == "busy" || $0.hasPrefix("1013 2 calls are under way") }.count == 2, "\(ends)")
        }
        #expect(run.status == 0 && run.errors.contains("X-Twilio-Signature"), "\(run.errors)")
        #expect(!run.errors.contains("0123456789abcdef"))
    }
}

/// Words that are wrong, left out or too many, by the least number of changes.
enum Words {
    static func wrong(_ heard: String, _ wanted: String) -> Int {
        func bare(_ text: String) -> [String] {
            text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        }
        let (heard, wanted) = (bare(heard), bare(wanted))
        var row = Array(0...wanted.count)
        for (index, word) in heard.enumerated() {
            var next = [index + 1]
            for (place, other) in wanted.enumerated() {
                next.append(min(row[place] + (word == other ? 0 : 1), row[place + 1] + 1, next[place] + 1))
            }
            row = next
        }
        return row[wanted.count]
    }
}
