import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.provide(WebRTCPort.self)
        $0.provide(ViewerMicrophones.self, scope: .session) { ViewerMicrophones() }
        $0.register(WebRTCViewers.self)
        $0.register(WebRTCPublishers.self)
        $0.register(WebRTCRooms.self)
        $0.register(WebRTCRoom.self)
        $0.register(WebRTCShare.self)
        $0.register(WebRTCOutput.self)
        $0.register(WHIPOutput.self)
        $0.register(WHEPInput.self)
        $0.register(WebRTCInput.self)
        $0.register(WebRTCMicrophone.self)
    }
}
