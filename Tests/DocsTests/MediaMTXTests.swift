import Foundation
import Testing

/// `docs/mediamtx.yml` beside the graphs and pages that it goes with.
@Suite struct MediaMTXTests {
    /// Keys with their values, comments left out; those inside of `paths` with what they are in before them.
    private let settings: [String: String]
    private let text: String

    init() throws {
        text = try Repository.text("docs/mediamtx.yml")
        var found: [String: String] = [:]
        var open: [(indent: Int, key: String)] = []
        for line in text.split(separator: "\n") {
            let content = line.trimmingCharacters(in: .whitespaces)
            guard !content.hasPrefix("#") else { continue }
            let indent = line.prefix { $0 == " " }.count
            open.removeAll { $0.indent >= indent }
            let colon = try #require(content.firstIndex(of: ":"), "\(line)")
            let key = String(content[..<colon])
            let value = content[content.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            open.append((indent, key))
            if !value.isEmpty { found[open.map(\.key).joined(separator: "/")] = value }
        }
        settings = found
    }

    private func port(_ key: String) throws -> Int { try #require(settings[key].flatMap { Int($0.dropFirst()) }) }

    private var paths: Set<String> {
        Set(settings.keys.compactMap { $0.hasPrefix("paths/") ? $0.split(separator: "/")[1] : nil }.map(String.init))
    }

    /// A parameter's default in a graph.
    private func byDefault(_ parameter: String, of graph: String) throws -> String {
        let bytes = try Data(contentsOf: Repository.root.appending(path: "graphs/\(graph).json"))
        let json = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        let parameters = try #require(json["parameters"] as? [String: [String: Any]])
        return try #require(parameters[parameter]?["default"] as? String)
    }

    /// It refuses to start with a key that it does not know. From the configuration that MediaMTX is published with:
    /// https://github.com/bluenviron/mediamtx/blob/main/mediamtx.yml
    @Test func everyKeyIsOneOfMediaMTXs() {
        let keys: Set<String> = [
            "logLevel", "srt", "srtAddress", "webrtc", "webrtcAddress", "rtsp", "rtmp", "hls", "source",
            "overridePublisher", "srtPublishPassphrase",
        ]
        for (key, value) in settings {
            #expect(keys.contains(String(key.split(separator: "/").last!)), "\(key)")
            // Only these are booleans in YAML 1.1 and 1.2 alike.
            #expect(!["yes", "no", "on", "off"].contains(value), "\(key)")
        }
        #expect(settings["srt"] == "true" && settings["webrtc"] == "true")
        let comments = text.components(separatedBy: "# ").compactMap { $0.prefixMatch(of: /([a-z][A-Za-z]+):[ ]/)?.1 }
        for key in comments { #expect(keys.contains(String(key)), "\(key)") }
    }

    @Test func contributePublishesToItsPortAndPath() throws {
        let url = try byDefault("url", of: "contribute")
        let parts = try #require(url.wholeMatch(of: /srt:\/\/127\.0\.0\.1:(\d+)\?streamid=publish:(\w+)/))
        #expect(try Int(parts.1) == port("srtAddress"))
        #expect(paths.contains(String(parts.2)))
        #expect(settings["paths/\(parts.2)/source"] == "publisher")
    }

    /// Where Sluice stands in MediaMTX's place it has the same port.
    @Test(arguments: ["srt-relay", "srt-to-file"]) func aReceivingGraphListensAtItsPort(_ graph: String) throws {
        #expect(try byDefault("from", of: graph) == "srt://:\(port("srtAddress"))")
    }

    @Test func everyAddressInTheTextLeadsThere() throws {
        let (srt, web) = (try port("srtAddress"), try port("webrtcAddress"))
        let page = try #require(Repository.text("docs/srt.md").components(separatedBy: "## Beside MediaMTX").last)
        for (name, words) in ["mediamtx.yml": text, "srt.md": page] {
            let players = words.matches(of: /http:\/\/127\.0\.0\.1:(\d+)\/(\w+)/)
            #expect(!players.isEmpty, "\(name)")
            for player in players {
                #expect(Int(player.1) == web && paths.contains(String(player.2)), "\(name): \(player.0)")
            }
            for call in words.matches(of: /srt:\/\/127\.0\.0\.1:(\d+)(?:\?streamid=(publish|read):(\w+))?/) {
                #expect(Int(call.1) == srt && call.3.map { paths.contains(String($0)) } ?? true, "\(name): \(call.0)")
            }
        }
        #expect(page.contains("`sluice run contribute`"))
    }
}
