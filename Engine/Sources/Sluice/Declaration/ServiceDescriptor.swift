/// A service's description of itself: the name graphs use, one sentence, and how long it lives.
public struct ServiceDescriptor: Sendable {
    /// As graphs write it: lower case with hyphens, `http`.
    public let name: String
    /// One sentence without a full stop, for `list`.
    public let summary: String
    /// How long an instance lives, and who shares it.
    public let scope: Scope
    /// It talks to a socket or device, as nodes with `traits: .live` do: virtual time refuses it by name.
    public let isLive: Bool

    /// `name` is lower case with hyphens. `summary` is one sentence without a full stop.
    public init(_ name: String, summary: String, scope: Scope, isLive: Bool = false) {
        (self.name, self.summary, self.scope, self.isLive) = (name, summary, scope, isLive)
    }
}

extension ServiceDescriptor {
    /// How long an instance of a service lives, and who shares it.
    public enum Scope: String, Sendable, CaseIterable {
        /// One in the process: all runs share it.
        case host
        /// One in a run.
        case run
        /// One in each session: the graph, and each instance of a template, has its own.
        case session
    }
}
