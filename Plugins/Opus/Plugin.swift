import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(OpusEncoderNode.self)
        $0.register(OpusDecoderNode.self)
    }
}
