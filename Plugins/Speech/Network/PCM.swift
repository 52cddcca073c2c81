/// Samples as numbers of 16 bits.
enum PCM {
    static func number(_ sample: Float) -> Int16 {
        sample.isNaN ? 0 : Int16(max(-32_768, min(32_767, (sample * 32_768).rounded())))
    }

    static func float(_ number: Int16) -> Float { Float(number) / 32_768 }
}
