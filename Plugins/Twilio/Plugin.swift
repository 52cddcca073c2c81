import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.register(TwilioInput.self)
        $0.register(TwilioOutput.self)
    }
}
