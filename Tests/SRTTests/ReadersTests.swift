import FilesPlugin
import Foundation
import Glibc
import Net
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport
import Testing

@testable import SRTPlugin

/// One `srt-output` that listens, and many that read it: Debian's receivers on the loopback, in real time.
@Suite("Readers of one srt-output", .serialized, .realPeers) struct ReadersTests {
    private let place: Place

    init() throws { place = try Place() }

    private func serving(_ parameters: [String: ParameterValue] = [:]) -> GraphBuilder {
        let all: [String: ParameterValue] = ["url": .string(place.listening), "hold_ms": 0]
        return place.sender(all.merging(parameters) { $1 }, loop: true)
    }

    private func bytes(_ file: URL) -> Int { ((try? Data(contentsOf: file)) ?? Data()).count }

    private func transmitting(to name: String, _ more: String = "") throws -> PeerProcess {
        try startPeer(place.transmit(from: place.address + more), output: place.file(name))
    }

    /// Pictures of a file that goes round and round the clip; the last ones may be cut.
    private func pictures(_ file: URL) throws -> [Int?] {
        let raw = try FFmpeg.run(
            [
                "ffmpeg", "-v", "fatal", "-i", file.path, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode",
                "passthrough", "pipe:1",
            ], feeding: [])
        return numbers(raw, width: 320, height: 180)
    }

    /// The tables come first, and then a keyframe; no picture is missing.
    private func expectWhole(_ file: URL, from least: Int = 30) throws {
        let name = file.lastPathComponent
        let stream = [UInt8](try Data(contentsOf: file).prefix(10 * 188))
        let first = stride(from: 0, to: stream.count, by: 188).map {
            Int(stream[$0 + 1] & 0x1f) << 8 | Int(stream[$0 + 2])
        }
        // SDT, PAT and PMT in any order, before anything else.
        #expect(Set(first.prefix(3)) == [0x11, 0, 0x1000], "\(name) begins with the PIDs \(first)")
        let found = try pictures(file)
        #expect(found.count >= least, "\(name) has \(found.count) pictures\n\(PeerProcess.allSaid)")
        #expect(found.first.map { $0 == 0 || $0 == 30 } == true, "\(name) begins with \(found.prefix(3))")
        let breaks = zip(found, found.dropFirst()).filter { $0.flatMap { ($0 + 1) % 60 } != $1 }
        #expect(breaks.isEmpty, "\(name) is broken at \(breaks)")
    }

    @Test func ffmpegAndSrtLiveTransmitReadBesideEachOther() throws {
        let run = begin(serving())
        try waitUntil("the port to be listened at", run) { isTaken(place.port) }
        let transmit = try transmitting(to: "a.ts")
        try waitUntil("the first reader", run) { bytes(place.file("a.ts")) > 20_000 }
        let ffmpeg = try startPeer([
            "ffmpeg", "-v", "error", "-y", "-i", place.address, "-map", "0", "-c", "copy", "-t", "2", "-f", "mpegts",
            place.file("b.ts").path,
        ])
        ffmpeg.waitUntilExit()
        try waitUntil("the second to have left", run) { run.report.contains("left: the reader") }
        transmit.terminate()
        try waitUntil("both to have left", run) { run.report.components(separatedBy: "left: the reader").count == 3 }
        run.stop()
        try expectWhole(place.file("a.ts"), from: 60)
        let report = run.report
        #expect(report.contains("joined: the reader 127.0.0.1:"), "\(report)")
        #expect(report.contains(", 2 of 100, latency"), "\(report)")
        #expect(report.firstMatch(of: /left: .* after .*: \d+ packets, .* MB, \d+ left out/) != nil, "\(report)")
        #expect(report.contains(#""readers_joined": 2"#) && report.contains(#""readers_left": 2"#), "\(report)")
        #expect(report.contains(#""readers_total": 0"#), "\(report)")
        let decoded = try pictures(place.file("b.ts"))
        #expect(decoded.count > 30 && !decoded.contains(nil), "\(decoded.count)")
    }

    @Test func tenReadAtOnceAndOneThatStandsStillIsNoConcernOfTheOthers() throws {
        let run = begin(serving(["send_buffer_ms": 300, "peer_timeout_ms": 1_000]))
        try waitUntil("the port to be listened at", run) { isTaken(place.port) }
        let files = (0..<10).map { place.file("\($0).ts") }
        let peers = try (0..<10).map { try transmitting(to: "\($0).ts") }
        try waitUntil("all to read", run) { files.allSatisfy { bytes($0) > 20_000 } }
        #expect(run.report.contains(#""readers_total": 10"#))
        peers[3].signal(SIGSTOP)
        try waitUntil("the stopped one to be given up", run) {
            run.report.contains("has acknowledged nothing for")
        }
        let sizes = files.map(bytes)
        try waitUntil("the others to go on", run) {
            files.indices.allSatisfy { $0 == 3 || bytes(files[$0]) > sizes[$0] + 20_000 }
        }
        #expect(run.report.contains(#""readers_total": 9"#), "\(run.report)")
        // Made once, sent to ten.
        let counted = nodeMetrics(run.report, "out")
        let (made, sent) = (counted["media_packets_sent"] ?? 0, counted["reader_packets_sent"] ?? 0)
        #expect(made > 0 && sent > 5 * made, "\(sent) of \(made)")
        peers[3].signal(SIGCONT)
        for peer in peers { peer.terminate() }
        run.stop()
        for (index, file) in files.enumerated() where index != 3 { try expectWhole(file) }
    }

    @Test func aReaderThatTakesTooLittleIsLeftOutAloneAndComesBackWithAKeyframe() throws {
        let run = begin(serving(["send_buffer_ms": 300, "peer_timeout_ms": 30_000]))
        try waitUntil("the port to be listened at", run) { isTaken(place.port) }
        let (slow, quick) = (try transmitting(to: "slow.ts"), try transmitting(to: "quick.ts"))
        let files = [place.file("slow.ts"), place.file("quick.ts")]
        try waitUntil("both to read", run) { files.allSatisfy { bytes($0) > 20_000 } }
        slow.signal(SIGSTOP)
        try waitUntil("it to be left out", run) { run.report.contains("takes less than is sent") }
        let before = bytes(files[1])
        try waitUntil("the other to go on", run) { bytes(files[1]) > before + 20_000 }
        let stood = bytes(files[0])
        slow.signal(SIGCONT)
        try waitUntil("it to come back", run) { bytes(files[0]) > stood + 40_000 }
        for peer in [slow, quick] { peer.terminate() }
        run.stop()
        try expectWhole(files[1], from: 60)
        #expect(!run.report.contains(#""reader_packets_dropped": 0"#), "\(run.report)")
    }

    @Test func aReaderAsksForANameAndIsToldWhereItIsAnother() throws {
        let run = begin(serving(["streamid": "camera", "max_readers": 1]))
        try waitUntil("the port to be listened at", run) { isTaken(place.port) }
        let wrong = try transmitting(to: "wrong.ts", "?streamid=read:kitchen")
        try waitUntil("the refusal", run) {
            run.report.contains(#"it asks for \"kitchen\", and here is \"camera\""#)
        }
        let right = try transmitting(to: "right.ts", "?streamid=read:camera")
        try waitUntil("the reader", run) { bytes(place.file("right.ts")) > 20_000 }
        let more = try transmitting(to: "more.ts", "?streamid=camera")
        try waitUntil("the second to be refused", run) {
            run.report.contains("1 readers are connected, and no more may be")
        }
        #expect(run.report.contains(#"joined: the reader 127.0.0.1:"#))
        for peer in [wrong, right, more] { peer.terminate() }
        run.stop()
        #expect(bytes(place.file("wrong.ts")) == 0 && bytes(place.file("more.ts")) == 0)
    }

    @Test func aFileIsWholeForTheFirstReader() throws {
        let peer = try startPeer(place.transmit(from: place.address), output: place.tape)
        let (outcome, report) = try execute(
            place.sender(["url": .string(place.listening), "hold_ms": 20_000], pace: "fast"))
        peer.waitUntilExit()
        #expect(outcome == .finished, "\(report)")
        try checkClip(place.tape)
    }

    @Test func nobodyCallsAndThatIsAnError() throws {
        let (outcome, report) = try execute(
            place.sender(["url": .string(place.listening), "hold_ms": 0], pace: "fast"))
        #expect(outcome == .failed)
        #expect(report.contains("nobody has called 0.0.0.0:\(place.port): nothing was sent"), "\(report)")
    }
}
