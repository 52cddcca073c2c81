import Sluice

/// Takes any media and throws them away: the end of a branch that is only measured.
public final class NullSink: Node {
    public static let descriptor = NodeDescriptor(
        "null-sink", summary: "Takes any media and throws them away", example: #""end": { "type": "null-sink" }"#)

    let input = Input<MediaItem>("in")

    public init() {}

    public func process(now: Instant) { while input.next() != nil {} }
}
