import Sluice

/// Puts the packets of two streams in the order of their decoding times, as a muxer wants them.
public final class Interleave: Node {
    public static let descriptor = NodeDescriptor("interleave", summary: "Puts two streams in order", traits: [.joins])

    let video = Input<Packet>("video", .codedVideo, optional: true)
    let audio = Input<Packet>("audio", .codedAudio, optional: true)
    let output = Output<Packet>("out")
    private var join: Join<Packet>!
    private var context: NodeContext!

    public init() {}

    public func prepare(_ context: NodeContext) {
        self.context = context
        join = Join([video, audio], maxWait: .seconds(2))
    }

    public func process(now: Instant) {
        while let (_, packet) = join.next(now: now, context: context) { output.send(packet) }
    }
}
