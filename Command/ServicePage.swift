@_spi(Host) import Sluice

/// Everything that is declared of a service, as `inspect` prints it and `docs/nodes.md` holds it.
struct ServicePage {
    let spec: ServiceSpec
    private let plugin: String

    init(_ spec: ServiceSpec, plugin: String) { (self.spec, self.plugin) = (spec, plugin) }

    var text: String {
        let rows = spec.settings.map {
            ("  \($0.name)", "\($0.help) (\(ParameterFacts.of($0).joined(separator: ", ")))")
        }
        return "\(spec.name): \(spec.summary)\n" + table([("  plugin", plugin), ("  scope", scope)])
            + (rows.isEmpty ? "" : "\nSettings\n" + table(rows))
    }

    var markdown: String {
        let rows = spec.settings.map {
            ["`\($0.name)`", ParameterFacts.of($0).joined(separator: ", "), $0.help]
        }
        return "### \(spec.name)\n\n\(spec.summary). A service; \(scope).\n"
            + markdownTable(["setting", "value", "meaning"], rows)
    }

    private var scope: String {
        switch spec.scope {
        case .host: "one in the process: all runs share it"
        case .run: "one in a run"
        case .session: "one in each session"
        }
    }
}
