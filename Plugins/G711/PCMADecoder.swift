import Sluice

/// Decodes G.711 A-law to s16, a sample a byte. Times stay as they come; a hole between packets stays one.
public final class PCMADecoder: Node {
    public static let descriptor = NodeDescriptor(
        "pcma-decoder", summary: "Decodes G.711 A-law (PCMA) to PCM", example: #""decoder": { "type": "pcma-decoder" }"#
    )

    let input = Input<Packet>("in", .codedAudio([.pcma], rates: [8_000], channels: [1]))
    let output = Output<AudioFrame>("out", .audio([.s16], rates: [8_000], channels: [1]))

    private var law = Companding.aLaw

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(Companding.frameFormat) }

    public func process(now: Instant) {
        while let packet = input.next() {
            if let frame = law.decode(packet) { output.send(frame) }
        }
    }
}
