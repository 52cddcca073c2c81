import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(PCMUEncoder.self)
        $0.register(PCMUDecoder.self)
    }
}
