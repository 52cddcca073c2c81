import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        provideServices(to: $0)
        $0.register(RawVideoSource.self)
        $0.register(RawAudioSource.self)
        $0.register(RawVideoOutput.self)
        $0.register(RawAudioOutput.self)
    }
}

/// The service that the nodes of this plugin look up: for tests that build a graph without loading it.
public func provideServices(to registry: NodeRegistry) {
    registry.provide(RawClock.self, scope: .session) { RawClock() }
}
