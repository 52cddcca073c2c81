import Foundation
import TestSupport
import Testing

@Suite struct ArchitecturePageTests {
    /// The page draws a storey a line, the top first: `Node  its description`, or `Runtime: Lane, Build`.
    @Test func itDrawsTheStoreysThatAreHeld() throws {
        let page = try String(
            contentsOf: Built.root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let drawing = try #require(page.firstMatch(of: /```text\n(Report\n[^`]*)```/)).1
        let drawn = drawing.split(separator: "\n").map { line -> [String] in
            guard let parts = line.wholeMatch(of: /(\w+): (.*)/) else { return [String(line.prefix { $0 != " " })] }
            return parts.2.split(separator: ", ").map { "\(parts.1)/\($0)" }
        }
        #expect(drawn.reversed() == StoreyTests.storeys)
    }

    @Test func itNamesEveryLibraryOfTheFloor() throws {
        let page = try String(
            contentsOf: Built.root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        let line = try #require(page.split(separator: "\n").first { $0.hasPrefix("| [Plugins/Shared]") })
        let folder = Built.root.appendingPathComponent("Plugins/Shared/Sources").path
        let libraries = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            // Modules of C libraries are named as their libraries, with a C before.
            $0.wholeMatch(of: /C[A-Z].*|Csw.*/) == nil
        }
        #expect(libraries.count > 5)
        for library in libraries { #expect(line.contains("`\(library)`"), "\(library)") }
    }
}
