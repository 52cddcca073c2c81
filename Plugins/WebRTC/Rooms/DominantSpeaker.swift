import Sluice

/// Hears who speaks in a room, and who leads: one who has spoken for a while, and whom no cough of another one moves.
/// Levels and time in. Pure.
struct DominantSpeaker {
    /// So much speech, in ms, makes a voice the one that leads.
    static let evidence = 160
    /// One who has made no sound for so long leads no more where another one speaks.
    static let patience = Interval.milliseconds(240)
    /// Evidence counts for so long behind the packet that completed it.
    static let hold = Interval.milliseconds(140)
    /// One who speaks on gives way where another one has so much evidence, and so much more than the own one, in ms.
    static let takeover = (evidence: 800, more: 400)

    private struct Voice {
        var level = VoiceLevel()
        var heard = Instant(nanoseconds: 0)
        var ready: Instant?
    }

    private var voices: [String: Voice] = [:]
    /// nil until somebody has spoken, and behind the one who has left.
    private(set) var leader: String?

    /// A packet of `name`, with its level in dBov. True where somebody begins or ends, or another one leads.
    mutating func note(_ level: Int, of name: String, now: Instant) -> Bool {
        var voice = voices[name] ?? Voice()
        let wasSpeaking = voice.level.isSpeaking
        voice.level.note(level)
        voice.heard = now
        if voice.level.evidence >= DominantSpeaker.evidence, voice.level.isVaried, voice.level.silence <= 1 {
            voice.ready = now
        }
        voices[name] = voice
        return choose(now) || voice.level.isSpeaking != wasSpeaking
    }

    /// True where it led or spoke.
    mutating func leave(_ name: String) -> Bool {
        let wasSpeaking = voices.removeValue(forKey: name)?.level.isSpeaking ?? false
        guard leader == name else { return wasSpeaking }
        leader = nil
        return true
    }

    /// Those who speak.
    var speaking: Set<String> { Set(voices.lazy.filter { $0.value.level.isSpeaking }.map(\.key)) }

    private mutating func choose(_ now: Instant) -> Bool {
        let present = leader.flatMap { voices[$0] }.flatMap { isPresent($0, now) ? $0 : nil }
        var best: (name: String, evidence: Int)?
        for (name, voice) in voices where name != leader {
            guard let ready = voice.ready, now - ready <= DominantSpeaker.hold else { continue }
            let evidence = voice.level.evidence
            if let present {
                let takeover = DominantSpeaker.takeover
                guard evidence >= takeover.evidence, present.level.evidence < evidence - takeover.more else {
                    continue
                }
            }
            if best.map({ evidence > $0.evidence || evidence == $0.evidence && name < $0.name }) ?? true {
                best = (name, evidence)
            }
        }
        guard let best else { return false }
        leader = best.name
        return true
    }

    private func isPresent(_ voice: Voice, _ now: Instant) -> Bool {
        let quiet = Interval.milliseconds(Int64(20 * voice.level.silence))
        return voice.level.evidence > 0 && quiet < DominantSpeaker.patience && now - voice.heard < .seconds(1)
    }
}
