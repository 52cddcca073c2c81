import Sluice

/// Encodes PCM to G.711 µ-law, a byte a sample. Times stay as they come.
public final class PCMUEncoder: Node {
    public static let descriptor = NodeDescriptor(
        "pcmu-encoder", summary: "Encodes PCM to G.711 µ-law (PCMU)", example: #""pcmu": { "type": "pcmu-encoder" }"#)

    // Telephony, RTP's payload type 0 and Media Streams all take 8 kHz, one channel.
    let input = Input<AudioFrame>("in", .audio([.s16], rates: [8_000], channels: [1]))
    let output = Output<Packet>(
        "out", .codedAudio([.pcmu], rates: [8_000], channels: [1]))

    private static let format = MediaFormat(
        codec: .pcmu, audio: AudioLayout(nil, rate: 8_000, channels: 1), bitrate: 64_000)
    private var pool = Pool<Packet>()

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(PCMUEncoder.format) }

    public func process(now: Instant) {
        while let frame = input.next() {
            let packet = pool.take(PCMUEncoder.format, count: frame.sampleCount)
            let (samples, bytes) = (frame.s16, packet.mutableBytes)
            MuLaw.codes.withUnsafeBufferPointer { codes in
                for index in 0..<frame.sampleCount {
                    bytes[index] = codes[Int(UInt16(bitPattern: samples[index]) >> 2)]
                }
            }
            packet.header = frame.header
            packet.header.duration = frame.sampleDuration
            packet.header.flags.insert(.keyframe)
            output.send(packet)
        }
    }
}
