@_spi(Host) import Sluice
import Testing

@testable import Command

@Suite struct ProgressLineTests {
    private func progress(_ elapsed: Double, media: Double, packets: Int, bytes: Int) -> Progress {
        var progress = Progress(elapsed: .seconds(elapsed))
        var sink = SinkCount(name: "file")
        (sink.items, sink.bytes, sink.noun) = (packets, bytes, "packet")
        sink.media = .seconds(media)
        progress.sinks = [sink]
        return progress
    }

    @Test func mediaAreSaidWithTheirPaceWhereTheyAreNotTheClocks() {
        var line = ProgressLine()
        #expect(
            line.text(progress(12.5, media: 65, packets: 1_954, bytes: 9_800_000), columns: 200)
                == "12.5 s  65 s of media (5.2x)  file 1,954 packets 9.8 MB 1.2 Mb/s")
        #expect(
            line.text(progress(12.5, media: 12.4, packets: 1, bytes: 9_800), columns: 200)
                == "12.5 s  file 1 packet 10 kB 6 kb/s")
    }

    @Test func theLineIsCutToTheTerminal() {
        var line = ProgressLine()
        let text = line.text(progress(12.5, media: 65, packets: 1_954, bytes: 9_800_000), columns: 40)
        #expect(text.count == 39 && text.hasPrefix("12.5 s  65 s of media (5.2x)  file"))
    }

    @Test func aFullEdgeIsSaidWhenItStaysFullAndTheRunKeepsTime() {
        var full = progress(10, media: 10, packets: 500, bytes: 500_000)
        full.fullest = Progress.Edge(
            name: "vp8.out -> file.video", items: 16, milliseconds: 400, bytes: 0,
            capacity: .init(items: 16, milliseconds: 500))
        var line = ProgressLine()
        #expect(!line.text(full, columns: 200).contains("full"))
        #expect(line.text(full, columns: 200).hasSuffix("  vp8.out -> file.video is full"))
        // Some edge is always full where the run is faster than time.
        full.sinks[0].media = .seconds(50)
        #expect(!line.text(full, columns: 200).contains("full"))
    }

    @Test func manySinksAreCounted() {
        var many = Progress(elapsed: .seconds(1))
        many.sinks = (1...6).map { SinkCount(name: "out\($0)") }
        #expect(ProgressLine.sinks(many).last == "and 2 more")
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-1_000, "-1,000")])
    func thousandsHaveCommas(number: Int, text: String) { #expect(grouped(number) == text) }
}
