import Foundation
import TestSupport
import Testing

/// A JSON Schema validator that is not ours: Debian's python3-jsonschema.
@Suite struct JSONSchemaTests {
    /// One line a file: its name, a tab, and `accepts`, `refuses` or `no JSON`.
    private static let program = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        for path in sys.argv[2:]:
            try:
                verdict = "accepts" if validator.is_valid(json.load(open(path, encoding="utf-8"))) else "refuses"
            except ValueError:
                verdict = "no JSON"
            print(path, verdict, sep="\\t")
        """

    private func verdicts(_ files: [String]) throws -> [String: String] {
        let answer = try CommandRun(
            ["-c", Self.program, "graphs/graph.schema.json"] + files, in: Repository.root,
            executable: URL(filePath: "/usr/bin/python3"))
        #expect(answer.status == 0, "\(answer.errors)")
        let lines = answer.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
        return Dictionary(uniqueKeysWithValues: lines.map { ($0[0], $0[1]) })
    }

    @Test func itAcceptsEveryGraph() throws {
        let files = try Repository.graphs.map { "graphs/\($0).json" }
        #expect(try verdicts(files) == Dictionary(uniqueKeysWithValues: files.map { ($0, "accepts") }))
    }

    @Test func itRefusesBrokenGraphsAsTheIndexSays() throws {
        let cases = try BrokenGraphTests.cases
        #expect(
            try verdicts(cases.map(\.path)) == Dictionary(uniqueKeysWithValues: cases.map { ($0.path, $0.schema) }))
        #expect(cases.count { $0.schema == "refuses" } >= 25)
    }
}
