import Sluice

/// silero's detector, version 6.2, by whisper.cpp: 0.13 ms of CPU for a window of 32 ms, 3 MB. One thread at a time.
final class SileroDetector: VoiceDetector {
    private let library: SpeechLibrary
    private let handle: SpeechLibrary.Handle

    init(_ library: SpeechLibrary) throws {
        guard let handle = library.openDetector() else { throw NodeError("there is no memory to hear speech") }
        (self.library, self.handle) = (library, handle)
    }

    deinit { library.closeDetector(handle) }

    func probability(of window: UnsafeBufferPointer<Float>) throws -> Float {
        guard window.count == SpeechTurns.window, let samples = window.baseAddress else { return 0 }
        let probability = library.nextProbability(handle, samples)
        guard probability >= 0 else { throw NodeError("\(library.path) could not hear speech in a window") }
        return probability
    }

    func reset() { library.resetDetector(handle) }
}
