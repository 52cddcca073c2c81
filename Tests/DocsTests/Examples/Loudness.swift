import Glibc
import Sluice

/// Tells how loud each second was.
public final class Loudness: Node {
    public static let descriptor = NodeDescriptor("loudness", summary: "Tells how loud each second was")
    static let schema = DataSchema("loudness", fields: [.init("rms_dbfs", help: "The mean level of a second in dBFS.")])
    static let format = MediaFormat(data: schema)

    let input = Input<AudioFrame>("in", .audio([.f32]))
    let output = Output<DataItem>("out", .data([schema]))
    private var sum = 0.0
    private var count = 0

    public init() {}

    public func prepare(_ context: NodeContext) { output.fix(Loudness.format) }

    public func process(now: Instant) {
        while let frame = input.next() {
            for sample in frame.f32 { sum += Double(sample * sample) }
            count += frame.f32.count
            guard count >= frame.layout.rate * frame.layout.channels else { continue }
            let level = 10 * log10(max(sum / Double(count), 1e-12))
            let item = DataItem(format: Loudness.format, at: frame.header.pts, ["rms_dbfs": .init(.number(level))])
            item.header.epoch = frame.header.epoch
            output.send(item)
            (sum, count) = (0, 0)
        }
    }
}
