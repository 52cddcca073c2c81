import Foundation
import TestSupport
import Testing

/// The seeds of `tools/fuzz` and the cases that it once found, without a fuzzer. A case that does not hold ends the
/// run: its name stands in the last line before.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ReplayTests {
    private static let folder = Built.root.appending(path: "Tests/Fuzz")

    private static func cases(_ kind: String, _ target: String) -> [URL] {
        let folder = folder.appending(path: "\(kind)/\(target)")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.sorted { $0.path < $1.path }
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func everySeedAndEveryFoundCaseHolds(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = Self.cases("Seeds", name)
        #expect(!seeds.isEmpty, "\(name) has no seeds in Tests/Fuzz/Seeds/\(name)")
        for file in seeds + Self.cases("Found", name) {
            let bytes = try Data(contentsOf: file)
            #expect(bytes.count <= target.longest, "\(file.path) is longer than the target's \(target.longest) bytes")
            // On one line of its own, so that what ends the process has a name.
            FileHandle.standardError.write(Data("\(name): \(file.lastPathComponent)\n".utf8))
            [UInt8](bytes).withUnsafeBytes { target.run($0) }
        }
    }

    @Test func everyFolderOfSeedsAndCasesBelongsToATarget() throws {
        let names = Set(FuzzTarget.all.map(\.name))
        #expect(names.count == FuzzTarget.all.count)
        for kind in ["Seeds", "Found"] {
            let folder = Self.folder.appending(path: kind)
            let found = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            #expect(found.filter { !names.contains($0) && !$0.hasPrefix(".") } == [])
        }
    }

    /// Any bytes at all, the same in every run: what a fuzzer begins with.
    @Test(arguments: FuzzTarget.all.map(\.name)) func randomBytesHold(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try Self.cases("Seeds", name).map { [UInt8](try Data(contentsOf: $0)) }
        var dice = Dice(seed: 1)
        for round in 0..<300 {
            var bytes = round % 3 == 0 ? [] : seeds.randomElement(using: &dice) ?? []
            for _ in 0..<Int.random(in: 1...8, using: &dice) {
                let place = Int.random(in: 0...bytes.count, using: &dice)
                switch Int.random(in: 0...2, using: &dice) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &dice), at: place)
                case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &dice)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 9))
                }
            }
            bytes.withUnsafeBytes { target.run($0) }
        }
    }
}
