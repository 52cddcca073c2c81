import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// The command itself, in real time.
@Suite("A recording that ends badly", .realPeers) struct KilledTests {
    /// Runs pattern and tone into `name`, and calls `when` with the process once the file holds `bytes`.
    private func record(
        _ name: String, in folder: Folder, bytes: Int, when: @escaping @Sendable (Int32) -> Void
    ) throws -> CommandRun {
        let path = folder.path(name)
        let graph = """
            {
              "nodes": {
                "source": { "type": "source", "open": "pattern", "width": 320, "height": 180 },
                "vp8": { "type": "vp8-encoder", "bitrate_kbps": 300 },
                "opus": { "type": "opus-encoder" },
                "file": { "type": "record", "path": "\(path)" }
              },
              "edges": [ "source.video -> vp8 -> file.video", "source.audio -> opus -> file.audio" ]
            }
            """
        try Data(graph.utf8).write(to: folder.url.appending(path: "graph.json"))
        return try CommandRun(
            ["run", folder.path("graph.json"), "--for", "20s"], in: folder.url,
            during: { process in
                Thread.detachNewThread {
                    var status = stat()
                    var looks = 0
                    while looks < 1_000, stat(path, &status) != 0 || status.st_size < bytes {
                        usleep(20_000)
                        looks += 1
                    }
                    when(process)
                }
            })
    }

    @Test(arguments: ["killed.webm", "killed.mkv"]) func killedItPlaysWhatWasWritten(_ name: String) throws {
        let folder = try Folder()
        let run = try record(name, in: folder, bytes: 60_000) { kill($0, SIGKILL) }
        #expect(run.status == -SIGKILL)
        let pictures = try FFmpeg.run(
            [
                "ffmpeg", "-v", "fatal", "-i", folder.path(name), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                "passthrough", "pipe:1",
            ], feeding: [])
        let found = numbers(pictures, width: 320, height: 180)
        #expect(found.count >= 20)
        #expect(found.map { $0 ?? -1 } == Array(0..<found.count))
    }

    @Test func interruptedItIsWhole() throws {
        let folder = try Folder()
        let run = try record("stopped.webm", in: folder, bytes: 30_000) { kill($0, SIGINT) }
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("wrote \(folder.path("stopped.webm"))"))
        let found = try numbers(in: folder.path("stopped.webm"))
        #expect(found.map { $0 ?? -1 } == Array(0..<found.count))
        #expect(try Double(probe(folder.path("stopped.webm"), "format=duration").first ?? "") ?? 0 > 0.3)
    }

    /// A file system of 64 kB, which only root may make.
    @Test(.enabled(if: canMount)) func onAFullDiskItPlaysWhatWasWritten() throws {
        let folder = try Folder()
        for name in ["full.webm", "full.mp4", "full.ts"] {
            let disk = folder.path("disk")
            try? FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
            #expect(mount("none", disk, "tmpfs", 0, "size=65536") == 0)
            defer { umount2(disk, Int32(MNT_DETACH)) }
            var graph = GraphBuilder()
            graph.node(
                "source", Source.self,
                [
                    "open": .string(name == "full.webm" ? Clips.webm : Clips.mp4), "decode": false, "pace": "fast",
                    "loop": true, "duration_s": 60,
                ])
            graph.node("record", Record.self, ["path": .string(disk + "/" + name)])
            graph.edge("source.video -> record.video")
            graph.edge("source.audio -> record.audio")
            let harness = try GraphHarness(graph)
            #expect(harness.run() == .failed)
            #expect(
                "\(harness.failure!)".contains(
                    "No space left on device\n  Free some space. The file stays playable as far as it was written."))
            let pictures = try FFmpeg.run(
                ["ffmpeg", "-v", "fatal", "-i", disk + "/" + name, "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"],
                feeding: [])
            #expect(numbers(pictures, width: 320, height: 180).count > 15, "\(name)")
        }
    }

    private static let canMount: Bool = {
        guard geteuid() == 0, let folder = try? Folder() else { return false }
        guard mount("none", folder.url.path, "tmpfs", 0, "size=4096") == 0 else { return false }
        return umount2(folder.url.path, Int32(MNT_DETACH)) == 0
    }()
}
