import Sluice

/// Tells the louder of two voices, fifty times a second.
public final class Louder: Node {
    public static let descriptor = NodeDescriptor("louder", summary: "Tells the louder of two voices", traits: .joins)
    let inputs = (1...2).map { Input<AudioFrame>("in\($0)", .audio([.s16])) }
    let louder = ValueOutput("louder", help: "The number of the louder input.")
    private var context: NodeContext!
    private var stretches: Stretches!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        stretches = try Stretches(inputs, length: .milliseconds(20), maxWait: .milliseconds(200))
    }

    public func process(now: Instant) throws {
        while try stretches.next(now: now, context: context) {
            let peaks = inputs.indices.map { index in
                stretches.pieces(of: index).reduce(0) { peak, piece in
                    let channels = piece.frame.layout.channels
                    let samples = piece.frame.s16[piece.first * channels..<(piece.first + piece.count) * channels]
                    return samples.reduce(peak) { max($0, Int($1.magnitude)) }
                }
            }
            louder.send(peaks[0] < peaks[1] ? 2 : 1)
        }
    }
}
