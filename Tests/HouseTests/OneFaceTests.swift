import Foundation
import TestSupport
import Testing

/// SwiftPM embeds a target of Plugins/Shared into the others there that use it. A service's face must stand in one
/// library of the process: a second copy is another protocol, whose service nobody provides.
@Suite struct OneFaceTests {
    @Test func noSharedLibraryEmbedsTheFaceOfAService() throws {
        let root = Built.root.appending(path: "Plugins/Shared")
        let manifest = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        let embedded = Set(
            manifest.matches(of: /dependencies: \[([^\]]*)\]/).flatMap { list in
                list.output.1.matches(of: /"([A-Za-z]+)"/).map { String($0.output.1) }
            })
        #expect(embedded.contains("Bitstream"))
        let sources = root.appending(path: "Sources")
        for target in try FileManager.default.contentsOfDirectory(atPath: sources.path) where embedded.contains(target)
        {
            let folder = sources.appending(path: target)
            for name in FileManager.default.enumerator(atPath: folder.path)?.compactMap({ $0 as? String }) ?? []
            where name.hasSuffix(".swift") {
                let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                #expect(
                    text.firstMatch(of: /public protocol \w+Service\b/) == nil,
                    "\(target)/\(name) declares the face of a service, and other libraries there embed it")
            }
        }
    }
}
