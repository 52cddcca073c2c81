import Sluice

@_cdecl("sluice_plugin")
public func plugin(_ registry: UnsafeMutableRawPointer) {
    Plugin.open(registry) {
        $0.provide(Speech.self, as: (any SpeechEngine).self)
        $0.register(VoiceActivity.self)
        $0.register(SpeechToText.self)
        $0.register(SpeechBatch.self)
        $0.register(TextOutput.self)
    }
}
