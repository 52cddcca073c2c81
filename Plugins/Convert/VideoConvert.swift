import Geometry
import Sluice

/// Gives pictures another size, pixel format and colour matrix, turns and mirrors them. A frame that already is as it
/// should be passes untouched, and a format that changes in mid-stream is followed.
///
/// YUV keeps its matrix, whatever its new size would imply, and says it where that differs; YUV made of RGB always says
/// it.
public final class VideoConvert: Node {
    public static let descriptor = NodeDescriptor(
        "video-convert", summary: "Gives pictures another size and pixel format, and turns them", work: .heavy,
        example: #""small": { "type": "video-convert", "width": 640, "height": 360, "pixel_format": "i420" }"#)

    let input = Input<VideoFrame>("in", .rawVideo)
    let output = Output<VideoFrame>(
        "out", .rawVideo,
        variants: VideoLayout.PixelFormat.allCases.map {
            FormatSet.Variant(parameter: "pixel_format", value: .string($0.rawValue), formats: .video([$0]))
        })

    @Parameter(
        "width", default: 0, range: 0...8_192,
        help: "The width in pixels. 0 follows from the height and the shape, or keeps the width that comes.")
    var width: Int
    @Parameter(
        "height", default: 0, range: 0...8_192,
        help: "The height in pixels. 0 follows from the width and the shape, or keeps the height that comes.")
    var height: Int
    @Parameter(
        "pixel_format", default: .same, help: "The layout of a picture in memory. same keeps the layout that comes.")
    var pixelFormat: Target
    @Parameter(
        "fit", default: .pad,
        help: "The way into another shape: pad with black bars, crop, or stretch out of proportion.")
    var fit: Fit

    @Parameter(
        "color_matrix", default: .auto,
        help: "The matrix of YUV. auto keeps the one that comes; RGB gets bt709 above 576 rows. "
            + "VP8 is always bt601."
    )
    var matrix: Matrix

    enum Matrix: String, CaseIterable, ParameterValue.Convertible {
        case auto, bt601, bt709
    }

    enum Target: String, CaseIterable, ParameterValue.Convertible {
        case same, i420, nv12, bgra, rgb24
    }

    @Parameter(
        "pixels", default: .keep,
        help:
            "The shape of the pixels. square scales them, for sinks that know no other (WebRTC, raw video)."
    )
    var pixels: Pixels

    enum Pixels: String, CaseIterable, ParameterValue.Convertible {
        case keep, square
    }

    @Parameter("rotate", default: .none, help: "Turns pictures clockwise by this number of degrees.") var rotate: Rotate
    @Parameter("mirror", default: false, help: "Exchanges left and right, before it turns the picture.")
    var isMirrored: Bool

    enum Rotate: String, CaseIterable, ParameterValue.Convertible {
        case none
        case quarter = "90"
        case half = "180"
        case threeQuarters = "270"
    }

    private var context: NodeContext!
    private var conversion: Conversion?
    private var format: MediaFormat?
    private var losses = Losses()

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        if let incoming = input.format {
            try follow(incoming)
            output.fix(format!)
        }
    }

    public func process(now: Instant) throws {
        while let frame = input.next() {
            if input.formatChanged || format == nil { try follow(frame.format) }
            guard let conversion else {
                output.send(frame)
                continue
            }
            let result = try conversion.convert(frame)
            result.header = frame.header
            if conversion.mixesFields, frame.header.flags.contains(.interlaced) {
                losses.tellFields(of: frame, "scaled", context)
                result.header.flags.subtract([.interlaced, .bottomFieldFirst])
            }
            output.send(result)
        }
    }

    public func close() { conversion = nil }

    private var orientation: VideoLayout.Orientation {
        let quarters =
            switch rotate {
            case .none: 0
            case .quarter: 1
            case .half: 2
            case .threeQuarters: 3
            }
        return VideoLayout.Orientation(quarters: quarters, isMirrored: isMirrored)
    }

    private func follow(_ incoming: MediaFormat) throws {
        guard let stored = incoming.video, let given = stored.pixelFormat, stored.width > 0, stored.height > 0 else {
            throw NodeError("pictures of \(incoming) have no size or pixel format")
        }
        let from = stored.turned(by: orientation)
        let isSquare = pixels == .square
        let size = Geometry.size(of: from, isSquare: isSquare, width: width, height: height)
        guard size.width <= 16_384, size.height <= 16_384 else {
            throw NodeError(
                "\(from.width)x\(from.height) in this shape makes \(size.width)x\(size.height), which is too large",
                advice: "Give both width and height.", isInputError: true)
        }
        let target = VideoLayout.PixelFormat(rawValue: pixelFormat.rawValue) ?? given
        let to = VideoLayout(
            width: size.width, height: size.height, pixelFormat: target, frameRate: from.frameRate,
            colorMatrix: target.isYUV ? matrix(of: from, height: size.height) : nil,
            pixelAspect: isSquare || isStretched(from, size) ? .square : from.pixelAspect)
        guard to != from || orientation != .upright else {
            (conversion, format) = (nil, incoming)
            return
        }
        if conversion?.from != stored || conversion?.format.video != to {
            let made = try Conversion(from: stored, turned: from, by: orientation, to: to, fit: fit)
            (conversion, format) = (made, made.format)
        }
    }

    /// The matrix that the outgoing pictures name: nothing where nothing was said and their height implies it.
    private func matrix(of from: VideoLayout, height: Int) -> VideoLayout.ColorMatrix? {
        if let asked = VideoLayout.ColorMatrix(rawValue: matrix.rawValue), asked != from.impliedMatrix || !isYUV(from) {
            return asked
        }
        guard isYUV(from) else { return .implied(height: height) }
        return from.colorMatrix ?? (from.impliedMatrix == .implied(height: height) ? nil : from.impliedMatrix)
    }

    /// Out of proportion, and so out of the shape of its pixels.
    private func isStretched(_ from: VideoLayout, _ size: (width: Int, height: Int)) -> Bool {
        fit == .stretch && (size.width != from.width || size.height != from.height)
    }

    private func isYUV(_ layout: VideoLayout) -> Bool { layout.pixelFormat?.isYUV == true }
}
