import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(BenchSource.self)
        $0.register(BenchPass.self)
        $0.register(BenchDump.self)
        $0.register(BenchUDP.self)
        $0.register(BenchLog.self)
        $0.register(BenchGuests.self)
        $0.register(BenchSlow.self)
        $0.register(BenchInterrupter.self)
        $0.register(BenchSleeper.self)
    }
}
