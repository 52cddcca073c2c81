import Sluice

/// Hands on what it gets: the smallest node there is.
public final class BenchPass: Node {
    public static let descriptor = NodeDescriptor(
        "bench-pass", summary: "Hands media on untouched, to measure what a hop costs",
        example: #""hop": { "type": "bench-pass" }"#)

    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")

    public init() {}

    public func process(now: Instant) { while let item = input.next() { output.send(item) } }
}
