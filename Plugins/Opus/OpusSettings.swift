import COpus
import Sluice

/// The values that `profile` sets unless the graph sets it by itself.
enum Profile: String, CaseIterable, ParameterValue.Convertible {
    case audio, lowdelay, voip

    var settings: OpusSettings {
        switch self {
        case .audio:
            OpusSettings(application: .audio, frameLength: 20, bitrate: 64, isVBR: true, complexity: 5, channels: 0)
        // Browsers take this untouched, at the least CPU and delay.
        case .lowdelay:
            OpusSettings(
                application: .lowdelay, frameLength: 10, bitrate: 128, isVBR: false, complexity: 0, channels: 2)
        case .voip:
            OpusSettings(application: .voip, frameLength: 20, bitrate: 32, isVBR: true, complexity: 5, channels: 1)
        }
    }
}

struct OpusSettings: Equatable {
    var application: Application
    /// Milliseconds of a packet.
    var frameLength: Double
    /// Thousands of bits a second.
    var bitrate: Double
    var isVBR: Bool
    var complexity: Int
    /// 1 or 2; 0 for those of the input.
    var channels: Int
    var fec = false
    var dtx = false
    var signal = Signal.auto
    var bandwidth = Bandwidth.full
}

/// The quality that libopus is to favour.
enum Application: String, CaseIterable, ParameterValue.Convertible {
    case audio, voip, lowdelay

    var code: Int32 {
        switch self {
        case .audio: OPUS_APPLICATION_AUDIO
        case .voip: OPUS_APPLICATION_VOIP
        case .lowdelay: OPUS_APPLICATION_RESTRICTED_LOWDELAY
        }
    }
}

/// The kind of audio, where libopus need not find out.
enum Signal: String, CaseIterable, ParameterValue.Convertible {
    case auto, voice, music

    var code: Int32 {
        switch self {
        case .auto: OPUS_AUTO
        case .voice: OPUS_SIGNAL_VOICE
        case .music: OPUS_SIGNAL_MUSIC
        }
    }
}

/// The highest frequencies that are kept: 4, 6, 8, 12 and 20 kHz (RFC 6716, table 1).
enum Bandwidth: String, CaseIterable, ParameterValue.Convertible {
    case narrow, medium, wide, superwide, full

    var code: Int32 {
        switch self {
        case .narrow: OPUS_BANDWIDTH_NARROWBAND
        case .medium: OPUS_BANDWIDTH_MEDIUMBAND
        case .wide: OPUS_BANDWIDTH_WIDEBAND
        case .superwide: OPUS_BANDWIDTH_SUPERWIDEBAND
        case .full: OPUS_BANDWIDTH_FULLBAND
        }
    }
}
