import Sluice

/// Guesses what a picture of so many bytes may be, for an error's advice.
enum VideoSizes {
    private static let usual = [
        (3840, 2160), (2560, 1440), (1920, 1080), (1600, 900), (1280, 720), (1024, 576), (960, 540), (854, 480),
        (848, 480), (800, 600), (640, 480), (640, 360), (480, 270), (426, 240), (320, 240), (320, 180), (1080, 1920),
        (720, 1280), (1024, 768), (1280, 960),
    ]

    /// `1280x720 i420 or nv12`; the expected size first, then the usual ones. nil where none fits.
    static func guess(bytes: Int, expected: VideoLayout) -> String? {
        for (width, height) in [(expected.width, expected.height)] + usual {
            let formats = VideoLayout.PixelFormat.allCases.filter {
                PlaneRuns.byteCount(VideoLayout(width: width, height: height, pixelFormat: $0)) == bytes
            }
            guard !formats.isEmpty else { continue }
            return "\(width)x\(height) \(formats.map(\.rawValue).joined(separator: " or "))"
        }
        return nil
    }
}
