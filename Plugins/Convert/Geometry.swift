import Sluice

/// How a picture is made to fit a size of another shape.
enum Fit: String, CaseIterable, ParameterValue.Convertible {
    /// The whole picture, with black bars.
    case pad
    /// The middle of the picture, the whole size filled.
    case crop
    /// The whole picture, out of proportion.
    case stretch
}

/// A rectangle of pixels, on even positions so that it begins at a chroma sample.
struct Rectangle: Equatable {
    var x: Int
    var y: Int
    var width: Int
    var height: Int
}

/// Which part of a picture goes to which part of another.
struct Geometry: Equatable {
    var source: Rectangle
    var target: Rectangle

    /// Shapes are those of the pictures as they are shown: pixels of the source that are not square are where those of
    /// the target are.
    init(from: VideoLayout, to: VideoLayout, fit: Fit) {
        let pixel = to.pixelAspect == from.pixelAspect ? .square : from.pixelAspect
        source = Rectangle(x: 0, y: 0, width: from.width, height: from.height)
        target = Rectangle(x: 0, y: 0, width: to.width, height: to.height)
        switch fit {
        case .stretch: break
        case .pad: target = Geometry.largest(in: to, shape: (from.width * pixel.width, from.height * pixel.height))
        case .crop: source = Geometry.largest(in: from, shape: (to.width * pixel.height, to.height * pixel.width))
        }
    }

    /// The largest rectangle in the middle of `outer` with that shape; the whole where it is only a pixel off.
    private static func largest(in outer: VideoLayout, shape inner: (width: Int, height: Int)) -> Rectangle {
        let wanted = outer.height * inner.width
        let offered = outer.width * inner.height
        if wanted < offered {
            let width = rounded(wanted, by: inner.height, atMost: outer.width)
            return Rectangle(x: (outer.width - width) / 4 * 2, y: 0, width: width, height: outer.height)
        }
        let height = rounded(offered, by: inner.width, atMost: outer.height)
        return Rectangle(x: 0, y: (outer.height - height) / 4 * 2, width: outer.width, height: height)
    }

    /// `value` / `divisor` to the nearest even number.
    private static func rounded(_ value: Int, by divisor: Int, atMost limit: Int) -> Int {
        let even = max(2, (value + divisor) / (2 * divisor) * 2)
        return even + 1 >= limit ? limit : even
    }

    /// The size that `width` and `height` ask for, 0 leaving one to the picture's shape and both to its size. Of square
    /// pixels where `isSquare`.
    static func size(of layout: VideoLayout, isSquare: Bool, width: Int, height: Int) -> (width: Int, height: Int) {
        let pixel = isSquare ? layout.pixelAspect : .square
        let shown = pixel == .square ? layout.width : proportional(layout.width, pixel.width, pixel.height)
        let picture = (width: shown, height: layout.height)
        return switch (width, height) {
        case (0, 0): (picture.width, picture.height)
        case (let width, 0): (width, proportional(width, picture.height, picture.width))
        case (0, let height): (proportional(height, picture.width, picture.height), height)
        default: (width, height)
        }
    }

    private static func proportional(_ length: Int, _ numerator: Int, _ denominator: Int) -> Int {
        max(2, (length * numerator + denominator) / (2 * denominator) * 2)
    }
}
