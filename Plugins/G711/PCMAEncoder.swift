import Sluice

/// Encodes PCM to G.711 A-law, a byte a sample. Times stay as they come.
public final class PCMAEncoder: Node {
    public static let descriptor = NodeDescriptor(
        "pcma-encoder", summary: "Encodes PCM to G.711 A-law (PCMA)", example: #""pcma": { "type": "pcma-encoder" }"#)

    // Telephony and RTP's static payload types take 8 kHz, one channel.
    let input = Input<AudioFrame>("in", .audio([.s16], rates: [8_000], channels: [1]))
    let output = Output<Packet>("out", .codedAudio([.pcma], rates: [8_000], channels: [1]))

    private var law = Companding.aLaw

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(law.packetFormat) }

    public func process(now: Instant) {
        while let frame = input.next() { output.send(law.encode(frame)) }
    }
}
