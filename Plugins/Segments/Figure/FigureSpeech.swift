import Glibc

/// An utterance of the talking figure: syllables, each a vowel at a pitch. No words, but the melody of a sentence.
///
/// Pure: voice and mouth are both made of it, so they cannot part.
struct FigureSpeech {
    /// The first three resonances of the vocal tract, in Hz: averages of men's vowels (Peterson and Barney 1952, table
    /// II).
    enum Vowel: CaseIterable {
        case ee, eh, ah, aw, oo

        var formants: (Double, Double, Double) {
            switch self {
            case .ee: (270, 2_290, 3_010)
            case .eh: (530, 1_840, 2_480)
            case .ah: (730, 1_090, 2_440)
            case .aw: (570, 840, 2_410)
            case .oo: (300, 870, 2_240)
            }
        }

        /// How wide the mouth is, and how far it opens, as parts of the most.
        var mouth: (width: Double, height: Double) {
            switch self {
            case .ee: (1.0, 0.35)
            case .eh: (0.9, 0.6)
            case .ah: (0.8, 1.0)
            case .aw: (0.6, 0.85)
            case .oo: (0.4, 0.45)
            }
        }
    }

    struct Syllable {
        /// In seconds from the beginning of the utterance.
        let start: Double
        let length: Double
        let vowel: Vowel
        /// In Hz, at its beginning and at its end.
        let pitch: (Double, Double)
    }

    let syllables: [Syllable]
    /// In seconds, its last pause included.
    let length: Double

    /// `rises`: the last syllable goes up, as that of a question. The same arguments give the same utterance.
    init(syllables count: Int, seed: Int, rises: Bool) {
        var syllables: [Syllable] = []
        var state = UInt64(truncatingIfNeeded: seed) &* 2 &+ 1
        /// From 0 to 1: a linear congruential generator (Knuth, MMIX).
        func random() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 40) / Double(1 << 24)
        }
        var time = 0.0
        for index in 0..<count {
            let length = 0.13 + 0.1 * random()
            let fall = 135 - 35 * Double(index) / Double(count)
            let accent = index % 3 == 0 ? 18 * random() : 0
            let end = rises && index == count - 1 ? fall * 1.5 : fall - 4
            let vowel = Vowel.allCases[Int(random() * 4.999)]
            syllables.append(Syllable(start: time, length: length, vowel: vowel, pitch: (fall + accent, end)))
            time += length + (index % 7 == 6 ? 0.16 : 0.03)
        }
        (self.syllables, length) = (syllables, time + 0.1)
    }

    /// The syllable that is spoken at `time`, with how loud it is there, from 0 to 1; nil in a pause.
    func voiced(at time: Double) -> (syllable: Syllable, loudness: Double)? {
        // The last one that has begun.
        var (low, high) = (0, syllables.count)
        while low < high {
            let middle = (low + high) / 2
            if syllables[middle].start <= time { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let syllable = syllables[low - 1]
        let place = (time - syllable.start) / syllable.length
        guard place < 1 else { return nil }
        return (syllable, FigureSpeech.loudness(place))
    }

    /// Rises within a fifth of a syllable, falls over its last half.
    private static func loudness(_ place: Double) -> Double {
        if place < 0.2 { return sin(place / 0.2 * Double.pi / 2) }
        if place > 0.5 { return cos((place - 0.5) / 0.5 * Double.pi / 2) }
        return 1
    }
}
