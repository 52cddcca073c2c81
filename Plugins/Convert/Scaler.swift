import CSwscale
import Sluice

/// One context of libswscale, for pictures of one layout to another. Bit exact: equal pictures on every processor. YUV
/// is in limited range, and of the matrix that its layout says or implies.
final class Scaler {
    let from: VideoLayout
    let to: VideoLayout
    private let geometry: Geometry
    private let context: OpaquePointer
    private let planes: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    private let strides: UnsafeMutablePointer<Int32>
    private let outPlanes: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>
    private let outStrides: UnsafeMutablePointer<Int32>

    /// Both layouts say their pixel format.
    init(from: VideoLayout, to: VideoLayout, fit: Fit) throws {
        (self.from, self.to) = (from, to)
        geometry = Geometry(from: from, to: to, fit: fit)
        let flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT
        let context = sws_getContext(
            Int32(geometry.source.width), Int32(geometry.source.height), from.pixelFormat!.av,
            Int32(geometry.target.width), Int32(geometry.target.height), to.pixelFormat!.av, flags, nil, nil, nil)
        guard let context else { throw NodeError("libswscale does not convert \(from) to \(to)") }
        self.context = context
        (planes, strides) = (.allocate(capacity: 4), .allocate(capacity: 4))
        (outPlanes, outStrides) = (.allocate(capacity: 4), .allocate(capacity: 4))
        // Unasked, libswscale takes all YUV for BT.601. RGB has no matrix: there the table is not looked at.
        let matrices = (from.impliedMatrix, to.impliedMatrix)
        let areAlike = from.pixelFormat!.isYUV == to.pixelFormat!.isYUV && matrices.0 == matrices.1
        if !areAlike {
            sws_setColorspaceDetails(
                context, sws_getCoefficients(matrices.0.coefficients), 0, sws_getCoefficients(matrices.1.coefficients),
                0, 0, 1 << 16, 1 << 16)
        }
        planes.initialize(repeating: nil, count: 4)
        strides.initialize(repeating: 0, count: 4)
        outPlanes.initialize(repeating: nil, count: 4)
        outStrides.initialize(repeating: 0, count: 4)
    }

    /// Rows are not those of the source, one for one.
    var changesRows: Bool { geometry.source.height != geometry.target.height }

    deinit {
        sws_freeContext(context)
        planes.deallocate()
        strides.deallocate()
        outPlanes.deallocate()
        outStrides.deallocate()
    }

    /// `result` is of layout `to`, and nobody else holds it.
    func convert(_ frame: VideoFrame, into result: VideoFrame) throws {
        for plane in 0..<from.pixelFormat!.planeCount {
            strides[plane] = Int32(frame.stride(plane))
            planes[plane] = UnsafePointer(
                frame.plane(plane) + from.pixelFormat!.offset(of: geometry.source, plane, frame.stride(plane)))
        }
        for plane in 0..<to.pixelFormat!.planeCount {
            outStrides[plane] = Int32(result.stride(plane))
            outPlanes[plane] =
                result.plane(plane) + to.pixelFormat!.offset(of: geometry.target, plane, result.stride(plane))
        }
        if geometry.target.width != to.width || geometry.target.height != to.height { blacken(result) }
        let rows = sws_scale(context, planes, strides, 0, Int32(geometry.source.height), outPlanes, outStrides)
        guard rows == Int32(geometry.target.height) else {
            throw NodeError("libswscale: converting \(from) to \(to) failed")
        }
    }

    /// All around the target; what lies inside is written by libswscale.
    private func blacken(_ frame: VideoFrame) {
        let pixels = to.pixelFormat!
        let inside = geometry.target
        for plane in 0..<pixels.planeCount {
            let row = pixels.rowBytes(plane: plane, width: to.width)
            let isHalved = pixels.isYUV && plane > 0
            let top = isHalved ? inside.y / 2 : inside.y
            let bottom = top + pixels.rows(plane: plane, height: inside.height)
            let left = pixels.rowBytes(plane: plane, width: inside.x)
            let right = left + pixels.rowBytes(plane: plane, width: inside.width)
            for y in 0..<pixels.rows(plane: plane, height: to.height) {
                let start = frame.plane(plane) + y * frame.stride(plane)
                if y < top || y >= bottom {
                    pixels.blacken(start, count: row, plane: plane)
                } else {
                    pixels.blacken(start, count: left, plane: plane)
                    pixels.blacken(start + right, count: row - right, plane: plane)
                }
            }
        }
    }
}

extension VideoLayout.ColorMatrix {
    var coefficients: Int32 {
        switch self {
        case .bt601: SWS_CS_ITU601
        case .bt709: SWS_CS_ITU709
        }
    }
}

extension VideoLayout.PixelFormat {
    var av: AVPixelFormat {
        switch self {
        case .i420: AV_PIX_FMT_YUV420P
        case .nv12: AV_PIX_FMT_NV12
        case .bgra: AV_PIX_FMT_BGRA
        case .rgb24: AV_PIX_FMT_RGB24
        }
    }

    /// Of the rectangle's first sample in a plane.
    func offset(of rectangle: Rectangle, _ plane: Int, _ stride: Int) -> Int {
        let y = isYUV && plane > 0 ? rectangle.y / 2 : rectangle.y
        return y * stride + rowBytes(plane: plane, width: rectangle.x)
    }

    /// Writes black over whole samples: opaque where there is transparency, limited range where there is chroma.
    func blacken(_ bytes: UnsafeMutablePointer<UInt8>, count: Int, plane: Int) {
        guard count > 0 else { return }
        switch self {
        case .i420, .nv12: bytes.update(repeating: plane == 0 ? 16 : 128, count: count)
        case .rgb24: bytes.update(repeating: 0, count: count)
        case .bgra: for index in 0..<count { bytes[index] = index % 4 == 3 ? 255 : 0 }
        }
    }
}
