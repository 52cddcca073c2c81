import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(VideoConvert.self)
        $0.register(AudioConvert.self)
    }
}
