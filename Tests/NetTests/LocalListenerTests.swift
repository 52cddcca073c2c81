import Foundation
import Sluice
import Testing

@testable import Net

@Suite struct LocalListenerTests {
    private let path = "/tmp/sluice-\(UUID().uuidString.prefix(8))"

    private func message(_ path: String) -> String? {
        do {
            try LocalListener(path).close()
            return nil
        } catch { return (error as? NodeError)?.message }
    }

    @Test func aSocketThatADeadProcessHasLeftIsReplacedAndALivingOneIsNot() throws {
        let first = try LocalListener(path)
        #expect(message(path) == "another process listens at \(path)")
        Glibc.close(first.socket)
        // The file is still there, and nobody listens.
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(message(path) == nil)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func whatIsNoSocketIsLeftAlone() throws {
        try Data("precious".utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(message(path) == "\(path) exists and is no socket")
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "precious")
    }

    @Test func aPathThatIsTooLongOrLeadsNowhereIsRefused() {
        let long = "/tmp/" + String(repeating: "a", count: 120)
        #expect(message(long) == "the path of a socket has 1 to 107 bytes, \"\(long)\" has 125")
        #expect(message("/nowhere/avatar.sock") == "cannot listen at /nowhere/avatar.sock: No such file or directory")
    }
}
