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
            graph.node("record", Record.self, ["path": .string(disk + "/" + name), "min_free_mb": 0])
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

    /// One of 6 MiB, of which 2 are to stay free.
    @Test(.enabled(if: canMount), arguments: ["a.wav", "a.mkv", "a.jsonl"])
    func beforeADiskIsFullTheFileEndsWhole(_ name: String) throws {
        let folder = try Folder()
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        #expect(mount("none", disk, "tmpfs", 0, "size=6291456") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let path = disk + "/" + name
        let isData = name.hasSuffix("jsonl")
        let record = try NodeHarness(
            Record.self, parameters: ["path": .string(path), "min_free_mb": 2],
            unconnected: isData ? ["video", "audio"] : ["video", "data"])
        if isData {
            let word = String(repeating: "a", count: 10_000)
            let items = (0..<600).map { number in
                DataItem(
                    format: MediaFormat(data: DataSchema("test")), at: .milliseconds(Int64(number)),
                    ["text": .init(.string(word))])
            }
            record.push(items, into: "data")
        } else {
            record.push(TestMedia.sine(samples: 48_000, count: 40), into: "audio")
        }
        #expect(record.finish() == .failed)
        #expect(
            "\(record.error!)".contains("and 2097 kB are to stay free: the file is whole, and ends"), "\(record.error!)"
        )
        let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
        #expect(size > 3 << 20 && size < 4_900_000, "\(size)")
        if isData {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.hasSuffix("}\n"))
        } else {
            let told = try #require(probe(path, "format=duration").first.flatMap(Double.init))
            let pcm = try FFmpeg.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s16le", "pipe:1"], feeding: [])
            #expect(told.rounded() == Double(pcm.count / 192_000), "\(told) s, \(pcm.count) bytes")
        }
    }

    private static let canMount: Bool = {
        guard geteuid() == 0, let folder = try? Folder() else { return false }
        guard mount("none", folder.url.path, "tmpfs", 0, "size=4096") == 0 else { return false }
        return umount2(folder.url.path, Int32(MNT_DETACH)) == 0
    }()
}
