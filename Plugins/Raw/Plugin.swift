import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.services.provide(RawClock.self) { RawClock() }
        $0.register(RawVideoSource.self)
        $0.register(RawAudioSource.self)
        $0.register(RawVideoOutput.self)
        $0.register(RawAudioOutput.self)
    }
}
