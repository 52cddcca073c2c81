import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

/// Thousands of broken graphs and values, made from the project's own: each is loaded or refused, none crashes.
///
/// The same in every run. `SLUICE_MUTATIONS` multiplies their number.
@Suite(.realPeers, .timeLimit(.minutes(5))) struct MutationTests {
    private let catalog = PluginCatalog(directories: [Built.directory.path])
    private let factor = ProcessInfo.processInfo.environment["SLUICE_MUTATIONS"].flatMap { Int($0) } ?? 1

    private static let graphs = ["contribute", "demo", "record", "relay-audio"]

    private func bytes(_ graph: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: Built.root.appending(path: "graphs/\(graph).json")))
    }

    /// True if it is a graph. Checks what is said of it otherwise.
    @discardableResult
    private func load(_ bytes: [UInt8], set: [String: String] = [:]) -> Bool {
        let sources = ParameterSources(overrides: set, missing: set.isEmpty ? .isOpen : .isError)
        do {
            let plan = try GraphLoader.load(bytes, path: "g.json", catalog: catalog, sources: sources)
            _ = GraphDrawing(plan).text(.svg)
            return true
        } catch {
            #expect(!error.diagnostics.isEmpty && error.diagnostics.count <= 21)
            let lines = bytes.count { $0 == 0x0A } + 1
            for diagnostic in error.diagnostics {
                #expect(diagnostic.message.count > 5)
                #expect(diagnostic.message.utf8.count < 1_000)
                #expect(!diagnostic.description.utf8.contains { $0 < 0x20 && $0 != 0x0A })
                if let position = diagnostic.position {
                    #expect((1...lines).contains(position.line) && position.column >= 1)
                }
            }
            return false
        }
    }

    @Test(arguments: graphs) func aGraphFileThatIsCutAnywhereIsRefused(_ graph: String) throws {
        let bytes = try bytes(graph)
        #expect(load(bytes))
        let last = bytes.lastIndex(of: UInt8(ascii: "}"))!
        for count in stride(from: 0, through: last, by: factor > 1 ? 1 : 7) {
            #expect(!load(Array(bytes.prefix(count))), "\(count)")
        }
    }

    private static let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "null", "true", "-", "1e999", "-1e-999", "0x1",
        "99999999999999999999", "-9223372036854775808", "9223372036854775807", "0.1", "${", "${}", "$${", "${input}",
        "$parent", "$parent.", " -> ", "->", "..", "source.audio", "relay", "null-sink", "\u{FEFF}", "\u{202E}", "é",
        "\"lane\": \"main\"", "\"type\": \"relay\"", "\"count\": 10000", "\"$comment\": 1", "\"templates\"",
        "\"edges\"",
    ]

    @Test(arguments: graphs) func aGraphFileThatIsDamagedIsLoadedOrRefused(_ graph: String) throws {
        let original = try bytes(graph)
        var dice = Dice(seed: UInt64(graph.utf8.count))
        for _ in 0..<(400 * factor) {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let place = Int.random(in: 0..<bytes.count, using: &dice)
                let end = min(bytes.count, place + Int.random(in: 0...12, using: &dice))
                switch Int.random(in: 0...4, using: &dice) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &dice)
                case 1: bytes.removeSubrange(place..<end)
                case 2: bytes.insert(contentsOf: Self.words.randomElement(using: &dice)!.utf8, at: place)
                case 3: bytes.replaceSubrange(place..<end, with: Self.words.randomElement(using: &dice)!.utf8)
                default:
                    let from = Int.random(in: 0..<bytes.count, using: &dice)
                    bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 60)], at: place)
                }
            }
            load(bytes)
        }
    }

    @Test(arguments: graphs) func aValueOfAParameterIsTakenOrRefused(_ graph: String) throws {
        let bytes = try bytes(graph)
        let document = try GraphLoader.document(bytes, path: "g.json")
        var dice = Dice(seed: 7)
        let nasty = [
            "", " ", "0", "-0", "-1", "1e308", "1e309", "-1e309", "nan", "inf", "0x7f", "1_000", "٣",
            "9223372036854775807",
            "9223372036854775808", "-9223372036854775809", "true", "null", "${input}", "${", "$${x}", "a\u{0}b",
            "\u{1B}[2J",
            String(repeating: "9", count: 100_000), String(repeating: "é", count: 10_000),
        ]
        for parameter in document.parameters {
            for value in nasty { load(bytes, set: ["input": "x"].merging([parameter.name: value]) { $1 }) }
            for _ in 0..<(30 * factor) {
                let value = String(
                    decoding: (0..<Int.random(in: 0...30, using: &dice)).map { _ in
                        UInt8.random(in: 0...255, using: &dice)
                    },
                    as: UTF8.self)
                load(bytes, set: [parameter.name: value])
            }
        }
    }

    @Test func aFileOfTheLargestSizeIsAnsweredSoon() {
        for piece in ["[", "{\"a\":", "[],", "\"\\u0041", "1", " ", "{\"a\":1,"] {
            let body = String(repeating: piece, count: 2_000_000 / piece.utf8.count)
            #expect(!load(Array("{\"nodes\": \(body)".utf8)))
        }
    }

    /// As many nodes and edges as nobody writes by hand.
    @Test func aGraphOfThousandsOfNodesIsCheckedSoon() {
        let count = 3_000
        let nodes = (0..<count).map { "\"n\($0)\": { \"type\": \"relay\" }" }.joined(separator: ",")
        let chain = (0..<count - 1).map { "\"n\($0) -> n\($0 + 1)\"" }.joined(separator: ",")
        let circle = chain + ",\"n\(count - 1) -> n0\""
        #expect(!load(Array("{ \"nodes\": { \(nodes) }, \"edges\": [ \(circle) ] }".utf8)))
    }
}
