import Foundation
import TestSupport
import Testing

private enum SpeechFiles {
    static let folder = Built.root.appending(path: ".build/speech")
    static let areThere = FileManager.default.fileExists(atPath: folder.appending(path: "ggml-tiny.en.bin").path)
}

/// The graph `talk` with `transcribe`, and Chromium with a clip as its microphone: the words come onto its page.
@Suite(
    .realPeers, .serialized,
    .enabled(if: SpeechFiles.areThere, "speech is not set up: tools/setup --speech"))
struct TalkCaptionTests {
    /// Comes to the captions when the last word of the clip stands there, or 30 s have gone.
    private static let expression = """
        new Promise(done => {
          const end = Date.now() + 30000, captions = document.getElementById("captions");
          const look = () => /country[^]*country/i.test(captions.innerText) || Date.now() > end
            ? done(captions.innerText) : setTimeout(look, 200);
          look();
        })
        """

    @Test(arguments: ["whep", "websocket"]) func theWordsOfTheMicrophoneComeOntoThePage(way: String) throws {
        let scratch = try Scratch()
        let talk = try String(contentsOf: Built.root.appending(path: "graphs/talk.json"), encoding: .utf8)
        let captions = "\"captions\": \"${transcribe}\""
        try #require(talk.contains(captions))
        let graph = try scratch.write(
            "talk.json", talk.replacingOccurrences(of: captions, with: "\"page\": \"\(way)\", \(captions)"))
        let (port, media) = (Ports.one(), Ports.one())
        let output = scratch.url.appending(path: "page.json")
        let run = try CommandRun(
            [
                "run", graph.path, "--set", "transcribe=true",
                "--set", "listen=127.0.0.1:\(port)", "--set", "media=127.0.0.1:\(media)",
            ], in: scratch.url, environment: ["SLUICE_SPEECH_PATH": SpeechFiles.folder.path]
        ) { process in
            Thread.detachNewThread {
                let folder = URL(filePath: #filePath).deletingLastPathComponent()
                let clip = Built.root.appending(path: "Tests/Fixtures/Speech/jfk.wav").path
                try? wait(for: "the page", atMost: 20) {
                    (try? String(contentsOf: URL(string: "http://127.0.0.1:\(port)/")!, encoding: .utf8)) != nil
                }
                let browser = try? PeerProcess(
                    [
                        "/usr/bin/python3", folder.appending(path: "Browser/chromium.py").path,
                        "http://127.0.0.1:\(port)/", Self.expression,
                        "--use-file-for-fake-audio-capture=\(clip)%noloop",
                    ], output: output)
                browser?.waitUntilExit()
                kill(process, SIGINT)
            }
        }
        #expect(run.status == 0, "\(run.errors)")
        let text = try String(contentsOf: output, encoding: .utf8).lowercased()
        // The browser takes noise from it, and so a word now and then.
        #expect(text.contains("country") && text.contains("ask"), "\(text) \(run.errors)")
        #expect(!run.errors.lowercased().contains("country"))
    }
}
