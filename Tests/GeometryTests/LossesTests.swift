import Geometry
import Testing

/// Sentences about what media lose.
@Suite struct LossesTests {
    @Test func eachIsSaidOnceAndAStrangerFillsNoLog() {
        var losses = Losses()
        #expect(losses.news("a") == "a")
        #expect(losses.news("a") == nil)
        let said = (0..<10_000).compactMap { losses.news("turned by \($0)°") }
        #expect(said.count == 7)
        #expect(said.last == "turned by 6° Others of the kind are not said any more.")
    }
}
