import Foundation
import TestSupport
import Testing

/// The graph that docs/graphs/watermark.md shows, run by the command as a reader runs it.
@Suite("The graph watermark", .realPeers) struct WatermarkTests {
    private func lower(_ text: String) throws -> [UInt8] {
        let scratch = try Scratch()
        let graph = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../graphs/watermark.json")
        let run = try CommandRun(
            [
                "run", graph.standardizedFileURL.path, "--clock", "virtual", "--set", "input=pattern", "--set",
                "duration_s=0.2", "--set", "text=\(text)", "--set", "opacity=1",
            ], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        return try FFmpeg.run(
            [
                "ffmpeg", "-v", "error", "-i", scratch.url.appending(path: "watermark.webm").path, "-frames:v", "1",
                "-vf", "crop=320:80:940:620,format=gray", "-f", "rawvideo", "pipe:1",
            ], feeding: [])
    }

    @Test func itsTextStandsInTheCornerOfTheFile() throws {
        let (without, with) = (try lower(" "), try lower("MMMM"))
        func lit(_ bytes: [UInt8]) -> Int { bytes.filter { $0 > 225 }.count }
        #expect(with.count == 320 * 80)
        #expect(lit(with) > lit(without) + 500, "\(lit(with)) pixels are white, \(lit(without)) without a text")
    }
}
