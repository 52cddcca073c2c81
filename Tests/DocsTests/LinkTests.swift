import Foundation
import Testing

@Suite struct LinkTests {
    @Test(arguments: try Page.all) func everyRelativeLinkLeadsSomewhere(_ page: Page) throws {
        let folder = page.path.split(separator: "/").dropLast().joined(separator: "/")
        for link in page.links where !link.contains("://") && !link.hasPrefix("mailto:") {
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let target = parts[0].isEmpty ? page.path : (folder.isEmpty ? "" : folder + "/") + parts[0]
            let file = Repository.root.appending(path: target).standardizedFileURL
            #expect(FileManager.default.fileExists(atPath: file.path), "\(page) links to \(link)")
            if parts.count > 1, target.hasSuffix(".md"), FileManager.default.fileExists(atPath: file.path) {
                let path = String(file.path.dropFirst(Repository.root.standardizedFileURL.path.count + 1))
                #expect(try Page(path).anchors.contains(parts[1]), "\(page) links to \(link)")
            }
        }
    }

    /// Words with hyphens that stand in code spans are names: of node types, of schemas of data, of graphs, or of these
    /// other things.
    private static let otherNames: Set<String> = [
        "drop-oldest", "drop-newest", "drop-to-keyframe", "test-source", "test-sink", "noise-gate", "take-over",
        "sluice-new-plugin", "mpeg4-generic",
    ]
    private static let graphs = Set(
        ((try? FileManager.default.contentsOfDirectory(atPath: Repository.root.appending(path: "graphs").path)) ?? [])
            .map { $0.replacing(".json", with: "") })

    @Test(arguments: try Page.all) func everyNodeTypeThatIsMentionedExists(_ page: Page) throws {
        for name in page.spans where name.wholeMatch(of: /[a-z0-9_]+(-[a-z0-9_]+)+/) != nil {
            #expect(
                try Catalog.types.contains(name) || Catalog.schemas.contains(name)
                    || Self.otherNames.contains(name) || Self.graphs.contains(name),
                "\(page) mentions \(name)")
        }
    }
}

/// The node types that the command knows.
enum Catalog {
    /// Of data, as the page of node types heads their fields.
    static var schemas: Set<String> {
        get throws {
            Set(try Repository.text("docs/nodes.md").matches(of: /\| data `([a-z-]+)` \|/).map { String($0.1) })
        }
    }

    static var types: Set<String> {
        get throws {
            Set(
                try Repository.sluice("inspect").output.split(separator: "\n").compactMap {
                    $0.split(separator: ":").first.map(String.init)
                })
        }
    }
}
