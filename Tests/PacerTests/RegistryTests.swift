import Sluice
import Testing

@testable import PacerPlugin

@Suite struct RegistryTests {
    /// A thousand that want a resampler at once would hold each other for seconds.
    @Test func resamplersAreMadeInTurn() {
        let registry = PacerRegistry()
        var made: [Int64] = []
        for tick in 0..<50 {
            let now = Instant(nanoseconds: Int64(tick) * 4_000_000)
            for _ in 0..<1_000 where registry.mayMakeResampler(at: now) { made.append(now.nanoseconds / 1_000_000) }
        }
        #expect(made == [0, 20, 40, 60, 80, 100, 120, 140, 160, 180])
    }
}
