import Sluice

/// Measures of coded video.
extension [Packet] {
    /// When keyframes are shown, in s.
    public var keyframeSeconds: [Double] {
        filter { $0.header.flags.contains(.keyframe) }.map { $0.header.pts.milliseconds / 1_000 }
    }

    /// The bitrate where they last so many seconds, in kb/s.
    public func kilobits(seconds: Double) -> Double { Double(reduce(0) { $0 + $1.count }) * 8 / 1_000 / seconds }
}
