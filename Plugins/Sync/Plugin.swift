import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(Calibration.self)
        $0.register(CalibrationDetector.self)
        $0.register(AVDelay.self)
    }
}
