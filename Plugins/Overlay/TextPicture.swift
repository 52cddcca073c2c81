import CASS
import Glibc
import Sluice

/// Text as a picture, by libass: any script, with the fonts that the machine has.
final class TextPicture {
    /// How text looks.
    struct Style: Equatable {
        /// A family as fontconfig knows it.
        var font = "sans"
        /// Height of a line in pixels.
        var size = 40
        var color = Stamp.Color("#ffffff")!
        /// Around each letter; of no width where there is a background.
        var outline = 2.0
        /// Behind the whole; nil for none.
        var background: Stamp.Color?
        /// Where lines that are shorter than others stand.
        var align = Align.left

        enum Align: Int32 {
            case left = 5
            case center = 6
            case right = 7
        }
    }

    private let library: OpaquePointer
    private let renderer: OpaquePointer
    private let message: UnsafeMutablePointer<sluice_ass_message>
    private let style: Style
    /// A sentence on the first warning of libass: a letter or a font that is missing; nil while there is none.
    var warning: String? {
        let text = withUnsafePointer(to: &message.pointee.text) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard !text.isEmpty else { return nil }
        if let digits = text.firstMatch(of: /glyph 0x([0-9A-F]+)/)?.1 {
            let letter = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init).map { " \"\($0)\"" } ?? ""
            return "no font of this machine has the letter\(letter) (U+\(digits)), so it is not shown: install one "
                + "that has it, such as those of the packages fonts-noto-core and fonts-noto-cjk"
        }
        if let used = text.firstMatch(of: /Using default font.* ([^,]+)$/)?.1 {
            return
                "there is no font \"\(style.font)\": the text is drawn in \(used); `fc-list : family` lists those there are"
        }
        return "the text may not be drawn as it should be: libass says \(text)"
    }

    init(_ style: Style) throws {
        guard let library = ass_library_init() else { throw NodeError("libass does not start") }
        message = .allocate(capacity: 1)
        message.initialize(to: sluice_ass_message())
        sluice_ass_listen(library, message)
        guard let renderer = ass_renderer_init(library) else {
            ass_library_done(library)
            message.deallocate()
            throw NodeError("libass does not start")
        }
        (self.library, self.renderer, self.style) = (library, renderer, style)
        ass_set_fonts(renderer, nil, "sans", Int32(ASS_FONTPROVIDER_AUTODETECT.rawValue), nil, 1)
    }

    deinit {
        ass_renderer_done(renderer)
        ass_library_done(library)
        message.deallocate()
    }

    /// `text` in lines of at most `width` pixels; nil where nothing is to be seen. `\n` begins a line.
    func draw(_ text: String, width: Int, height: Int) throws -> Stamp? {
        guard let track = ass_new_track(library) else { throw NodeError("libass does not take a text") }
        defer { ass_free_track(track) }
        ass_set_frame_size(renderer, Int32(clamping: width), Int32(clamping: height))
        ass_set_storage_size(renderer, Int32(clamping: width), Int32(clamping: height))
        track.pointee.PlayResX = Int32(clamping: width)
        track.pointee.PlayResY = Int32(clamping: height)
        track.pointee.WrapStyle = 0
        track.pointee.ScaledBorderAndShadow = 1
        let number = ass_alloc_style(track)
        let own = track.pointee.styles + Int(number)
        own.pointee.Name = strdup("text")
        own.pointee.FontName = strdup(style.font)
        own.pointee.FontSize = Double(style.size)
        // libass counts transparency.
        own.pointee.PrimaryColour = 0xffff_ff00
        own.pointee.OutlineColour = 0x0000_0000
        (own.pointee.ScaleX, own.pointee.ScaleY) = (1, 1)
        own.pointee.BorderStyle = 1
        own.pointee.Outline = style.background == nil ? style.outline : 0
        own.pointee.Alignment = style.align.rawValue
        track.pointee.default_style = number
        // The events may move when one is added.
        let place = Int(ass_alloc_event(track))
        let event = track.pointee.events + place
        event.pointee.Duration = 1_000
        event.pointee.Style = number
        event.pointee.Text = strdup(TextPicture.escaped(text))
        return compose(ass_render_frame(renderer, track, 0, nil), (width, height))
    }

    /// libass reads braces and backslashes as commands; a word joiner behind a backslash keeps it one.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\n", "\r\n": result += "\\N"
            case "{", "}": result += "\\\(character)"
            case "\\": result += "\\\u{2060}"
            default: result.append(character)
            }
        }
        return result
    }

    /// The parts of all letters in one picture, as large as what is seen of them.
    private func compose(_ first: UnsafeMutablePointer<ASS_Image>?, _ limit: (width: Int, height: Int)) -> Stamp? {
        var (left, top, right, bottom) = (Int.max, Int.max, Int.min, Int.min)
        forEach(first) { image in
            for y in 0..<Int(image.h) {
                for x in 0..<Int(image.w) where image.bitmap[y * Int(image.stride) + x] > 0 {
                    let (column, row) = (Int(image.dst_x) + x, Int(image.dst_y) + y)
                    (left, top, right, bottom) = (
                        min(left, column), min(top, row), max(right, column + 1), max(bottom, row + 1)
                    )
                }
            }
        }
        guard left < right, top < bottom, right - left <= 16_384, bottom - top <= 16_384 else { return nil }
        let margin = style.background == nil ? 0 : max(2, style.size / 4)
        (left, top, right, bottom) = (left - margin, top - margin, right + margin, bottom + margin)
        let (width, height) = (right - left, bottom - top)
        var pixels = [UInt8](repeating: 0, count: width * height * 4)
        if let background = style.background {
            let bytes = TextPicture.multiplied(background, 255)
            for index in pixels.indices { pixels[index] = bytes[index & 3] }
        }
        forEach(first) { image in
            // White is the text itself, black what lies around it.
            let color = image.color >> 8 == 0xff_ffff ? style.color : Stamp.Color("#000000")!
            for y in 0..<Int(image.h) {
                for x in 0..<Int(image.w) {
                    let mask = image.bitmap[y * Int(image.stride) + x]
                    guard mask > 0 else { continue }
                    let bytes = TextPicture.multiplied(color, mask)
                    let place = ((Int(image.dst_y) - top + y) * width + Int(image.dst_x) - left + x) * 4
                    for part in 0..<4 {
                        pixels[place + part] = bytes[part] &+ scaled(pixels[place + part], 255 - bytes[3])
                    }
                }
            }
        }
        return Stamp(width: width, height: height, pixels: pixels)
    }

    private static func multiplied(_ color: Stamp.Color, _ mask: UInt8) -> [UInt8] {
        let alpha = scaled(color.alpha, mask)
        return [scaled(color.red, alpha), scaled(color.green, alpha), scaled(color.blue, alpha), alpha]
    }

    private func forEach(_ first: UnsafeMutablePointer<ASS_Image>?, _ body: (ASS_Image) -> Void) {
        var next = first
        while let image = next {
            if image.pointee.w > 0, image.pointee.h > 0, image.pointee.bitmap != nil { body(image.pointee) }
            next = image.pointee.next
        }
    }
}
