import Foundation
@_spi(Host) import Sluice
import TestSupport
import Testing

@Suite struct GraphExampleTests {
    private static var blocks: [Page.Block] {
        get throws { try Page.all.flatMap(\.blocks).filter { $0.language == "json" } }
    }

    @Test(arguments: try blocks) func everyJSONExampleIsJSONAndEveryWholeGraphIsValid(_ block: Page.Block) throws {
        let value = try JSONSerialization.jsonObject(with: Data(block.text.utf8), options: .fragmentsAllowed)
        guard let object = value as? [String: Any], object["nodes"] is [String: Any], object["graph"] == nil
        else { return }
        let scratch = try Scratch()
        let answer = try Repository.sluice("validate", scratch.write("graph.json", block.text).path)
        #expect(answer.status == 0, "\(block): \(answer.errors)")
        #expect(answer.errors.isEmpty, "\(block): \(answer.errors)")
    }

    @Test(arguments: try Repository.graphs) func everyGraphIsValidAndHasASummaryAndAPageWithItsDrawing(_ name: String)
        throws
    {
        let answer = try Repository.sluice("validate", name)
        #expect(answer.status == 0 && answer.errors.isEmpty, "\(answer.errors)")
        let graph =
            try JSONSerialization.jsonObject(with: Data(Repository.text("graphs/\(name).json").utf8)) as? [String: Any]
        let summary = try #require(graph?["summary"] as? String)
        #expect(!summary.isEmpty)
        let page = try Page("docs/graphs/\(name).md")
        #expect(try Repository.text(page.path).contains(summary))
        let drawing = try Repository.sluice("draw", name, "--format", "mermaid").output
        #expect(page.blocks.contains { $0.language == "mermaid" && $0.text == drawing }, "run tools/update-docs")
        for parameter in (graph?["parameters"] as? [String: Any] ?? [:]).keys {
            #expect(page.spans.contains(parameter), "\(page) does not explain \(parameter)")
        }
    }

    @Test func everyPageInDocsGraphsTellsOfAGraph() throws {
        let pages = try Repository.names(in: "docs/graphs", ending: ".md").map { String($0.dropLast(3)) }
        #expect(try pages == Repository.graphs)
    }
}
