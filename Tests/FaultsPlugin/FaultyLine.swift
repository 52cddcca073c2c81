import Glibc
import Sluice

/// A service that does what its settings say: opens, or does not; and writes into a file when it opens and closes.
public final class FaultyLine: Service, @unchecked Sendable {
    public static let descriptor = ServiceDescriptor("faulty-line", summary: "Fails where it is told to", scope: .host)

    @Parameter("fault", default: .none, help: "The call in which it happens.") var fault: Stage
    @Parameter("volume_percent", default: 50, range: 0...100, help: "The volume in percent.") var volume: Int
    @Parameter("token", help: "The token that callers must show.") var token: String
    @Parameter("log", default: "", help: "A file that gets a line when it opens and when it closes.") var path: String

    enum Stage: String, CaseIterable, ParameterValue.Convertible { case none, open }

    public init() {}

    public func open(_ context: ServiceContext) throws {
        if fault == .open { throw NodeError("the line is dead", advice: "Call the engineer.") }
        note("open at \(volume), token of \(token.count)")
    }

    public func close() { note("closed") }

    private func note(_ line: String) {
        guard !path.isEmpty, let file = fopen(path, "a") else { return }
        fputs(line + "\n", file)
        fclose(file)
    }
}

/// Needs the line.
public final class Caller: Node {
    public static let descriptor = NodeDescriptor("caller", summary: "Calls by a service")

    let input = Input<AudioFrame>("in")

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        guard try context.service(FaultyLine.self) != nil else { throw NodeError("no plugin provides a line") }
    }

    public func process(now: Instant) { while input.next() != nil {} }
}
