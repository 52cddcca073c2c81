import Foundation
import Sluice
import TestSupport

@testable import SpeechPlugin

/// Whether `tools/setup --speech` was run for this build. Tests with real speech are left out where it was not.
enum SpeechSetup {
    static let isThere = (try? SpeechLibrary.open()) != nil && SpeechPlaces.find(SpeechModel.standard) != nil

    static var registry: NodeRegistry {
        let registry = NodeRegistry()
        registry.provide(Speech.self, as: (any SpeechEngine).self)
        return registry
    }
}

/// 11 s of John F. Kennedy's inaugural address, 16 kHz mono: a work of the US government, in the public domain.
enum SpeechClip {
    static let path = Built.root.appending(path: "Tests/Fixtures/Speech/jfk.wav").path
    static let words =
        "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    /// Where its phrases begin and end, in s, found by hand.
    static let phrases = [0.32...2.11, 3.28...4.30, 5.41...7.53, 8.18...10.33]

    static let samples: [Float] = {
        guard let data = FileManager.default.contents(atPath: path),
            let header = data.range(of: Data("data".utf8))
        else { return [] }
        let bytes = [UInt8](data[(header.upperBound + 4)...])
        return stride(from: 0, to: bytes.count - 1, by: 2).map { index in
            Float(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)) / 32_768
        }
    }()

    /// The words of a text in small letters, without marks.
    static func bare(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "'" }.map(String.init)
    }

    /// Words that are wrong, left out or too many, by the least number of changes.
    static func wrong(_ heard: [String], _ wanted: [String] = bare(words)) -> Int {
        var row = Array(0...wanted.count)
        for (index, word) in heard.enumerated() {
            var next = [index + 1]
            for (place, other) in wanted.enumerated() {
                next.append(min(row[place] + (word == other ? 0 : 1), row[place + 1] + 1, next[place] + 1))
            }
            row = next
        }
        return row[wanted.count]
    }

    /// Frames of 20 ms, from `start` on.
    static func frames(_ samples: [Float], from start: MediaTime = .zero) -> [AudioFrame] {
        let format = MediaFormat(audio: AudioLayout(.s16, rate: 16_000, channels: 1))
        return stride(from: 0, to: samples.count - 319, by: 320).map { first in
            let frame = AudioFrame(format: format, sampleCount: 320)
            for index in 0..<320 { frame.s16[index] = Int16(max(-1, min(1, samples[first + index])) * 32_767) }
            frame.header.pts = start + MediaTime(Int64(first), timescale: 16_000)
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            return frame
        }
    }
}

/// Sounds that are no speech, at 16 kHz, about −20 dBFS. The same every time.
enum Sound: String, CaseIterable {
    case silence, white, pink, brown, hum, clicks, dtmf, ring, music

    func samples(_ seconds: Int) -> [Float] {
        var dice = Noise(seed: 7)
        let count = seconds * 16_000
        func tone(_ hertz: Double, _ index: Int) -> Float { Float(sin(2 * .pi * hertz * Double(index) / 16_000)) }
        switch self {
        case .silence: return Array(repeating: 0, count: count)
        case .white: return (0..<count).map { _ in dice.next() * 0.17 }
        case .pink:
            // Paul Kellet's filter.
            var (a, b, c): (Float, Float, Float) = (0, 0, 0)
            return (0..<count).map { _ in
                let white = dice.next()
                a = 0.99765 * a + white * 0.0990460
                b = 0.96300 * b + white * 0.2965164
                c = 0.57000 * c + white * 1.0526913
                return (a + b + c + white * 0.1848) * 0.06
            }
        case .brown:
            var level: Float = 0
            return (0..<count).map { _ in
                level = 0.998 * level + dice.next() * 0.02
                return level * 0.5
            }
        case .hum:
            return (0..<count).map { (tone(50, $0) + 0.5 * tone(100, $0) + 0.3 * tone(150, $0)) * 0.1 }
        case .clicks: return (0..<count).map { $0 % 5_000 < 4 ? 0.9 : 0 }
        case .dtmf:
            let (low, high) = ([697.0, 770, 852, 941], [1_209.0, 1_336, 1_477])
            return (0..<count).map { index in
                let digit = index / 4_000
                guard index % 4_000 < 1_600 else { return 0 }
                return (tone(low[digit % 4], index) + tone(high[digit % 3], index)) * 0.14
            }
        case .ring:
            return (0..<count).map { index in
                index % 96_000 < 32_000 ? (tone(440, index) + tone(480, index)) * 0.14 : 0
            }
        case .music:
            let scale = [262.0, 330, 392, 523, 440, 349, 294, 247]
            return (0..<count).map { index in
                let (note, within) = (scale[index / 4_000 % 8], Float(index % 4_000) / 4_000)
                let decay = exp(-3 * within)
                return (tone(note, index) + 0.5 * tone(2 * note, index) + 0.25 * tone(note / 2, index)) * 0.14 * decay
            }
        }
    }

    /// Added to speech so that it is that much softer, in dB.
    static func mixed(_ speech: [Float], _ sound: Sound, decibels: Double) -> [Float] {
        let noise = sound.samples(speech.count / 16_000 + 1)
        func power(_ samples: ArraySlice<Float>) -> Double {
            samples.reduce(0) { $0 + Double($1 * $1) } / Double(max(1, samples.count))
        }
        let spoken = SpeechClip.phrases.flatMap { phrase in
            speech[Int(phrase.lowerBound * 16_000)..<min(speech.count, Int(phrase.upperBound * 16_000))]
        }
        let gain = Float((power(spoken[...]) / power(noise[...]) / pow(10, decibels / 10)).squareRoot())
        return zip(speech, noise).map { $0 + gain * $1 }
    }
}

/// xorshift64*, −1...1.
private struct Noise {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> Float {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Float(Double((state &* 0x2545_f491_4f6c_dd1d) >> 11) / Double(1 << 52) - 1)
    }
}
