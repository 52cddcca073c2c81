import Sluice
import Synchronization

/// Where readers of one session leave what they have read.
final class Shelf: Sendable {
    private let books = Mutex<[String]>([])
    func put(_ book: String) { books.withLock { $0.append(book) } }
}

/// A port that all runs share, which graphs set up: `"services": { "library": { "port": 7000 } }`.
final class Library: Service, @unchecked Sendable {
    static let descriptor = ServiceDescriptor("library", summary: "Lends books", scope: .host)

    @Parameter("port", default: 7_000, range: 1...65_535, help: "The port where it listens.") var port: Int
    @Parameter("token", help: "The token that readers must show.") var token: String

    init() {}

    func open(_ context: ServiceContext) throws {
        guard !token.isEmpty else { throw NodeError("the token is empty", isInputError: true) }
        context.log(.info, "lends books at port \(port)")
    }

    func close() {}
}

func provideServices(to registry: NodeRegistry) {
    registry.provide(Library.self)
    registry.provide(Shelf.self, scope: .session) { Shelf() }
}
