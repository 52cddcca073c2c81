import Foundation
import TestSupport
import Testing

/// docs/signalling.schema.json and the examples of docs/webrtc.md, read by Debian's python3-jsonschema.
@Suite struct SignallingSchemaTests {
    /// One line a message of the second file: `accepts` or `refuses`, by the definition that the third argument names.
    private static let program = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft7Validator.check_schema(schema)
        part = {"$ref": "#/definitions/" + sys.argv[3], "definitions": schema["definitions"]}
        validator = jsonschema.Draft7Validator(part)
        for line in open(sys.argv[2], encoding="utf-8"):
            print("accepts" if validator.is_valid(json.loads(line)) else "refuses")
        """

    private func verdicts(_ messages: [String], _ part: String) throws -> [String] {
        let scratch = try Scratch()
        let file = scratch.url.appending(path: "messages.jsonl")
        try Data(messages.map { $0 + "\n" }.joined().utf8).write(to: file)
        let answer = try CommandRun(
            ["-c", Self.program, "docs/signalling.schema.json", file.path, part], in: Repository.root,
            executable: URL(filePath: "/usr/bin/python3"))
        #expect(answer.status == 0, "\(answer.errors)")
        return answer.output.split(separator: "\n").map(String.init)
    }

    /// The lines of JSON in the section on signalling.
    private func examples() throws -> [(isFromBrowser: Bool, text: String)] {
        let page = try String(contentsOf: Repository.root.appending(path: "docs/webrtc.md"), encoding: .utf8)
        return page.split(separator: "\n").compactMap { line in
            for (mark, isFromBrowser) in [("→ {", true), ("← {", false)] where line.hasPrefix(mark) {
                return (isFromBrowser, String(line.dropFirst(2)))
            }
            return nil
        }
    }

    @Test func itAcceptsEveryExampleOfThePage() throws {
        let examples = try examples()
        #expect(examples.count { $0.isFromBrowser } >= 8 && examples.count { !$0.isFromBrowser } >= 3)
        for (part, isFromBrowser) in [("from_browser", true), ("from_graph", false)] {
            let messages = examples.filter { $0.isFromBrowser == isFromBrowser }.map(\.text)
            let verdicts = try verdicts(messages, part)
            #expect(verdicts.count == messages.count)
            for (message, verdict) in zip(messages, verdicts) { #expect(verdict == "accepts", "\(message)") }
        }
    }

    @Test func itRefusesWhatIsNoMessage() throws {
        let messages = [
            #"{}"#, #"[]"#, #"{"type":"webrtc_go"}"#, #"{"type":"webrtc_answer"}"#,
            #"{"type":"webrtc_answer","sdp":5}"#, #"{"type":"webrtc_ready","microphone":"yes"}"#,
            #"{"type":"stats","freezes":"many"}"#, #"{"type":"media_reset","generation":0}"#, #"{"type":"error"}"#,
            #"{"type":"webrtc_offer","generation":1,"new_connection":true,"sdp":"v=0"}"#,
        ]
        #expect(try verdicts(messages, "from_browser") == Array(repeating: "refuses", count: messages.count))
    }
}
