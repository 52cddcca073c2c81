import Sluice

/// From where the place of an overlay counts.
enum Anchor: String, CaseIterable, ParameterValue.Convertible {
    case topLeft = "top-left"
    case top
    case topRight = "top-right"
    case left
    case middle
    case right
    case bottomLeft = "bottom-left"
    case bottom
    case bottomRight = "bottom-right"

    /// 0 left, 1 in the middle, 2 right.
    var column: Int { (Anchor.allCases.firstIndex(of: self) ?? 0) % 3 }
    /// 0 top, 1 in the middle, 2 bottom.
    var row: Int { (Anchor.allCases.firstIndex(of: self) ?? 0) / 3 }

    /// Where a length begins in another one, `offset` away from the side.
    func place(_ side: Int, of length: Int, in whole: Int, offset: Int) -> Int {
        switch side {
        case 0: offset
        case 1: (whole - length) / 2 + offset
        default: whole - length - offset
        }
    }
}
