import Foundation
import TestSupport
import Testing

@Suite struct TimingTests {
    /// 20 s of Opus in packets of 20 ms from a clock that is 200 ppm slow, number 500 lost, 700 and 701 changed over,
    /// and of VP8 at 25 a second without a fault.
    private var capture: Capture {
        var capture = Capture()
        let audio = Capture.Sender()
        let video = Capture.Sender(ssrc: 9, port: 5_006, payloadType: 96, tagged: true)
        for number in 0..<1_000 where number != 500 {
            let time = 1_700_000_000 + Double(number) * 0.02 * (1 + 200e-6) + (number == 700 ? 0.025 : 0)
            // Both wrap on the way.
            let (sequence, timestamp) = (65_500 + number, UInt32(truncatingIfNeeded: 4_294_900_000 + number * 960))
            capture.add(audio, sequence: sequence, timestamp: timestamp, at: time)
        }
        for number in 0..<500 {
            capture.add(
                video, sequence: number, timestamp: UInt32(number * 3_600), at: 1_700_000_000 + Double(number) * 0.04)
        }
        return capture
    }

    private func timing(_ file: Data, _ options: String...) throws -> CommandRun {
        let scratch = try Scratch()
        let path = scratch.url.appending(path: "file")
        try file.write(to: path)
        return try CommandRun(["timing", path.path] + options)
    }

    /// The figures under a stream's name.
    private func figures(_ output: String, _ stream: String) -> [String: String] {
        var result: [String: String] = [:]
        var isInside = false
        for line in output.split(separator: "\n") {
            if !line.hasPrefix(" ") { isInside = line.contains(stream) }
            guard isInside, line.hasPrefix("  "), let gap = line.dropFirst(2).range(of: "  ") else { continue }
            result[String(line[line.index(line.startIndex, offsetBy: 2)..<gap.lowerBound])] = line[gap.upperBound...]
                .trimmingCharacters(in: .whitespaces)
        }
        return result
    }

    @Test(arguments: ["pcap", "pcapng"]) func theStreamsOfACaptureAreMeasured(_ kind: String) throws {
        let run = try timing(kind == "pcap" ? capture.pcap : capture.pcapng)
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        let audio = figures(run.output, "10.0.0.1:40000 to 10.0.0.2:5004, SSRC 0x12345678, payload type 111")
        #expect(audio["packets"] == "999")
        #expect(audio["lost"] == "1")
        #expect(audio["out of order"] == "1")
        #expect(audio["clock"] == "48000 Hz, guessed")
        // 200 and what the packet that came late adds to it.
        #expect(audio["drift"] == "203 ppm")
        #expect(audio["gap p50, p99, max"] == "20.00, 20.00, 40.01 ms")
        let video = figures(run.output, "SSRC 0x00000009, payload type 96")
        #expect(video["clock"] == "90000 Hz, guessed")
        #expect(video["drift"] == "0 ppm")
        #expect(video["lost"] == "0")
        #expect(video["depth min, p50, max"] == "0.00, 0.00, 0.00 ms")
        #expect(video["bitrate"] == "18.4 kb/s")
    }

    @Test func aClockRateMayBeGiven() throws {
        let run = try timing(capture.pcap, "--clock-rate", "48000")
        #expect(figures(run.output, "SSRC 0x12345678")["clock"] == "48000 Hz")
        // At a wrong one everything drifts.
        #expect(figures(run.output, "SSRC 0x00000009")["drift"] != "0 ppm")
    }

    @Test func thePlotIsAPictureOfGapsDriftAndDepth() throws {
        let scratch = try Scratch()
        try capture.pcap.write(to: scratch.url.appending(path: "a.pcap"))
        let run = try CommandRun(["timing", "a.pcap", "-o", "a.svg"], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        let svg = try String(contentsOf: scratch.url.appending(path: "a.svg"), encoding: .utf8)
        #expect(
            try FFmpeg.run(
                ["python3", "-c", "import sys, xml.dom.minidom as m; m.parse(sys.stdin.buffer)"],
                feeding: [UInt8](svg.utf8)
            ).isEmpty)
        for word in ["Timing of a.pcap", ">gap, ms<", ">drift, ms<", ">depth, ms<", "SSRC 0x12345678", "<polyline"] {
            #expect(svg.contains(word), "\(word)")
        }
        #expect(svg.components(separatedBy: "<polyline").count == 7)
        #expect(!svg.contains("nan") && !svg.contains("inf\""))
    }

    /// Runs five seconds of a tone through `nodes`; returns what is told of its report, and the plot.
    private func kept(_ nodes: String, _ edges: String) throws -> (told: String, plot: String) {
        let scratch = try Scratch()
        try scratch.write(
            "graph.json",
            """
            { "nodes": { "source": { "type": "source", "open": "tone", "duration_s": 5 }, \(nodes) },
              "edges": [ "\(edges)" ] }
            """)
        let run = try CommandRun(
            ["run", "./graph.json", "--clock", "virtual", "--report", "report.json"], in: scratch.url)
        #expect(run.status == 0, "\(run.errors)")
        let timing = try CommandRun(["timing", "report.json", "-o", "plot.svg"], in: scratch.url)
        #expect(timing.status == 0 && timing.errors.isEmpty, "\(timing.errors)")
        return (
            timing.output, try String(contentsOf: scratch.url.appending(path: "plot.svg"), encoding: .utf8)
        )
    }

    @Test func aReportTellsWhatItsMetersHaveKept() throws {
        let (told, plot) = try kept(
            #""meter": { "type": "meter", "every_s": 0, "series": true }"#, "source.audio -> meter")
        let meter = figures(told, "meter")
        #expect(meter["gap_ms min, p50, max"] == "20.00, 20.00, 20.00")
        #expect(meter["drift_ms min, p50, max"] == "0.00, 0.00, 0.00")
        #expect(meter["drift_ms slope"] == "0 ppm")
        #expect(meter["gaps"] == nil || meter["gaps"] == "0")
        #expect(figures(told, "edges")["source.audio -> meter.in"]?.contains("dropped 0") == true)
        #expect(plot.contains(">gap, ms<") && plot.contains(">depth, ms<"))
    }

    @Test func aReportTellsWhatItsPacersHaveKept() throws {
        let (told, plot) = try kept(
            #""pacer": { "type": "pacer", "series": true }, "end": { "type": "null-sink" }"#,
            "source.audio -> pacer -> end")
        let pacer = figures(told, "pacer")
        #expect(pacer["gap_ms min, p50, max"] == "20.00, 20.00, 20.00")
        #expect(pacer["drift_ms slope"] == "0 ppm")
        #expect(pacer["late_ms min, p50, max"] == "0.00, 0.00, 0.00")
        // Whole until the source ends, then what is left is played.
        #expect(pacer["depth_ms min, p50, max"] == "0.00, 60.00, 60.00")
        for word in [">gap, ms<", ">drift, ms<", ">depth, ms<", ">late, ms<"] {
            #expect(plot.contains(word), "\(word)")
        }
    }

    @Test func whatIsNoReportAndNoCaptureIsRefused() throws {
        var noise = Capture()
        for number in 0..<50 { noise.addUDP(Array(repeating: UInt8(number), count: 3), at: Double(number)) }
        let cases: [(Data, String)] = [
            (Data("{}".utf8), "is neither a report nor a capture"), (Data(), "line 1"),
            (Data("hello".utf8), "file:1:1"), (noise.pcap, "holds 50 packets and no RTP stream among them"),
            (Data(capture.pcap.prefix(10)), "the capture cannot be read"),
            (Data(#"{"nodes": {}, "edges": []}"#.utf8), "without nodes and edges"),
        ]
        for (file, words) in cases {
            let run = try timing(file)
            #expect(run.status == 2)
            #expect(run.errors.contains(words) || words == "line 1" && !run.errors.isEmpty, "\(run.errors)")
        }
        let missing = try CommandRun(["timing", "/nowhere/x.pcap"])
        #expect(missing.status == 2)
        #expect(missing.errors == "/nowhere/x.pcap cannot be read: No such file or directory.\n")
        let folder = try CommandRun(["timing", "/tmp"])
        #expect(folder.status == 2 && folder.errors.contains("is no file"))
        let rate = try timing(capture.pcap, "--clock-rate", "fast")
        #expect(rate.status == 2)
        #expect(rate.errors.hasPrefix("sluice timing: --clock-rate takes Hz, 1 to 10000000, not \"fast\"."))
    }

    @Test func aCaptureThatWasCutOffTellsWhatItHolds() throws {
        let file = capture.pcap
        let run = try timing(Data(file.prefix(file.count * 2 / 3 + 5)))
        #expect(run.status == 0)
        #expect(run.errors.contains("the capture ends early"))
        #expect(figures(run.output, "SSRC 0x12345678")["clock"] == "48000 Hz, guessed")
    }

    /// Bytes changed at random: any answer, no crash.
    @Test(arguments: 0..<20) func damagedCapturesDoNotCrashIt(_ seed: Int) throws {
        var dice = Dice(seed: UInt64(seed))
        var file = seed % 2 == 0 ? capture.pcap : capture.pcapng
        for _ in 0..<50 {
            file[Int(dice.next() % UInt64(file.count))] = UInt8(truncatingIfNeeded: dice.next())
        }
        let run = try timing(file, "-o", "/dev/null")
        #expect([0, 2].contains(run.status), "\(run.status) \(run.errors)")
    }
}
