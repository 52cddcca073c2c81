import Bitstream
import Sluice

/// The shape of pixels that a keyframe states, which in a transport stream stands nowhere else.
enum StatedPixelAspect {
    /// nil where `bytes`, an access unit, state none.
    static func h264(_ bytes: UnsafeRawBufferPointer) -> VideoLayout.PixelAspect? {
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(bytes, into: &units)
        let sets = units.lazy.filter { NALUnits.type(bytes[$0.lowerBound]) == NALUnits.sps }
        return sets.compactMap { SequenceParameterSet(bytes[$0]) }.first?.pixelAspect.map {
            VideoLayout.PixelAspect($0.width, $0.height)
        }
    }

    /// aspect_ratio_information (ISO/IEC 13818-2, 6.3.3) is that of the whole picture; nil without a sequence header.
    static func mpeg2(_ bytes: UnsafeRawBufferPointer) -> VideoLayout.PixelAspect? {
        var index = 0
        while index + 8 <= bytes.count {
            guard bytes[index] == 0, bytes[index + 1] == 0, bytes[index + 2] == 1, bytes[index + 3] == 0xb3 else {
                index += 1
                continue
            }
            let width = Int(bytes[index + 4]) << 4 | Int(bytes[index + 5] >> 4)
            let height = Int(bytes[index + 5] & 15) << 8 | Int(bytes[index + 6])
            switch bytes[index + 7] >> 4 {
            case 2: return VideoLayout.PixelAspect(4 * height, 3 * width)
            case 3: return VideoLayout.PixelAspect(16 * height, 9 * width)
            case 4: return VideoLayout.PixelAspect(221 * height, 100 * width)
            default: return .square
            }
        }
        return nil
    }
}
