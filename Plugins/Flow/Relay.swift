import Sluice

/// Hands every item to each of its outputs, which come and go while media run.
public final class Relay: Node {
    public static let descriptor = NodeDescriptor(
        "relay", summary: "Shares one stream among any number of outputs", traits: [.shares],
        example: #""share": { "type": "relay" }"#)

    let input = Input<MediaItem>("in")
    let output = FanOut<MediaItem>("out", follows: "in")

    public init() {}

    public func process(now: Instant) { while let item = input.next() { output.send(item) } }
}
