import Sluice

/// The answer of a source to a writer that is gone.
enum OnEnd: String, CaseIterable, ParameterValue.Convertible {
    case finish
    /// Waits for the next writer.
    case reopen
}

/// The answer of an output to a reader that is gone.
enum OnReaderGone: String, CaseIterable, ParameterValue.Convertible {
    case fail
    /// Waits for the next reader, which gets whole frames from then on.
    case wait
}

/// How pictures lie in the stream: planes one behind the other, rows without padding.
enum RawPixels: String, CaseIterable, ParameterValue.Convertible {
    case bgra, i420, nv12, rgb24
    var format: VideoLayout.PixelFormat { VideoLayout.PixelFormat(rawValue: rawValue)! }
}

/// Interleaved samples, little-endian: the order of every machine that the engine runs on.
enum RawSamples: String, CaseIterable, ParameterValue.Convertible {
    case s16le, f32le
    var format: AudioLayout.SampleFormat { self == .s16le ? .s16 : .f32 }
}
