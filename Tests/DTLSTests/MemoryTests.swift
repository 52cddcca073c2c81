import DTLS
import Foundation
import Testing

@Suite struct MemoryTests {
    /// In bytes; the whole process, in which other tests run too.
    private func resident() throws -> Int {
        let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(words.count > 1 ? Int(words[1]) : nil) * 4_096
    }

    @Test func aThousandSessionsGiveTheirMemoryBack() throws {
        weak var one: DTLSSession?
        func round() throws -> Int {
            let before = try resident()
            for number in 0..<500 {
                let handshake = try Handshake()
                one = handshake.server
                // Of some only the beginning.
                if number % 4 == 0 { _ = (handshake.step(), handshake.step()) } else { handshake.run() }
            }
            return try resident() - before
        }
        _ = try round()
        // The least of several counts, since others take memory meanwhile. A thousand sessions that stay have 20 MB.
        let least = try (0..<4).map { _ in try round() }.min() ?? 0
        #expect(least < 2 << 20, "\(least) bytes more after 1,000 sessions")
        #expect(one == nil)
    }
}
