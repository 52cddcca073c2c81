import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.services.provide(SegmentTraces.self) { SegmentTraces() }
        $0.register(AVSegments.self)
        $0.register(SegmentTrace.self)
    }
}
