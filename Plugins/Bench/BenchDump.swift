import Sluice

/// Writes packets one behind the other, without a container, to compare them with what an encoder gives elsewhere.
public final class BenchDump: Node {
    public static let descriptor = NodeDescriptor(
        "bench-dump", summary: "Writes packets to a file without a container, to compare streams byte for byte",
        work: .blocking, example: #""packets": { "type": "bench-dump", "path": "packets.bin" }"#)

    let input = Input<Packet>("in")
    @Parameter("path", help: "The file that is written.") var path: String

    private var file: BenchFile?

    public init() {}

    public func prepare(_ context: NodeContext) throws { file = try BenchFile(path, context) }

    public func process(now: Instant) throws { while let packet = input.next() { try file?.write(packet.bytes) } }

    public func finish(now: Instant) throws -> Bool {
        try process(now: now)
        try file?.finish()
        return true
    }

    public func close() {
        // After an error somewhere else, what came before it is of use.
        try? file?.finish()
        file = nil
    }
}
