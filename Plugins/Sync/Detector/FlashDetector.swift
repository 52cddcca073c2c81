import Sluice

/// Finds calibration flashes among pictures: a jump of the top-left block towards magenta that is over soon.
///
/// The measure is how far the block's mean colour lies from grey in magenta's direction, 1 being pure magenta. It
/// is compared with what was there lately, so that a picture that is magenta by itself hides flashes and does not feign
/// them.
struct FlashDetector {
    struct Flash: Equatable {
        /// Of the first picture that shows it.
        let time: MediaTime
        /// 0…1: the jump, compared with that from grey to magenta.
        let clarity: Double
    }

    private var usual: Double?
    private var began = MediaTime.none
    private var before = 0.0
    private var peak = 0.0

    /// A jump of this much begins a flash: about half of what remains after coding at low bitrates.
    private static let step = 0.3
    /// Longer than this it is a picture, not a flash: two pictures at 10 a second and some slack.
    private static let longest = MediaTime.milliseconds(300)

    /// The next picture, `magenta` as `Flash.magenta` has it. A flash is told when it is over.
    mutating func note(magenta: Double, at time: MediaTime) -> Flash? {
        guard time.isKnown, let usual else {
            self.usual = magenta
            return nil
        }
        let isUp = magenta - (began.isKnown ? before : usual) >= FlashDetector.step
        if isUp {
            if !began.isKnown { (began, before, peak) = (time, usual, 0) }
            peak = max(peak, magenta - before)
            if time - began > FlashDetector.longest || time < began { becomeUsual(magenta) }
            return nil
        }
        let flash = began.isKnown ? Flash(time: began, clarity: min(1, peak)) : nil
        if began.isKnown { began = .none } else { self.usual = usual + (magenta - usual) / 8 }
        return flash
    }

    private mutating func becomeUsual(_ magenta: Double) {
        usual = magenta
        began = .none
    }
}

extension Flash {
    /// How magenta the block is: 0 grey, 1 as painted, less or below zero for other colours. The middle half of the
    /// block is looked at, every second sample of it.
    static func magenta(in frame: VideoFrame) -> Double {
        let layout = frame.layout
        guard let pixels = layout.pixelFormat, layout.width > 0, layout.height > 0 else { return 0 }
        let block = size(width: layout.width, height: layout.height)
        let isHalved = pixels == .i420 || pixels == .nv12
        let scale = isHalved ? 2 : 1
        let (left, right) = (block.width / 4 / scale, max(block.width / 4 / scale + 1, block.width * 3 / 4 / scale))
        let (top, bottom) = (block.height / 4 / scale, max(block.height / 4 / scale + 1, block.height * 3 / 4 / scale))
        var (sum, count) = (0, 0)
        for y in stride(from: top, to: bottom, by: 2) {
            for x in stride(from: left, to: right, by: 2) {
                sum += excess(frame, pixels, x, y)
                count += 1
            }
        }
        guard count > 0 else { return 0 }
        let pure = isHalved ? Int(blue) - 128 + Int(red) - 128 : 2 * 255
        return Double(sum) / Double(count * pure)
    }

    /// Along magenta's axis: both chroma differences, or red and blue less twice the green.
    private static func excess(_ frame: VideoFrame, _ pixels: VideoLayout.PixelFormat, _ x: Int, _ y: Int) -> Int {
        func value(_ plane: Int, _ index: Int) -> Int { Int(frame.plane(plane)[y * frame.stride(plane) + index]) }
        switch pixels {
        case .i420: return value(1, x) + value(2, x) - 256
        case .nv12: return value(1, 2 * x) + value(1, 2 * x + 1) - 256
        case .rgb24: return value(0, 3 * x) + value(0, 3 * x + 2) - 2 * value(0, 3 * x + 1)
        case .bgra: return value(0, 4 * x) + value(0, 4 * x + 2) - 2 * value(0, 4 * x + 1)
        }
    }
}
