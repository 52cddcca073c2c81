import Sluice

/// Decodes G.711 µ-law to s16, a sample a byte. Times stay as they come; a hole between packets stays one.
public final class PCMUDecoder: Node {
    public static let descriptor = NodeDescriptor(
        "pcmu-decoder", summary: "Decodes G.711 µ-law (PCMU) to PCM", example: #""decoder": { "type": "pcmu-decoder" }"#
    )

    let input = Input<Packet>("in", .codedAudio([.pcmu], rates: [8_000], channels: [1]))
    let output = Output<AudioFrame>("out", .audio([.s16], rates: [8_000], channels: [1]))

    private var law = Companding.muLaw

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(Companding.frameFormat) }

    public func process(now: Instant) {
        while let packet = input.next() {
            if let frame = law.decode(packet) { output.send(frame) }
        }
    }
}
