/// A bulk transfer with TCP's window (RFC 5681): slow start, then a packet more a round trip; half of it after a loss.
final class RenoFlow {
    private var window = 2.0
    private var threshold = Double.infinity
    private var underWay = 0
    private var answers = Pending<Bool>()
    private var recovered = 0.0
    private var lastAnswer = 0.0
    private var isBegun = false
    private(set) var bytes = 0

    static let packet = 1_500

    var next: Double { isBegun ? answers.first ?? .infinity : 0 }

    func run(at time: Double, _ world: inout World) {
        isBegun = true
        while let at = answers.first, at <= time {
            underWay -= 1
            if answers.take() {
                bytes += RenoFlow.packet
                window += window < threshold ? 1 : 1 / window
            } else if at >= recovered {
                window = max(2, window / 2)
                (threshold, recovered) = (window, at + 2 * MediaFlow.way + world.queued(0, at: at))
            }
        }
        while Double(underWay) < window { send(time, &world) }
    }

    private func send(_ time: Double, _ world: inout World) {
        underWay += 1
        // A lost one is told by those behind it.
        let left = world.pass(bytes: RenoFlow.packet, 0, at: time)
        let back = (left ?? time + world.queued(0, at: time)) + 2 * MediaFlow.way
        lastAnswer = max(lastAnswer, back)
        answers.add(left != nil, at: lastAnswer)
    }
}
