import Sluice

/// Hands on what comes at either of its inputs, in the order in which it comes: two ways of one stream meet again
/// behind a `codec-split`. It does not mix: two streams at a time come out in turns.
public final class Merge: Node {
    public static let descriptor = NodeDescriptor(
        "merge", summary: "Joins two ways of one stream, of which one at a time runs",
        example: #""opus_again": { "type": "merge" }"#)

    let (first, second) = (Input<MediaItem>("first"), Input<MediaItem>("second"))
    let output = Output<MediaItem>("out")

    public init() {}

    public func process(now: Instant) {
        for input in [first, second] {
            while let item = input.next() { output.send(item) }
        }
    }
}
