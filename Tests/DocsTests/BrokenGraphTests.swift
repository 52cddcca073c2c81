import Foundation
import TestSupport
import Testing

/// `Tests/Fixtures/broken-graphs` holds a graph for each kind of mistake; `index.tsv` there says what is to happen.
@Suite struct BrokenGraphTests {
    struct Case: CustomStringConvertible {
        let file: String
        /// The verdict of a JSON Schema validator: `refuses`, `accepts` where the schema cannot see the mistake, `no
        /// JSON`.
        let schema: String
        /// The words of `sluice validate`, after the file's name.
        let message: String

        var path: String { "Tests/Fixtures/broken-graphs/\(file)" }
        var description: String { file }
    }

    static var cases: [Case] {
        get throws {
            try Repository.text("Tests/Fixtures/broken-graphs/index.tsv").split(separator: "\n").dropFirst().map {
                let fields = $0.split(separator: "\t").map(String.init)
                return Case(file: fields[0], schema: fields[1], message: fields[2])
            }
        }
    }

    @Test func everyBrokenGraphIsInTheIndex() throws {
        #expect(try Self.cases.map(\.file) == Repository.names(in: "Tests/Fixtures/broken-graphs", ending: ".json"))
    }

    @Test(arguments: try cases) func aBrokenGraphIsRefusedWithItsPlaceAndReason(_ broken: Case) throws {
        for answer in [
            try Repository.sluice("validate", broken.path),
            try Repository.sluice("run", broken.path, "--clock", "virtual", "--for", "1ms"),
        ] {
            #expect(answer.status == 2)
            #expect(answer.errors.contains("\(broken.path):\(broken.message)"), "\(answer.errors)")
            #expect(answer.output.isEmpty)
        }
    }

    @Test func bracketsWithoutEndAreRefusedAtOnce() throws {
        for text in [
            String(repeating: "[", count: 200_000), "{\"nodes\":" + String(repeating: "[", count: 200_000),
            String(repeating: "{\"a\":", count: 200_000),
        ] {
            let scratch = try Scratch()
            let answer = try Repository.sluice("validate", scratch.write("deep.json", text).path)
            #expect(answer.status == 2)
            #expect(answer.errors.utf8.count < 1_000)
        }
    }

    @Test(arguments: [
        "../../etc/passwd", "../../../../../etc/passwd", "nothing-of-that-name", "/etc", "/dev/zero", "..", "",
    ])
    func aNameThatIsNoGraphIsRefused(_ name: String) throws {
        let answer = try Repository.sluice("validate", name)
        #expect(answer.status == 2)
        #expect(!answer.errors.isEmpty && !answer.errors.contains("root:"))
    }
}
