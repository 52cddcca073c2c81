import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// libavcodec makes up what a picture lacks and hands it out as if it were whole.
@Suite("pictures whose missing parts are made up") struct DamagedPictureTests {
    private func play(_ path: String) throws -> (pictures: Int, warnings: [String]) {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"], unconnected: ["audio"])
        #expect(source.graph.run() == .finished)
        return (
            source.sink("video").received.count, source.events.filter { $0.level == .warning }.map(\.what)
        )
    }

    private func make(_ name: String, _ arguments: [String], in folder: Folder) throws -> [UInt8] {
        let path = folder.path(name)
        _ = try FFmpeg.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i"] + arguments + [path], feeding: [])
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    @Test func aPictureThatIsCutIsShownAndSaid() throws {
        let folder = try Folder()
        let bytes = try make("whole.jpg", ["testsrc2=s=320x240:r=25", "-frames:v", "1"], in: folder)
        let whole = try play(folder.path("whole.jpg"))
        #expect(whole.pictures == 1)
        #expect(whole.warnings == [])
        for part in [0.25, 0.5, 0.98] {
            let name = "cut.jpg"
            try Data(bytes.prefix(Int(Double(bytes.count) * part))).write(to: folder.url.appending(path: name))
            let cut = try play(folder.path(name))
            #expect(cut.pictures == 1)
            #expect(cut.warnings.count == 1)
            let said = "\"\(folder.path(name))\": a picture near 0.04 s is damaged or cut, and what it lacks is made up"
            #expect(cut.warnings.first?.hasPrefix(said) == true, "\(cut.warnings)")
        }
    }

    /// libavformat's demuxer of GIF hands out nothing, and no error.
    @Test func aFileWithoutASinglePictureIsSaid() throws {
        let folder = try Folder()
        let bytes = try make("whole.gif", ["testsrc2=s=320x240:r=25", "-frames:v", "1"], in: folder)
        try Data(bytes.prefix(bytes.count / 2)).write(to: folder.url.appending(path: "cut.gif"))
        let cut = try play(folder.path("cut.gif"))
        #expect(cut.pictures == 0)
        #expect(cut.warnings == ["\"\(folder.path("cut.gif"))\": it has video without a single picture"])
    }

    @Test(arguments: [("mjpeg", "avi"), ("libx264", "mp4"), ("mpeg2video", "mpg"), ("mpeg4", "avi")])
    func damageThatIsConcealedIsSaid(codec: String, ending: String) throws {
        let folder = try Folder()
        var bytes = try make(
            "whole.\(ending)", ["testsrc2=s=320x240:r=25:d=3", "-c:v", codec, "-g", "25"], in: folder)
        #expect(try play(folder.path("whole.\(ending)")).warnings == [])
        var dice = Dice(seed: 3)
        for _ in 0..<30 {
            bytes[Int.random(in: bytes.count / 4..<bytes.count * 3 / 4, using: &dice)] ^= 0x10
        }
        try Data(bytes).write(to: folder.url.appending(path: "damaged.\(ending)"))
        let damaged = try play(folder.path("damaged.\(ending)"))
        #expect(damaged.pictures > 40)
        #expect(damaged.warnings.contains { $0.contains("is damaged or cut") }, "\(damaged.warnings)")
        #expect(damaged.warnings.count { $0.contains("is damaged or cut") } == 1)
    }
}
