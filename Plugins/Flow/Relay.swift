import Sluice

/// Hands every item to each of its outputs, which come and go while media run. Each has a ring, a policy and counters
/// of its own, and none waits for another unless the graph makes the relay lossless.
public final class Relay: Node {
    public static let descriptor = NodeDescriptor(
        "relay", summary: "Shares one stream among any number of outputs", traits: [.shares],
        example: #""share": { "type": "relay", "join": "keyframe" }"#)

    let input = Input<MediaItem>("in")
    let output = FanOut<MediaItem>("out", follows: "in")
    @Parameter(
        "join", default: .keyframe,
        help: "where an output that joins coded video in mid-stream begins: at a keyframe, which is asked for, or now")
    var join: Join

    enum Join: String, CaseIterable, ParameterConvertible { case keyframe, now }

    public init() {}

    public func prepare(_ context: NodeContext) { output.joinsAtKeyframe = join == .keyframe }

    public func process(now: Instant) { while let item = input.next() { output.send(item) } }
}
