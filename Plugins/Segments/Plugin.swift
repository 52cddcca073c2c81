import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.provide(SegmentTraces.self) { SegmentTraces() }
        $0.register(AVSegments.self)
        $0.register(SegmentTrace.self)
        $0.register(TalkingFigure.self)
    }
}
