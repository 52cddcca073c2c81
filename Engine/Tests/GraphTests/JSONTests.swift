import Testing

@testable @_spi(Host) import Sluice

@Suite struct JSONTests {
    private func message(_ bytes: [UInt8]) -> String {
        do {
            _ = try JSONValue.parse(bytes, file: "f.json")
            return "accepted"
        } catch { return error.description }
    }

    private func message(_ text: String) -> String { message(Array(text.utf8)) }

    @Test func `Every key and value knows its line and column, counted in characters`() throws {
        let value = try JSONValue.parse(
            Array("{\n  \"ä😀\": [1, \"é\", true],\r\n\t\"b\": {\"c\": -2.5e1}\n}".utf8), file: "f")
        let members = try #require(value.members)
        #expect(members[0].keyPosition == SourcePosition(line: 2, column: 3))
        #expect(value["ä😀"]?.array?.map(\.position.column) == [10, 13, 18])
        #expect(members[1].keyPosition == SourcePosition(line: 3, column: 2))
        #expect(value["b"]?["c"]?.position == SourcePosition(line: 3, column: 13))
        #expect(value["b"]?["c"]?.integer == -25)
    }

    @Test func `Every escape is read`() throws {
        let value = try JSONValue.parse(Array(#""\"\\\/\b\f\n\r\té\uD83D\uDE00""#.utf8), file: "f")
        #expect(value.string == "\"\\/\u{8}\u{C}\n\r\té😀")
    }

    @Test func `What is written is read again`() throws {
        let value: JSONValue = ["a": [1, 2.5, true, "x\n\u{1}\""], "b": [:], "c": [["d": "é"]], "e": []]
        #expect(try JSONValue.parse(Array(value.text.utf8), file: "f") == value)
    }

    @Test(arguments: [
        ("", "f.json:1:1: the file is empty; a JSON object was expected."),
        (" \n", "f.json:1:1: the file is empty; a JSON object was expected."),
        (
            "{ \"a\": [1, 2",
            """
            f.json:1:13: the file ends inside the array that begins at 1:8; expected "," or "]".
              Close it, or restore the rest of the file.
            """
        ),
        (
            "{ \"a\"",
            """
            f.json:1:6: the file ends inside the object that begins at 1:1; expected ":".
              Close it, or restore the rest of the file.
            """
        ),
        (
            "{\n\"a\": ",
            """
            f.json:2:6: the file ends inside the object that begins at 1:1; expected a value.
              Close it, or restore the rest of the file.
            """
        ),
        (
            "[\"abc",
            "f.json:1:6: the file ends inside the string that begins at 1:2.\n  Close the string with a double quote."
        ),
        ("[1e999]", "f.json:1:2: the number 1e999 is too large.\n  Write one below 1.7e308."),
        (
            "[9223372036854775808]",
            "f.json:1:2: the integer 9223372036854775808 does not fit in 64 bits.\n  Write a smaller number."
        ),
        ("[01]", "f.json:1:2: a number begins with 0.\n  Remove the leading zeros."),
        ("[-]", "f.json:1:2: a number is incomplete: expected a digit, found \"]\".\n  Complete the number."),
        ("[1.]", "f.json:1:2: a number is incomplete: expected a digit, found \"]\".\n  Complete the number."),
        ("[+1]", "f.json:1:2: expected a value, found \"+\".\n  A number begins with a digit or \"-\"."),
        ("[.5]", "f.json:1:2: expected a value, found \".\".\n  A number begins with a digit or \"-\"."),
        ("[NaN]", "f.json:1:2: expected a value, found \"NaN\".\n  JSON has finite numbers only."),
        ("[True]", "f.json:1:2: expected a value, found \"True\".\n  Write true."),
        ("[truex]", "f.json:1:2: expected a value, found \"t\"."),
        ("{\"a\": 1,}", "f.json:1:8: found a comma before \"}\".\n  Remove the comma."),
        ("[1,\n]", "f.json:1:3: found a comma before \"]\".\n  Remove the comma."),
        ("[1 2]", "f.json:1:4: expected \",\" or \"]\", found \"2\"."),
        ("{a: 1}", "f.json:1:2: expected a key in double quotes, found \"a\"."),
        ("['a']", "f.json:1:2: expected a value, found \"'\".\n  JSON strings stand in double quotes."),
        (
            "// x\n{}",
            "f.json:1:1: expected a JSON value, found \"/\".\n  JSON has no comments; use a \"$comment\" key."
        ),
        (
            "{} /* x */",
            "f.json:1:4: found \"/\" after the end of the JSON value.\n  JSON has no comments; use a \"$comment\" key."
        ),
        (
            "{\"a\": 1, \"b\": 2,\n \"a\": 3}",
            "f.json:2:2: the key \"a\" is given twice; the first is in line 1.\n  Remove or rename one of them."
        ),
        (
            "[\"a\nb\"]",
            """
            f.json:1:2: the string that begins here is not closed on its line.
              Close it with a double quote; a line break inside is written \\n.
            """
        ),
        ("[\"a\tb\"]", "f.json:1:4: found the control character U+0009 in a string.\n  Write \\t."),
        ("[\"\u{0}\"]", "f.json:1:3: found the control character U+0000 in a string.\n  Remove it."),
        (
            "\u{0}",
            "f.json:1:1: expected a JSON value, found U+0000.\n  Remove the NUL byte; save the file as UTF-8 text."
        ),
        ("[\"\\u0000\"]", "f.json:1:3: found \\u0000 in a string.\n  No text that Linux takes may hold it; remove it."),
        (
            "[\"\\ud800\"]",
            """
            f.json:1:3: half of a surrogate pair stands alone.
              Write the character itself, or both halves: \\uD83D\\uDE00.
            """
        ),
        (
            "[\"\\udc00\"]",
            """
            f.json:1:3: half of a surrogate pair stands alone.
              Write the character itself, or both halves: \\uD83D\\uDE00.
            """
        ),
        (
            "[\"\\ud800\\u0041\"]",
            """
            f.json:1:3: half of a surrogate pair stands alone.
              Write the character itself, or both halves: \\uD83D\\uDE00.
            """
        ),
        ("[\"\\u12G4\"]", "f.json:1:3: \\u is not followed by four hexadecimal digits.\n  Write it as \\u00E9."),
        (
            "[\"\\x\"]",
            "f.json:1:3: a backslash is followed by \"x\".\n  Allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX."
        ),
    ])
    func `Broken text is told with position, what was found and what to do`(text: String, expected: String) {
        #expect(message(text) == expected)
    }

    @Test func `A byte order mark, UTF-16 and bytes that are not UTF-8 are named`() {
        #expect(
            message([0xEF, 0xBB, 0xBF, 0x7B, 0x7D])
                == "f.json:1:1: the file begins with a byte order mark.\n  Save it as UTF-8 without one.")
        #expect(
            message([0xFF, 0xFE, 0x7B, 0]) == "f.json:1:1: the file is UTF-16; JSON is UTF-8.\n  Save it as UTF-8.")
        for bad: [UInt8] in [
            [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
        ] {
            let digits = String(bad[0], radix: 16, uppercase: true)
            #expect(
                message([0x5B, 0x22] + bad + [0x22, 0x5D])
                    == "f.json:1:3: the byte 0x\(digits) is not UTF-8.\n  Save the file as UTF-8.")
        }
    }

    @Test func `Two hundred thousand brackets and a number of 400 digits are refused, not followed`() {
        let depth = "f.json:1:65: arrays and objects are nested more than 64 deep.\n  Remove the surplus brackets."
        #expect(message(String(repeating: "[", count: 200_000)) == depth)
        let objects = String(repeating: "{\"a\":", count: 200_000)
        #expect(message(objects).hasPrefix("f.json:1:321: arrays and objects are nested more than 64 deep."))
        #expect(
            message("[" + String(repeating: "9", count: 400) + "]")
                == """
                f.json:1:2: the integer \(String(repeating: "9", count: 57))... does not fit in 64 bits.
                  Write a smaller number.
                """
        )
        #expect(message("[0.\(String(repeating: "3", count: 400))]") == "accepted")
    }

    @Test func `A text that is larger than its limit is not looked at`() {
        #expect(
            message([UInt8](repeating: 0x20, count: JSONValue.Limits.standard.bytes + 1))
                == "f.json: the file has 16777217 bytes; at most 16777216 are read.\n  Is it really a graph?")
        let error = #expect(throws: GraphError.self) {
            _ = try JSONValue.parse(Array("[[[]]]".utf8), file: "f.json", limits: JSONValue.Limits(bytes: 10, depth: 2))
        }
        #expect(error?.description.contains("nested more than 2 deep") == true)
        let graph = [UInt8](repeating: 0x7B, count: JSONValue.Limits.graph.bytes + 1)
        #expect(throws: GraphError.self) { _ = try GraphLoader.document(graph, path: "g.json") }
        do { _ = try GraphLoader.document(graph, path: "g.json") } catch {
            #expect(error.description.contains("at most 4194304 are read"))
        }
    }

    @Test func `Every cut of a good file is refused or read, and never traps`() {
        let bytes = Array(example.utf8)
        for length in 0..<bytes.count { #expect(message(Array(bytes.prefix(length))) != "accepted") }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var broken = bytes
            for _ in 0..<3 {
                broken[Int.random(in: broken.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = message(broken)
            _ = try? GraphLoader.load(broken, path: "t.json", catalog: catalog, sources: ParameterSources())
        }
    }
}
