/// The links and flows of "Test Cases for Evaluating Congestion Control for Interactive Real-Time Media" (RFC 8867), as
/// far as they are tried here, and some more. 50 ms each way, 300 ms of queue, jitter up to 30 ms.
extension Scenario {
    private static func flow(_ change: (inout MediaFlow.Settings) -> Void = { _ in }) -> MediaFlow.Settings {
        var settings = MediaFlow.Settings()
        change(&settings)
        return settings
    }

    private static let megabit = 1_000_000.0

    private static func steps(_ megabits: [(at: Double, rate: Double)]) -> [(at: Double, rate: Double)] {
        megabits.map { ($0.at, $0.rate * megabit) }
    }

    /// Section 5.1: one flow, a link that changes.
    public static let variableLink = Scenario(steps([(0, 1), (40, 2.5), (60, 0.6), (80, 1)]), [flow()], end: 100)

    /// Section 5.2: two flows, a link that changes.
    public static let variableLinkTwoFlows = Scenario(
        steps([(0, 4), (25, 2), (50, 3.5), (75, 1), (100, 2)]), [flow(), flow()], end: 125)

    /// Section 5.3: a flow each way, and feedback of each on the other's link.
    public static let congestedFeedback: Scenario = {
        var scenario = Scenario(
            steps([(0, 2), (20, 1), (40, 0.5), (60, 2)]), [flow(), flow { $0.direction = 1 }], end: 100)
        scenario.backward = steps([(0, 2), (35, 0.8), (70, 2)])
        return scenario
    }()

    /// Section 5.4: three flows that begin one after the other.
    public static let competingFlows = Scenario(
        steps([(0, 3.5)]), [flow(), flow { $0.from = 20 }, flow { $0.from = 40 }], end: 120)

    /// Section 5.6: beside a bulk transfer by TCP.
    public static let besideTransfer: Scenario = {
        var scenario = Scenario(steps([(0, 2)]), [flow()], end: 120)
        scenario.hasReno = true
        return scenario
    }()

    /// Section 5.8: one of three flows pauses from 40 to 60 s.
    public static let pause = Scenario(
        steps([(0, 3.5)]), [flow { $0.pause = 40..<60 }, flow(), flow()], end: 100)

    /// 3 Mb/s of which a share is lost, whatever the rate.
    public static func lossyLink(_ loss: Double) -> Scenario {
        var scenario = Scenario(steps([(0, 3)]), [flow()], end: 60)
        scenario.loss = loss
        return scenario
    }

    /// A stream of a fixed rate on a link that carries far more.
    public static let fixedStream = Scenario(steps([(0, 100)]), [flow { $0.fixedRate = 784_000 }], end: 600)

    /// An encoder that takes 65 % of the estimate, on a link that gets wider.
    public static let modestEncoder = Scenario(
        steps([(0, 1), (30, 3)]), [flow { ($0.share, $0.most) = (0.65, 2_500_000) }], end: 60)
}
