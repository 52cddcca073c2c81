import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ door: UnsafeMutableRawPointer) {
    Plugin.open(door) {
        $0.register(Calibration.self)
        $0.register(CalibrationDetector.self)
        $0.register(AVDelay.self)
    }
}
