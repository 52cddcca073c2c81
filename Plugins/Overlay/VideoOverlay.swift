import Geometry
import Sluice

/// Lays a picture or a text on pictures, with its opacity, at a place that may move while they run.
///
/// A text that comes as data (`captions`) is shown from its time on: for its duration, or until the next one where it
/// has none. A picture on which nothing is laid passes untouched; others are copied.
public final class VideoOverlay: Node {
    public static let descriptor = NodeDescriptor(
        "video-overlay", summary: "Lays a picture or a text on pictures", work: .heavy,
        example:
            #""logo": { "type": "video-overlay", "picture": "logo.png", "anchor": "top-right", "x": 24, "y": 24 }"#)

    let input = Input<VideoFrame>("in")
    let captions = Input<DataItem>("captions", .data, optional: true)
    let output = Output<VideoFrame>("out", follows: "in")

    @Parameter("picture", default: "", help: "The picture that is laid on: a PNG, JPEG, WebP or BMP file.")
    var picture: String
    @Parameter(
        "text", default: "", help: "The text that is laid on until captions bring another. \\n begins a new line.")
    var text: String
    @Parameter("anchor", default: .topLeft, help: "The corner, side or middle from which x and y count.")
    var anchor: Anchor
    @Live(
        "x", default: 0, range: -16_384...16_384,
        help: "The distance from the anchor's side in pixels. From the middle it counts to the right.")
    var x: Double
    @Live(
        "y", default: 0, range: -16_384...16_384,
        help: "The distance from the anchor's side in pixels. From the middle it counts down.")
    var y: Double
    @Live(
        "opacity", default: 1, range: 0...1, help: "The opacity of the picture or text. 0 shows nothing of it, 1 all.")
    var opacity: Double
    @Parameter(
        "width", default: 0, range: 0...16_384,
        help: "The width of the picture that is laid on, in pixels. 0 keeps its own.")
    var width: Int
    @Parameter("font", default: "sans", help: "The font of the text: a family that fontconfig knows.") var font: String
    @Parameter(
        "font_size", default: 0, range: 0...1_000,
        help: "The height of a line in pixels. 0 is an 18th of the height of the video.")
    var fontSize: Int
    @Parameter("color", default: "#ffffff", help: "The color of the text: #rrggbb, or #rrggbbaa with opacity.")
    var color: String
    @Parameter(
        "background", default: "",
        help: "The color behind the text: #rrggbb or #rrggbbaa. Empty draws an outline instead.")
    var background: String

    private var context: NodeContext!
    private var writer: TextPicture?
    private var style = TextPicture.Style()
    private var stamp: Stamp?
    private var shown = ""
    /// When the caption that is shown ends; `.none` where it does not.
    private var shownUntil = MediaTime.none
    private var layer: Layer?
    private var key: Layer.Key?
    private var layout: VideoLayout?
    private var pool = Pool<VideoFrame>()
    private var losses = Losses()

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard picture.isEmpty || text.isEmpty && !captions.isConnected else {
            throw NodeError(
                "both a picture and a text are to be laid on", advice: "Put two video-overlay nodes in a row.",
                isInputError: true)
        }
        guard !picture.isEmpty || !text.isEmpty || captions.isConnected else {
            throw NodeError(
                "there is nothing to lay on", advice: "Give \"picture\" or \"text\", or connect captions.",
                isInputError: true)
        }
        if !picture.isEmpty {
            stamp = try PictureFile.read(picture, width: width)
        } else {
            try readStyle()
            shown = text
            // Fonts are looked for before the graph runs.
            try write(input.format?.video ?? VideoLayout(width: 1_280, height: 720))
        }
        if let video = input.format?.video { follow(video) }
        if let format = input.format { output.fix(format) }
    }

    public func process(now: Instant) throws {
        while let frame = input.next() {
            if layout != frame.layout {
                follow(frame.layout)
                if picture.isEmpty { try write(frame.layout) }
            }
            try takeCaptions(at: frame.header.pts)
            output.send(laid(on: frame))
        }
        if input.isEnded { while captions.next() != nil {} }
    }

    public func close() { writer = nil }

    // MARK: Text

    private func readStyle() throws {
        func read(_ name: String, _ text: String) throws -> Stamp.Color {
            guard let color = Stamp.Color(text) else {
                throw NodeError(
                    "\(name) is \"\(text)\", which is no color", advice: "Use #rrggbb or #rrggbbaa.", isInputError: true
                )
            }
            return color
        }
        style.color = try read("color", color)
        style.background = background.isEmpty ? nil : try read("background", background)
        style.font = font
        style.align = anchor.column == 0 ? .left : anchor.column == 1 ? .center : .right
    }

    /// The text that is shown, as large as pictures of that layout want it.
    private func write(_ layout: VideoLayout) throws {
        style.size = fontSize > 0 ? fontSize : max(8, layout.height / 18)
        style.outline = Double(max(1, style.size / 16))
        let writer = try TextPicture(style)
        self.writer = writer
        try draw(layout)
    }

    private func draw(_ layout: VideoLayout) throws {
        (stamp, layer, key) = (nil, nil, nil)
        let isBlank = shown.allSatisfy(\.isWhitespace)
        guard !isBlank, let writer else { return }
        stamp = try writer.draw(shown, width: layout.width, height: layout.height)
        if let warning = writer.warning { losses.tell(warning, context) }
        if stamp == nil {
            losses.tell(
                style.size > layout.height
                    ? "letters \(style.size) pixels high do not fit on pictures of \(layout.width)x\(layout.height): nothing is seen of the text; make font_size smaller"
                    : "no font of this machine draws the text: install one, apt-get install fonts-dejavu-core", context)
        }
    }

    /// Those whose time has come; the newest is shown.
    private func takeCaptions(at time: MediaTime) throws {
        var new: String?
        while let item = captions.peek(), !item.header.pts.isKnown || !time.isKnown || item.header.pts <= time {
            guard captions.next() != nil else { break }
            guard case .string(let words)? = item["text"]?.kind else { continue }
            new = words
            let duration = item.header.duration
            shownUntil = item.header.pts.isKnown && duration > .zero ? item.header.pts + duration : .none
        }
        if shownUntil.isKnown, time.isKnown, time >= shownUntil {
            new = ""
            shownUntil = .none
        }
        guard let new, new != shown, let layout else { return }
        shown = new
        try draw(layout)
    }

    // MARK: Pictures

    private func follow(_ layout: VideoLayout) {
        self.layout = layout
        (layer, key) = (nil, nil)
        guard !picture.isEmpty, let stamp, stamp.width > layout.width || stamp.height > layout.height else { return }
        losses.tell(
            "\"\(picture)\" has \(stamp.width)x\(stamp.height), more than the pictures of \(layout.width)x\(layout.height): "
                + "the rest is cut off; \"width\" makes it smaller", context)
    }

    private func laid(on frame: VideoFrame) -> VideoFrame {
        let strength = UInt8((min(max(opacity, 0), 1) * 255).rounded())
        guard let stamp, let pixels = frame.layout.pixelFormat, strength > 0 else { return frame }
        let size = (width: frame.layout.width, height: frame.layout.height)
        let left = anchor.place(anchor.column, of: stamp.width, in: size.width, offset: Int(x.rounded()))
        let top = anchor.place(anchor.row, of: stamp.height, in: size.height, offset: Int(y.rounded()))
        let (firstX, firstY) = (max(0, left), max(0, top))
        let (endX, endY) = (min(size.width, left + stamp.width), min(size.height, top + stamp.height))
        guard firstX < endX, firstY < endY else { return frame }
        var wanted = Layer.Key(pixels: pixels, matrix: frame.layout.impliedMatrix, opacity: strength)
        (wanted.left, wanted.top) = (firstX - left, firstY - top)
        (wanted.width, wanted.height) = (endX - firstX, endY - firstY)
        (wanted.isOddX, wanted.isOddY) = (firstX % 2 == 1, firstY % 2 == 1)
        if layer == nil || key != wanted { (layer, key) = (Layer(stamp, wanted), wanted) }
        let result = pool.take(frame.format)
        result.copyPicture(of: frame)
        result.header = frame.header
        layer?.blend(on: result, x: firstX, y: firstY)
        return result
    }
}
