import Glibc
import Sluice

/// Writes packets one behind the other, without a container, to compare them with what an encoder gives elsewhere.
public final class BenchDump: Node {
    public static let descriptor = NodeDescriptor(
        "bench-dump", summary: "Writes packets to a file without a container, to compare streams byte for byte",
        work: .blocking, example: #""packets": { "type": "bench-dump", "path": "packets.bin" }"#)

    let input = Input<Packet>("in")
    @Parameter("path", help: "the file to write") var path: String

    private var file: UnsafeMutablePointer<FILE>?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        file = fopen(path, "wb")
        guard file != nil else { throw failure("cannot be written") }
    }

    public func process(now: Instant) throws {
        while let packet = input.next() {
            guard fwrite(packet.bytes.baseAddress, 1, packet.bytes.count, file) == packet.bytes.count else {
                throw failure("cannot be written to")
            }
        }
    }

    public func close() {
        if let file { fclose(file) }
        file = nil
    }

    private func failure(_ what: String) -> NodeError {
        NodeError("\(path) \(what): \(errorText(errno))", advice: "Name a file in a directory with room, in \"path\".")
    }
}
