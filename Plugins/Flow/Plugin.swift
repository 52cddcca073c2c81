import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(NullSink.self)
        $0.register(Relay.self)
        $0.register(Meter.self)
    }
}
