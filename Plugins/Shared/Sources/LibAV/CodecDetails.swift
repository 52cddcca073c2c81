import CLibAV
import Sluice

/// The part of libav's description of a coded stream that the rest of a `MediaFormat` has no word for, and that
/// decoders and containers cannot find in the packets: the size of a block of ADPCM, the kind of a lossless codec's
/// pixels, colours that only the container told. It travels as `MediaFormat.details`.
enum CodecDetails {
    private static let count = 13

    static func of(_ parameters: AVCodecParameters) -> [Int32] {
        [
            Int32(bitPattern: parameters.codec_tag), parameters.format, parameters.block_align,
            parameters.bits_per_coded_sample, parameters.bits_per_raw_sample, parameters.profile, parameters.level,
            Int32(bitPattern: parameters.field_order.rawValue), Int32(bitPattern: parameters.color_range.rawValue),
            Int32(bitPattern: parameters.color_primaries.rawValue), Int32(bitPattern: parameters.color_trc.rawValue),
            Int32(bitPattern: parameters.color_space.rawValue),
            Int32(bitPattern: parameters.chroma_location.rawValue),
        ]
    }

    static func fill(_ parameters: UnsafeMutablePointer<AVCodecParameters>, from details: [Int32]) {
        guard details.count == count else { return }
        func unsigned(_ index: Int) -> UInt32 { UInt32(bitPattern: details[index]) }
        parameters.pointee.codec_tag = unsigned(0)
        if details[1] >= 0 { parameters.pointee.format = details[1] }
        parameters.pointee.block_align = details[2]
        (parameters.pointee.bits_per_coded_sample, parameters.pointee.bits_per_raw_sample) = (details[3], details[4])
        (parameters.pointee.profile, parameters.pointee.level) = (details[5], details[6])
        parameters.pointee.field_order = AVFieldOrder(unsigned(7))
        parameters.pointee.color_range = AVColorRange(unsigned(8))
        parameters.pointee.color_primaries = AVColorPrimaries(unsigned(9))
        parameters.pointee.color_trc = AVColorTransferCharacteristic(unsigned(10))
        parameters.pointee.color_space = AVColorSpace(unsigned(11))
        parameters.pointee.chroma_location = AVChromaLocation(unsigned(12))
    }
}
