import Sluice

/// Hands every item to each of its outputs, which come and go while media run. Each has a ring, a policy and counters
/// of its own, and none waits for another unless the graph makes the relay lossless.
public final class Relay: Node {
    public static let descriptor = NodeDescriptor(
        "relay", summary: "Shares one stream among any number of outputs", traits: [.shares],
        example: #""share": { "type": "relay", "begin": "keyframe" }"#)

    let input = Input<MediaItem>("in")
    let output = FanOut<MediaItem>("out", follows: "in")
    @Parameter(
        "begin", default: .keyframe,
        help:
            "The place where coded video begins for an output that joins later: "
            + "the next keyframe, which it asks for, or now.")
    var begin: Begin

    enum Begin: String, CaseIterable, ParameterValue.Convertible { case keyframe, now }

    public init() {}

    public func prepare(_ context: NodeContext) { output.beginsAtKeyframe = begin == .keyframe }

    public func process(now: Instant) { while let item = input.next() { output.send(item) } }
}
