import Sluice

/// Sends packets of some codecs one way and all others another way, so that only what has to be is decoded and encoded
/// anew. Where nothing is connected to the other way, packets are left out, and that is said.
public final class CodecSplit: Node {
    public static let descriptor = NodeDescriptor(
        "codec-split", summary: "Sends packets of some codecs one way, all others another way",
        example: #""split": { "type": "codec-split", "codecs": "opus" }"#)

    let input = Input<Packet>("in")
    let output = Output<Packet>("out")
    let other = Output<Packet>("other", optional: true)

    @Parameter("codecs", help: "The codecs that go to out, with commas between them: h264,vp8. Others go to other.")
    var codecs: String
    @Parameter(
        "hint", default: "",
        help: "A sentence for the log where packets are left out, since nothing is connected to other.")
    var hint: String

    private var context: NodeContext!
    private var wanted: Set<String> = []
    private var present: MediaFormat.Codec?
    private var leftOut: Metric.Counter!

    public init() {}

    public static let metrics: [Metric] = [
        .counter("left_out", "Packets of other codecs that were left out, since nothing is connected to other.")
    ]

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        leftOut = context.counter("left_out")
        let names = codecs.lowercased().split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
        guard !names.isEmpty else {
            throw NodeError(
                "codecs names no codec", advice: "Name those that go to out: \"opus\", or \"h264,vp8\".",
                isInputError: true)
        }
        wanted = Set(names)
    }

    public func process(now: Instant) {
        while let packet = input.next() {
            if packet.format.codec != present { note(packet.format) }
            if wanted.contains(packet.format.codec?.name ?? "") {
                output.send(packet)
            } else if other.isConnected {
                other.send(packet)
            } else {
                leftOut.add()
            }
        }
    }

    private func note(_ format: MediaFormat) {
        present = format.codec
        guard let name = format.codec?.name, !wanted.contains(name) else { return }
        guard !other.isConnected else { return context.log(.info, "\(name) goes to other") }
        context.log(.warning, "\(name) is left out: nothing takes it.\(hint.isEmpty ? "" : " \(hint)")")
    }
}
