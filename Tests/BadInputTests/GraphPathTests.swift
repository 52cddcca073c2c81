import Foundation
import TestSupport
import Testing

/// A file that is no graph is refused at once, with status 2 and one message, whatever stands at the path.
@Suite(.realPeers, .timeLimit(.minutes(2))) struct GraphPathTests {
    private let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private static let graphs =
        ((try? FileManager.default.contentsOfDirectory(atPath: Built.root.appending(path: "graphs").path)) ?? [])
        .filter { $0.hasSuffix(".json") && !$0.hasSuffix(".schema.json") }.map { String($0.dropLast(5)) }.sorted()
        .joined(separator: ", ")

    @Test(arguments: [
        ("/dev/zero", "/dev/zero: the graph cannot be read: it is not a regular file.\n  Check the path."),
        ("/tmp", "/tmp: the graph cannot be read: it is a directory.\n  Check the path."),
        ("./none.json", "./none.json: the graph cannot be read: there is no such file.\n  Check the path."),
        ("none.json", "none.json: the graph cannot be read: there is no such file.\n  Check the path."),
        (
            "../../../../../../etc/passwd",
            "../../../../../../etc/passwd:1:1: this is not a graph: a graph is a JSON object and begins with \"{\"."
        ),
        (
            "dem",
            "there is no graph \"dem\".\n  Did you mean \"demo\"? Known graphs: \(GraphPathTests.graphs)."
        ),
        ("", "there is no graph \"\".\n  Known graphs: \(GraphPathTests.graphs)."),
        ("..", "there is no graph \"..\".\n  Known graphs: \(GraphPathTests.graphs)."),
    ])
    func aPathThatIsNoGraph(_ path: String, _ words: String) throws {
        try scratch.run(path).check(2, saysOnly: words)
    }

    @Test func aFIFOIsNotWaitedFor() throws {
        scratch.fifo("pipe.json")
        try scratch.run("./pipe.json").check(
            2, saysOnly: "./pipe.json: the graph cannot be read: it is not a regular file.\n  Check the path.")
    }

    @Test func aVeryLongNameIsCutInTheMessage() throws {
        let run = try scratch.run(String(repeating: "a", count: 100_000))
        run.check(2, says: "there is no graph \"aaaa")
        #expect(run.errors.utf8.count < 500)
        let path = try scratch.run("./" + String(repeating: "a", count: 5_000) + ".json")
        path.check(2, says: "the graph cannot be read: File name too long.")
    }

    @Test func aFileThatIsTooLargeIsNotReadWhole() throws {
        #expect(FileManager.default.createFile(atPath: scratch.path("big.json"), contents: nil))
        let file = try FileHandle(forWritingTo: URL(filePath: scratch.path("big.json")))
        try file.truncate(atOffset: 1 << 40)
        try scratch.run("./big.json").check(
            2, saysOnly: "./big.json: the graph cannot be read: it is larger than 16 MiB.\n  Check the path.")
    }

    @Test func aFileThatMayNotBeReadSaysSo() throws {
        try scratch.write("loop.json", "")
        try FileManager.default.removeItem(atPath: scratch.path("loop.json"))
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("loop.json"), withDestinationPath: scratch.path("loop.json"))
        try scratch.run("./loop.json").check(
            2, saysOnly: "./loop.json: the graph cannot be read: Too many levels of symbolic links.\n  Check the path.")
    }

    /// A file name may hold any bytes; what a terminal would obey is not shown.
    @Test func whatATerminalWouldObeyIsNotShown() throws {
        try scratch.run("./\u{1B}[2Jx.json").check(2, says: "./\u{FFFD}[2Jx.json: the graph cannot be read")
        try scratch.run("\u{1B}[2J").check(2, says: "there is no graph \"\\u001b[2J\"")
        let graph = try scratch.graph(["\"a\\u001b[2J\": { \"type\": \"null-sink\" }"], [])
        let run = try scratch.run(graph)
        run.check(2, says: "graph.json:2:")
        #expect(!run.errors.contains("\u{1B}"))
        try scratch.run("demo", "--set", "output=\u{1B}[2J").check(2, says: "\u{FFFD}[2J")
    }
}
