import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(NullSink.self)
        $0.register(Relay.self)
        $0.register(Meter.self)
        $0.register(CodecSplit.self)
        $0.register(Merge.self)
    }
}
