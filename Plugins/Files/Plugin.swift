import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(Source.self)
        $0.register(Record.self)
        $0.provide(KeptFiles.self, scope: .session) { KeptFiles() }
    }
}
