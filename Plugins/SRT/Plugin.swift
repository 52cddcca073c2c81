import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(SRTInput.self)
        $0.register(SRTOutput.self)
    }
}
