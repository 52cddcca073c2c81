import HTTP
import Net
import Sluice

/// The HTTP port of the process. One thread of its own serves it; requests go to nodes as messages.
public final class HTTPServer: Service, HTTPService, @unchecked Sendable {
    public static let descriptor = ServiceDescriptor(
        "http", summary: "One HTTP port for pages, WHIP, WHEP, signalling and what else nodes serve", scope: .host,
        isLive: true)

    @Parameter(
        "listen", default: "127.0.0.1:8889",
        help: "The address and port to listen at. Port 0 is any free one. An address that others reach needs a token.")
    var listen: String
    @Parameter(
        "token", default: "",
        help: "The token that clients show, 8 characters or more. 'none' lets everybody in, also from elsewhere.")
    var token: String
    @Parameter(
        "certificate", default: "", help: "A PEM file with the certificate and its chain. With it HTTPS is spoken.")
    var certificate: String
    @Parameter("key", default: "", help: "The PEM file with the certificate's key, without a passphrase.")
    var key: String
    @Parameter("connections", default: 2_048, range: 8...65_535, help: "Connections at a time, at most.")
    var connections: Int
    @Parameter(
        "connections_per_address", default: 512, range: 1...65_535,
        help: "Connections of one address at a time, at most. Clients behind one proxy count as one.")
    var connectionsPerAddress: Int
    @Parameter(
        "changes_per_s", default: 100, range: 1...100_000,
        help: "POST, PATCH, PUT and WebSockets that one address may ask for in a second, twice as many at once."
    )
    var changesPerSecond: Int

    // Set by `open`, before anybody else has the service.
    private var reactor: Reactor?
    private var desk = Desk(token: nil, perSecond: 1)
    public private(set) var address = ""

    public init() {}

    public func open(_ context: ServiceContext) throws {
        try open(
            HTTPSettings(
                listen: listen, token: token, certificate: certificate, key: key, connections: connections,
                connectionsPerAddress: connectionsPerAddress, changesPerSecond: changesPerSecond),
            say: { context.log($0, $1) })
    }

    /// As `open` above.
    func open(_ settings: HTTPSettings, say: @escaping @Sendable (EventLog.Level, String) -> Void) throws {
        let wanted = try ListenAddress(settings.listen)
        let shown = try AccessToken.read(settings.token)
        guard wanted.isLocal || shown != nil || settings.token == "none" else {
            throw NodeError(
                "\(settings.listen) is reached from elsewhere, and there is no token",
                advice:
                    "Set \"token\" to a secret parameter of the graph, as \"${token}\", and give it in the environment. "
                    + "\"token\": \"none\" lets everybody in; 127.0.0.1 is reached from this machine alone.",
                isInputError: true)
        }
        let tls = try TLSFiles.read(certificate: settings.certificate, key: settings.key)
        let listener = try Listener(wanted.socket)
        desk = Desk(token: shown, perSecond: settings.changesPerSecond)
        let limits = ConnectionLimits(most: settings.connections, mostOfOne: settings.connectionsPerAddress)
        reactor = try Reactor(listener, desk: desk, limits: limits, tls: tls, say: say)
        let (host, port) = listener.address.parts
        let isEverywhere = ["0.0.0.0", "::"].contains(host)
        let name = isEverywhere ? "127.0.0.1" : host.contains(":") ? "[\(host)]" : host
        address = "\(tls == nil ? "http" : "https")://\(name):\(port)"
        say(.info, "\(address)/" + (isEverywhere ? ", and at every address of this machine" : ""))
    }

    public func close() {
        reactor?.stop()
        reactor = nil
    }

    // MARK: Routes

    public func serve(
        _ routes: [HTTPRoute], for owner: String, post: @escaping @Sendable (HTTPExchange) -> Bool
    ) throws -> HTTPLease {
        try lease(routes.map { ($0.path, $0.methods, .route($0, post)) }, for: owner)
    }

    public func serve(_ contents: [HTTPContent], for owner: String) throws -> HTTPLease {
        try lease(contents.map { ($0.path, [.get], .content(Content($0))) }, for: owner)
    }

    public func serve(
        _ route: WebSocketRoute, for owner: String, post: @escaping @Sendable (WebSocketEvent) -> Bool
    ) throws -> HTTPLease {
        try lease([(route.path, [.get], .socket(route, post))], for: owner)
    }

    private func lease(
        _ targets: [(path: String, methods: [HTTPMethod], target: RouteTable.Target)], for owner: String
    ) throws -> HTTPLease {
        let number = try desk.table.withLock { try $0.add(targets, for: owner) }
        return HTTPLease { [desk, weak reactor] in
            desk.table.withLock { $0.remove(number) }
            reactor?.leaseEnded(number)
        }
    }

    public var counts: HTTPCounts { desk.counts.withLock { $0 } }
}
