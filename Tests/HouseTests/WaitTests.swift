import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// Every node that can wait for somebody else says for what: each is run beside a peer that does nothing.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct WaitTests {
    /// A node by its name, whether it takes or gives media, and what it must say that it waits for.
    private struct Scene {
        let name: String
        let json: String
        var feeds: String?
        var drains: [String] = []
        let waits: String
    }

    private static let scenes: [Scene] = [
        Scene(
            name: "unread-pcm", json: #""type": "raw-audio-output", "path": "none.pcm""#, feeds: "audio",
            waits: "a reader on none.pcm"),
        Scene(
            name: "idle-pcm", json: #""type": "raw-audio-output", "path": "idle.pcm""#, feeds: "audio",
            waits: "the reader of idle.pcm"),
        Scene(
            name: "unread-raw", json: #""type": "raw-video-output", "path": "none.raw""#, feeds: "video",
            waits: "a reader on none.raw"),
        Scene(
            name: "idle-raw", json: #""type": "raw-video-output", "path": "idle.raw""#, feeds: "video",
            waits: "the reader of idle.raw"),
        Scene(
            name: "lonely-audio-output", json: #""type": "raw-audio-output", "path": "a.sock", "listen": true"#,
            feeds: "audio", waits: "a reader on a.sock"),
        Scene(
            name: "unwritten-pcm", json: #""type": "raw-audio-source", "path": "in.pcm""#, drains: ["out"],
            waits: "a writer on in.pcm"),
        Scene(
            name: "unwritten-raw", json: #""type": "raw-video-source", "path": "in.raw", "width": 64, "height": 64"#,
            drains: ["out"], waits: "a writer on in.raw"),
        Scene(
            name: "unwritten-file", json: #""type": "source", "open": "in.ts""#, drains: ["audio"],
            waits: "a writer of \"in.ts\""),
        Scene(
            name: "uncalled", json: #""type": "srt-input", "url": "srt://:PORT?mode=listener""#,
            drains: ["audio"], waits: ""),
        Scene(
            name: "unanswered", json: #""type": "srt-input", "url": "srt://127.0.0.1:9?mode=caller""#,
            drains: ["audio"], waits: ""),
        Scene(
            name: "unsent", json: #""type": "rtp-input", "sdp": "in.sdp", "timeout_ms": 0"#, drains: ["audio"],
            waits: ""),
        Scene(
            name: "unplayed", json: #""type": "av-segments", "socket": "s.sock""#, drains: ["audio"],
            waits: "a writer on s.sock"),
    ]

    /// Those that wait for nobody, and why.
    private static let exempt = [
        "bench-log": "writes regular files", "bench-dump": "writes regular files", "bench-udp": "sends datagrams",
        "bench-guests": "looks at its instances by time", "bench-interrupter": "goes by time",
        "bench-sleeper": "waits for its own session",
        "rtp-output": "sends datagrams", "record": "writes regular files",
        "srt-output": "is a link as srt-input is", "segment-trace": "looks at what passes",
        "talking-figure": "makes its media itself",
        "webrtc-output": "ends where its peer does not connect in time", "webrtc-viewers": "takes viewers as they come",
        "webrtc-input": "hears the peer of its session", "webrtc-publishers": "takes publishers as they come",
        "webrtc-rooms": "takes participants as they come", "webrtc-room": "is built for the first who comes",
        "webrtc-share": "hears the nodes before it",
        "whip-output": "calls its server, and says so", "whep-input": "calls its server, and says so",
        "webrtc-microphone": "hears viewers, and nobody has to speak",
    ]

    /// A type that may wait is in the table or in the list of those that do not.
    @Test func everyTypeThatMayWaitIsLookedAt() throws {
        let catalog = PluginCatalog(directories: [Built.directory.path])
        let known = Set(Self.scenes.compactMap { $0.json.split(separator: "\"").dropFirst(2).first.map(String.init) })
        let watching = try Self.typesThatWatch()
        for type in catalog.types {
            guard let spec = catalog.spec(for: type) else { continue }
            let mayWait =
                spec.descriptor.traits.contains(.live) || spec.descriptor.work == .blocking || watching.contains(type)
            guard mayWait, Self.exempt[type] == nil else { continue }
            #expect(known.contains(type), "\(type) may wait for somebody, and no scene says for whom")
        }
        #expect(watching.isSuperset(of: ["rtp-input", "av-segments"]), "\(watching)")
    }

    /// Node types of folders in which a descriptor is watched.
    private static func typesThatWatch() throws -> Set<String> {
        var types: Set<String> = []
        let plugins = Built.root.appending(path: "Plugins")
        for folder in try FileManager.default.contentsOfDirectory(at: plugins, includingPropertiesForKeys: nil) {
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? []
            let texts = try (files as? [URL] ?? []).filter { $0.pathExtension == "swift" }.map {
                try String(contentsOf: $0, encoding: .utf8)
            }
            guard texts.contains(where: { $0.contains("context.watch(") }) else { continue }
            for text in texts {
                for match in text.matches(of: /NodeDescriptor\(\s*"([a-z0-9-]+)"/) { types.insert(String(match.1)) }
            }
        }
        return types
    }

    @Test func eachSaysForWhat() throws {
        let scratch = try Scratch()
        for fifo in ["none.pcm", "idle.pcm", "none.raw", "idle.raw", "in.pcm", "in.raw", "in.ts"] {
            #expect(mkfifo(scratch.url.appending(path: fifo).path, 0o600) == 0)
        }
        // Opened for both, a FIFO has a reader that takes nothing (fifo(7)).
        let idle = ["idle.pcm", "idle.raw"].map { open(scratch.url.appending(path: $0).path, O_RDWR | O_CLOEXEC) }
        defer { for descriptor in idle { close(descriptor) } }
        try scratch.write(
            "in.sdp",
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio \(Ports.four()) RTP/AVP 0\r\n"
        )
        try scratch.write("graph.json", Self.graph.replacing("PORT", with: "\(Ports.one())"))
        let errors = Pipe()
        let process = Process()
        process.executableURL = Built.file("sluice")
        process.arguments = ["run", "graph.json"]
        process.currentDirectoryURL = scratch.url
        process.environment = CommandRun.environment
        (process.standardError, process.standardInput) = (errors, FileHandle.nullDevice)
        try process.run()
        DispatchQueue.global().asyncAfter(deadline: .now() + 60) { if process.isRunning { process.terminate() } }
        var said = ""
        var missing = Self.scenes
        // It ends when all was said, or a minute is over.
        while case let new = errors.fileHandleForReading.availableData, !new.isEmpty {
            said += String(decoding: new, as: UTF8.self)
            missing.removeAll { scene in said.contains("\(scene.name) has waited for \(scene.waits)") }
            if missing.isEmpty { kill(process.processIdentifier, SIGKILL) }
        }
        process.waitUntilExit()
        for scene in missing { Issue.record("\(scene.name) waits and does not say for what") }
        if !missing.isEmpty { Issue.record("\(said)") }
    }

    /// Media come from relays, whose edges drop: a node that waits holds nobody, and nothing but its own word tells.
    private static var graph: String {
        var nodes = [
            #""source": { "type": "source", "open": "pattern", "width": 64, "height": 64 }"#,
            #""pictures": { "type": "relay" }"#, #""audio": { "type": "relay" }"#,
        ]
        var edges = [#""source.video -> pictures""#, #""source.audio -> audio""#]
        for scene in scenes {
            nodes.append("\"\(scene.name)\": { \(scene.json) }")
            if let feeds = scene.feeds {
                edges.append("\"\(feeds == "video" ? "pictures" : "audio") -> \(scene.name)\"")
            }
            for port in scene.drains {
                nodes.append("\"\(scene.name)-end\": { \"type\": \"null-sink\" }")
                edges.append("\"\(scene.name).\(port) -> \(scene.name)-end\"")
            }
        }
        return
            "{ \"nodes\": {\n\(nodes.joined(separator: ",\n")) },\n\"edges\": [ \(edges.joined(separator: ",\n")) ] }"
    }
}
