import HTTP
import Sluice

/// The routes that are served just now. Pure; its holder locks it.
struct RouteTable {
    enum Target: Sendable {
        case route(HTTPRoute, @Sendable (HTTPExchange) -> Bool)
        case content(Content)
        case socket(WebSocketRoute, @Sendable (WebSocketEvent) -> Bool)
    }

    struct Entry: Sendable {
        let lease: UInt64
        let owner: String
        let methods: [HTTPMethod]
        let pattern: PathPattern
        let target: Target
    }

    /// All entries that fit one path, the first of which counts for each method.
    struct Fit {
        var entries: [(entry: Entry, names: [String: String])]

        /// Those that `Allow` tells; OPTIONS always, HEAD with GET.
        var allowed: [HTTPMethod] {
            var found = Set(entries.flatMap(\.entry.methods))
            if found.contains(.get) { found.insert(.head) }
            found.insert(.options)
            return HTTPMethod.allCases.filter(found.contains)
        }

        func first(_ method: HTTPMethod) -> (entry: Entry, names: [String: String])? {
            entries.first { fit in
                guard fit.entry.methods.contains(method) else { return false }
                if case .socket = fit.entry.target { return false }
                return true
            }
        }

        var socket: (entry: Entry, names: [String: String])? {
            entries.first {
                if case .socket = $0.entry.target { return true }
                return false
            }
        }

        /// The first route that pages of other origins may use.
        var shared: HTTPRoute? {
            for fit in entries {
                if case .route(let route, _) = fit.entry.target, route.exposes != nil { return route }
            }
            return nil
        }
    }

    private var byShape: [String: [Entry]] = [:]
    private var nextLease: UInt64 = 1

    /// The lease's number. All of them or none come in.
    mutating func add(_ added: [(path: String, methods: [HTTPMethod], target: Target)], for owner: String) throws
        -> UInt64
    {
        let lease = nextLease
        var entries: [Entry] = []
        for one in added {
            let entry = Entry(
                lease: lease, owner: owner, methods: one.methods, pattern: try PathPattern(one.path), target: one.target
            )
            for other in (byShape[entry.pattern.shape] ?? [])
                + entries.filter({ $0.pattern.shape == entry.pattern.shape })
            {
                guard let method = other.methods.first(where: entry.methods.contains) else { continue }
                let isSocket = [other.target, entry.target].map {
                    if case .socket = $0 { return true }
                    return false
                }
                // A WebSocket is asked for by GET, and known by its headers.
                guard isSocket[0] == isSocket[1] else { continue }
                throw NodeError(
                    "\(isSocket[0] ? "WebSockets at" : method.rawValue) \(one.path) \(isSocket[0] ? "are" : "is") served by \(other.owner) already",
                    advice: "Give one of the two another path.", isInputError: true)
            }
            entries.append(entry)
        }
        nextLease += 1
        for entry in entries { byShape[entry.pattern.shape, default: []].append(entry) }
        return lease
    }

    mutating func remove(_ lease: UInt64) {
        for (shape, entries) in byShape where entries.contains(where: { $0.lease == lease }) {
            let left = entries.filter { $0.lease != lease }
            byShape[shape] = left.isEmpty ? nil : left
        }
    }

    /// Paths at which pages are served.
    var pages: [String] {
        byShape.values.joined().compactMap { entry in
            switch entry.target {
            case .content(let content) where content.response.headers.mediaType == "text/html": entry.pattern.shape
            case .route(let route, _) where route.page != nil && !entry.pattern.hasNames: entry.pattern.shape
            default: nil
            }
        }
    }

    /// nil where nothing fits the path.
    func fit(_ path: [String]) -> Fit? {
        var found: [(entry: Entry, names: [String: String])] = []
        for entries in byShape.values {
            guard let first = entries.first, first.pattern.names(in: path) != nil else { continue }
            for entry in entries { if let names = entry.pattern.names(in: path) { found.append((entry, names)) } }
        }
        guard !found.isEmpty else { return nil }
        found.sort { $0.entry.pattern.isBefore($1.entry.pattern) }
        return Fit(entries: found)
    }
}

/// A file in memory as it is answered with.
struct Content: Sendable {
    let response: HTTPResponse
    /// Of the bytes: the same file has the same one.
    let tag: String

    init(_ content: HTTPContent) {
        // FNV-1a, 64 bits: a file's changes show, nobody is meant to be unable to make two alike.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in content.body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        tag = "\"\(String(hash, radix: 16))\""
        response = HTTPResponse(
            200,
            headers: [
                "Content-Type": content.type, "ETag": tag, "Cache-Control": "no-cache",
                "X-Content-Type-Options": "nosniff",
            ], body: content.body)
    }

    /// The client asks for a page by name, as browsers do.
    static func isWanted(_ headers: HTTPHeaders) -> Bool {
        headers.list("Accept").contains { $0.lowercased().hasPrefix("text/html") }
    }

    func answer(to headers: HTTPHeaders) -> HTTPResponse {
        let known = headers.list("If-None-Match")
        guard known.contains(tag) || known.contains("*") else { return response }
        return HTTPResponse(304, headers: ["ETag": tag, "Cache-Control": "no-cache"])
    }
}
