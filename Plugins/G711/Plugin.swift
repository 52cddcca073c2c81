import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(PCMUEncoder.self)
        $0.register(PCMUDecoder.self)
        $0.register(PCMAEncoder.self)
        $0.register(PCMADecoder.self)
    }
}
