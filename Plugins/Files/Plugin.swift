import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) { _ in }
}
