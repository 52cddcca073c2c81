import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Pictures before the cut of an edit list are needed to decode those behind it, and are not shown.
@Suite("Packets from before a cut") struct CutPacketsTests {
    private func sentences(_ ending: String, from input: String) throws -> Int {
        let folder = try Folder()
        var graph = GraphBuilder()
        graph.node("source", Source.self, ["open": .string(input), "decode": false, "pace": "fast"])
        graph.node("record", Record.self, ["path": .string(folder.path("copy.\(ending)"))])
        graph.edge("source.video -> record.video")
        graph.edge("source.audio -> record.audio")
        let run = try GraphHarness(graph)
        #expect(run.run() == .finished)
        return run.events.filter { $0.what.contains("pictures from before the cut") }.count
    }

    @Test(arguments: [("mkv", 1), ("ts", 1), ("mp4", 0)])
    func areShownByFilesThatCannotHideThemWhichIsSaidOnce(_ ending: String, _ count: Int) throws {
        let folder = try Folder()
        let cut = folder.path("cut.mp4")
        _ = try FFmpeg.run(["ffmpeg", "-v", "error", "-ss", "0.7", "-i", Clips.mp4, "-c", "copy", cut], feeding: [])
        #expect(try sentences(ending, from: cut) == count)
        #expect(try sentences(ending, from: Clips.mp4) == 0)
    }
}
