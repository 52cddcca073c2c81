import Sluice

/// Tells the segment node when the first picture of a segment passes here; hands everything on untouched.
public final class SegmentTrace: Node {
    public static let descriptor = NodeDescriptor(
        "segment-trace", summary: "Tells av-segments when each segment's first picture is encoded and sent",
        example: #""sent": { "type": "segment-trace", "stage": "sender" }"#)

    let input = Input<Packet>("in", .codedVideo)
    let output = Output<Packet>("out", follows: "in")
    @Parameter("stage", default: .sender, help: "The place of this node: behind an encoder, or before the sender.")
    var stage: Stage

    enum Stage: String, CaseIterable, ParameterValue.Convertible { case encoder, sender }

    private var context: NodeContext!
    private var traces: SegmentTraces?
    /// On their way to the next node.
    private var leaving: [TraceBook.Sighting] = []

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        traces = try context.service(SegmentTraces.self)
        if stage == .sender { traces?.noteSender() }
        if let format = input.format { output.fix(format) }
    }

    public func process(now: Instant) {
        noteLeft(now)
        while let packet = input.next() {
            if packet.header.flags.contains(.segmentStart) { note(packet, now) }
            output.send(packet)
            if !leaving.isEmpty, packet.header.flags.contains(.segmentStart) { output.placeFence() }
        }
    }

    public func finish(now: Instant) -> Bool {
        noteLeft(now)
        return leaving.isEmpty
    }

    private func note(_ packet: Packet, _ now: Instant) {
        let header = packet.header
        let seen = TraceBook.Sighting(
            clock: header.sourceClock, epoch: header.epoch, pts: header.pts, captured: header.captured,
            bitrate: packet.format.bitrate)
        switch stage {
        case .encoder: traces?.note { $0.encoded(seen, now) }
        case .sender:
            traces?.note { $0.published(seen, now) }
            leaving.append(seen)
        }
    }

    private func noteLeft(_ now: Instant) {
        guard !leaving.isEmpty, output.isFencePassed else { return }
        for seen in leaving { traces?.note { $0.sent(seen, now) } }
        leaving.removeAll(keepingCapacity: true)
    }
}
