import Foundation
import Glibc
import TestSupport
import Testing

@testable import SRTPlugin

/// The graph of docs/srt.md by the built command, with callers that are not ours.
@Suite("srt-input: everybody who calls", .serialized, .realPeers) struct EverybodyTests {
    private let place: Place

    init() throws { place = try Place() }

    private var said: String { (try? String(contentsOf: place.file("said"), encoding: .utf8)) ?? "" }

    private struct Missing: Error {}

    /// The page's graph as it stands, but for the port and for the folder of the recordings.
    private func begin() throws -> PeerProcess {
        let page = try String(contentsOf: Built.root.appending(path: "docs/srt.md"), encoding: .utf8)
        let blocks = page.components(separatedBy: "```json\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        guard let graph = blocks.first(where: { $0.contains("Records everybody who calls") }) else { throw Missing() }
        let own = graph.replacing("srt://:8890", with: place.listening)
            .replacing("${name}.mkv", with: "\(place.folder.path)/${name}.mkv")
        try Data(own.utf8).write(to: place.file("everybody.json"))
        let run = try startPeer(
            [Built.file("sluice").path, "run", place.file("everybody.json").path], errors: place.file("said"))
        try waitUntil("the port to be listened at") { isTaken(place.port) }
        return run
    }

    private func call(_ name: String) throws -> PeerProcess {
        try startPeer([
            "ffmpeg", "-v", "warning", "-re", "-i", place.clip, "-map", "0", "-c", "copy", "-f", "mpegts",
            "-srt_streamid", name, place.address,
        ])
    }

    @Test func theSameNameAgainGetsAFileOfItsOwnAndTheFirstKeepsItsBytes() throws {
        let run = try begin()
        try call("anna").waitUntilExit()
        try waitUntil("the first recording's end") { said.components(separatedBy: "/tape: wrote ").count == 2 }
        let first = try Data(contentsOf: place.file("anna.mkv"))
        try call("anna").waitUntilExit()
        try waitUntil("the second recording's end") { said.components(separatedBy: "/tape: wrote ").count == 3 }
        run.signal(SIGINT)
        run.waitUntilExit()
        #expect(run.terminationStatus == 0, "\(said)")
        #expect(try Data(contentsOf: place.file("anna.mkv")) == first)
        for name in ["anna.mkv", "anna.2.mkv"] { try checkClip(place.file(name), cut: 6) }
    }

    /// Hundredths of a second of CPU of the process so far.
    private func ticks(_ process: Int32) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ").map(String.init) ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    private func descriptors(_ process: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count) ?? 0
    }

    private func limit(_ process: Int32, to count: Int) throws {
        try startPeer(["prlimit", "--pid", "\(process)", "--nofile=\(count):"]).waitUntilExit()
    }

    @Test func withoutDescriptorsACallerIsTurnedAwayTheOthersAndTheProcessorAreLeftAloneAndTheNextOneIsServed() throws {
        let run = try begin()
        let process = try #require(run.childID)
        let guest = try call("early")
        try waitUntil("the first recording") { FileManager.default.fileExists(atPath: place.file("early.mkv").path) }
        try limit(process, to: descriptors(process))
        let before = ticks(process)
        let late = try call("late")
        try waitUntil("the refusal") { said.contains("Too many open files") }
        late.waitUntilExit()
        guest.waitUntilExit()
        try waitUntil("the first recording's end") { said.contains("/tape: wrote ") }
        // A lane that spins takes all of the two seconds that the first caller sends.
        #expect(ticks(process) - before < 100, "\(said)")
        try limit(process, to: 1_024)
        try call("late").waitUntilExit()
        try waitUntil("the next recording's end") { said.components(separatedBy: "/tape: wrote ").count == 3 }
        run.signal(SIGINT)
        run.waitUntilExit()
        #expect(run.terminationStatus == 0, "\(said)")
        try checkClip(place.file("early.mkv"), cut: 6)
        try checkClip(place.file("late.mkv"), cut: 6)
    }
}
