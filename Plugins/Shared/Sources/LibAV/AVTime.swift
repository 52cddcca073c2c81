import CLibAV
import Sluice

extension AVRational {
    /// One tick of `MediaTime`.
    public static let mediaTime = AVRational(num: 1, den: Int32(MediaTime.ticksPerSecond))
}

extension MediaTime {
    /// `value` units of `timeBase`, exact where the tick divides the unit; AV_NOPTS_VALUE and a base that makes no
    /// sense give `.none`.
    public init(_ value: Int64, _ timeBase: AVRational) {
        guard value != sluice_no_pts(), timeBase.num > 0, timeBase.den > 0 else {
            self = .none
            return
        }
        let scale = MediaTime.ticksPerSecond * Int64(timeBase.num)
        self.init(ticks: rescale(value, from: Int64(timeBase.den), to: scale))
    }

    /// In units of `timeBase`, to the nearest; `.none` gives AV_NOPTS_VALUE.
    public func units(of timeBase: AVRational) -> Int64 {
        guard isKnown, timeBase.num > 0, timeBase.den > 0 else { return sluice_no_pts() }
        return rescale(ticks, from: MediaTime.ticksPerSecond * Int64(timeBase.num), to: Int64(timeBase.den))
    }
}
