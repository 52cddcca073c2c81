import Foundation
import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import FilesPlugin

/// Colours that the engine has no word for: they are converted, or said.
@Suite("Colours of files") struct ColorTests {
    private func source(_ path: String) throws -> NodeHarness<Source> {
        let source = try NodeHarness(
            Source.self, parameters: ["open": .string(path), "pace": "fast"], unconnected: ["audio"])
        source.graph.run()
        return source
    }

    /// Red 200, green 100, blue 50 in limited range by the equations of ITU-R BT.709.
    private var yuv709: [Double] {
        let (r, g, b) = (200 / 255.0, 100 / 255.0, 50 / 255.0)
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b
        return [16 + 219 * y, 128 + 224 * (b - y) / 1.8556, 128 + 224 * (r - y) / 1.5748]
    }

    /// A clip of one colour, written by another matrix and named so. Where nothing is converted, the colour is off by
    /// more than ten.
    @Test(arguments: [
        ("bt2020", "bt2020nc", "yuv420p", "tv"), ("bt2020", "bt2020nc", "yuv420p10le", "tv"),
        ("smpte240m", "smpte240m", "yuv420p", "tv"), ("bt2020", "bt2020nc", "yuv420p", "pc"),
    ])
    func matricesWithoutAWordBecomeBT709(filter: String, word: String, pixels: String, range: String) throws {
        let path = Clips.plain(
            "\(word)-\(pixels)-\(range).mkv",
            "format=rgb24,geq=r=200:g=100:b=50,scale=out_color_matrix=\(filter):out_range=\(range),format=\(pixels)",
            "ffv1", "-colorspace", word, "-color_range", range)
        let source = try source(path)
        let frame = try #require(source.sink("video").received.first?.item as? VideoFrame)
        #expect(frame.layout.colorMatrix == .bt709 && source.sink("video").formats.count == 1)
        for plane in 0..<3 {
            let value = Double(frame.plane(plane)[10 * frame.stride(plane) + 10])
            #expect(abs(value - yuv709[plane]) <= 3, "plane \(plane): \(value), not \(yuv709[plane])")
        }
    }

    @Test(arguments: [("smpte2084", "HDR (PQ)"), ("arib-std-b67", "HDR (HLG)"), ("bt2020-10", "wide colours")])
    func tonesThatAreNotMappedAreSaidOnce(transfer: String, words: String) throws {
        let path = Clips.plain(
            "\(transfer).mkv", "format=yuv420p10le", "libx265", "-x265-params", "log-level=none", "-color_trc",
            transfer, "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
        let source = try source(path)
        #expect(source.sink("video").received.count == 6)
        #expect(source.events.filter { $0.what.contains(words) }.count == 1)
        #expect(source.events.filter { $0.level == .warning }.count == 1)
    }
}
