import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(RTPOutput.self)
        $0.register(RTPInput.self)
    }
}
