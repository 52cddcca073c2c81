/// Hears from the levels of one voice's packets (RFC 6464) whether it speaks, and how much speech there was lately.
/// Nothing is decoded. Pure; a packet each 20 ms.
///
/// Speech stands out of the quietest that was heard lately. A voice rises and falls while it speaks; a hum does not,
/// and a cough only falls.
struct VoiceLevel {
    /// So far above the quiet, in dB, a packet counts as sound; and above that level in any case, in dBov.
    static let above = 12
    static let quietest = -66
    /// The quiet is that of so many packets, 1.5 s, and is known after so many, 300 ms.
    static let window = 75
    static let least = 15
    /// So many packets of sound within 100 ms, and the voice speaks; so many without one, and it has ended: 400 ms.
    static let begins = (packets: 3, within: 5)
    static let ends = 20
    /// Evidence rises by 20 ms with each packet of sound, and falls by 10 ms with each other one.
    static let mostEvidence = 1_000
    /// The levels of speech lie so far apart, in dB.
    static let spread = 6
    /// The last ones lie no further below the loudest, in dB.
    static let fall = 10
    /// A packet that is so far below the loudest lately is no speech, in dB.
    static let depth = 7

    private var heard: [Int] = []
    private var recent: [Bool] = []
    private var sounds: [Int] = []
    private var peak = -127.0
    /// Of speech, in ms.
    private(set) var evidence = 0
    private(set) var isSpeaking = false
    /// Packets since the last one with sound.
    private(set) var silence = 1_000

    /// A packet with that level in dBov: 0 is the loudest, -127 silence.
    mutating func note(_ level: Int) {
        VoiceLevel.append(level, to: &heard, most: VoiceLevel.window)
        let quiet = max(VoiceLevel.quietest, heard.min() ?? -127)
        let isSound = heard.count >= VoiceLevel.least && level >= quiet + VoiceLevel.above
        VoiceLevel.append(isSound, to: &recent, most: VoiceLevel.begins.within)
        peak = max(-127, peak - 0.5)
        if isSound {
            silence = 0
            VoiceLevel.append(level, to: &sounds, most: 26)
            peak = max(peak, Double(level))
            let isLoud = Double(level) >= peak - Double(VoiceLevel.depth)
            evidence = isLoud ? min(VoiceLevel.mostEvidence, evidence + 20) : max(0, evidence - 10)
        } else {
            silence = min(silence + 1, 1_000)
            evidence = max(0, evidence - 10)
            if evidence == 0 { sounds = [] }
        }
        if isSpeaking {
            isSpeaking = silence < VoiceLevel.ends
        } else {
            isSpeaking = recent.count(where: { $0 }) >= VoiceLevel.begins.packets
        }
    }

    /// The levels rise and fall as those of a voice.
    var isVaried: Bool {
        let last = sounds.dropFirst()
        guard last.count > 2, let high = last.max(), let low = last.min(), high - low >= VoiceLevel.spread else {
            return false
        }
        let end = last.suffix(2)
        return end.reduce(0, +) / 2 >= (last.suffix(9).max() ?? 0) - VoiceLevel.fall
    }

    private static func append<Element>(_ element: Element, to list: inout [Element], most: Int) {
        if list.count == most { list.removeFirst() }
        list.append(element)
    }
}
