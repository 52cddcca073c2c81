import Sluice

/// Decodes G.711 µ-law to s16, a sample a byte. Times stay as they come; a hole between packets stays one.
public final class PCMUDecoder: Node {
    public static let descriptor = NodeDescriptor(
        "pcmu-decoder", summary: "Decodes G.711 µ-law (PCMU) to PCM", example: #""decoder": { "type": "pcmu-decoder" }"#
    )

    let input = Input<Packet>(
        "in", .codedAudio([.pcmu], rates: [8_000], channels: [1]))
    let output = Output<AudioFrame>("out", .audio([.s16], rates: [8_000], channels: [1]))

    private static let format = MediaFormat(audio: AudioLayout(.s16, rate: 8_000, channels: 1))
    private var pool = Pool<AudioFrame>()

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(PCMUDecoder.format) }

    public func process(now: Instant) {
        while let packet = input.next() {
            guard packet.count > 0 else { continue }
            let frame = pool.take(PCMUDecoder.format, sampleCount: packet.count)
            let (bytes, samples) = (packet.bytes, frame.s16)
            MuLaw.samples.withUnsafeBufferPointer { table in
                for index in 0..<packet.count { samples[index] = table[Int(bytes[index])] }
            }
            frame.header = packet.header
            frame.header.duration = frame.sampleDuration
            output.send(frame)
        }
    }
}
