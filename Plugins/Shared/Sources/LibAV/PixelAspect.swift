import CLibAV
import Sluice

extension VideoLayout.PixelAspect {
    /// libav's; 0:1 and other unknown ones are square.
    public init(_ ratio: AVRational) { self.init(Int(ratio.num), Int(ratio.den)) }
}

extension AVRational {
    /// As libav has it.
    public init(_ aspect: VideoLayout.PixelAspect) {
        self.init(num: Int32(clamping: aspect.width), den: Int32(clamping: aspect.height))
    }
}
