import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(Pacer.self)
        provideServices(to: $0)
    }
}

/// The services that the nodes of this plugin look up: for tests that build a graph without loading it.
public func provideServices(to registry: NodeRegistry) {
    registry.provide(PacerRegistry.self) { PacerRegistry() }
    registry.provide(SessionPlayouts.self, scope: .session) { SessionPlayouts() }
}
