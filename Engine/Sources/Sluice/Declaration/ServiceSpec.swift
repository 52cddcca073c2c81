/// Everything that is known of a service without making it: written to its plugin's manifest, and all that static
/// validation, `list`, `inspect` and `schema` look at.
@_spi(Host) public struct ServiceSpec: Equatable, Sendable {
    /// As graphs write it: lower case with hyphens. Empty for one that only nodes know and no graph sets up.
    public var name: String
    /// The full name of the Swift type that nodes ask for.
    public var type: String
    /// One sentence without a full stop, for `list`.
    public var summary: String
    public var scope: ServiceDescriptor.Scope
    /// Virtual time refuses it.
    public var isLive: Bool
    public var settings: [ParameterSpec]

    public init(
        name: String = "", type: String, summary: String = "", scope: ServiceDescriptor.Scope,
        isLive: Bool = false, settings: [ParameterSpec] = []
    ) {
        self.name = name
        self.type = type
        self.summary = summary
        self.scope = scope
        self.isLive = isLive
        self.settings = settings
    }

    /// As messages name it.
    var shown: String { name.isEmpty ? "service \(type)" : "service \"\(name)\"" }
}
