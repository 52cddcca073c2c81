import Bitstream
import CLibAV
import Geometry
import Glibc
import LibAV
import Sluice

/// Reads a PNG, JPEG, WebP or BMP file by libavcodec.
enum PictureFile {
    /// Bytes that a file may have.
    static let mostBytes = 64 << 20
    /// Bytes by which libswscale may read or write over the end of a row.
    private static let padding = 64

    /// The picture, `width` pixels wide, the height following; 0 leaves it as it is. Throws one sentence on what is
    /// wrong with the file.
    static func read(_ path: String, width: Int) throws -> Stamp {
        let bytes = try contents(path)
        guard let codec = codec(of: bytes) else {
            throw refusal(path, "it is no PNG, JPEG, WebP or BMP picture", "Convert it: ffmpeg -i FILE logo.png.")
        }
        do {
            let decoder = try decode(bytes, codec)
            // Cameras write into their JPEG files by how much they are to be turned (EXIF).
            guard case .orientation(let turn)? = DisplayMatrix.read(decoder.frame), turn != .upright else {
                return try scaled(pixels(of: decoder), to: width)
            }
            return try scaled(turned(pixels(of: decoder), by: turn), to: width)
        } catch let error as NodeError {
            throw refusal(path, error.message, "It may be damaged, or larger than a picture may be.")
        } catch {
            throw refusal(path, "it cannot be decoded (\(error))", "It may be damaged or truncated.")
        }
    }

    private static func refusal(_ path: String, _ what: String, _ advice: String = "") -> NodeError {
        NodeError("cannot lay \"\(path)\" on pictures: \(what)", advice: advice, isInputError: true)
    }

    private static func contents(_ path: String) throws -> [UInt8] {
        guard !path.utf8.contains(0) else { throw refusal(path, "the path holds a zero byte") }
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw refusal(path, errorText(errno), "Paths are relative to the working directory.")
        }
        defer { close(descriptor) }
        var status = stat()
        fstat(descriptor, &status)
        guard status.st_mode & S_IFMT == S_IFREG else { throw refusal(path, "it is no file") }
        guard status.st_size > 0 else { throw refusal(path, "it is empty") }
        guard status.st_size <= mostBytes else {
            throw refusal(path, "it has \(status.st_size) bytes, and \(mostBytes) are read at most")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard got > 0 else { break }
            count += got
        }
        return Array(bytes[..<count])
    }

    private static func codec(of bytes: [UInt8]) -> AVCodecID? {
        func has(_ signature: [UInt8], at offset: Int = 0) -> Bool {
            bytes.count >= offset + signature.count && bytes[offset...].starts(with: signature)
        }
        if has([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return AV_CODEC_ID_PNG }
        if has([0xff, 0xd8, 0xff]) { return AV_CODEC_ID_MJPEG }
        if has(Array("RIFF".utf8)) && has(Array("WEBP".utf8), at: 8) { return AV_CODEC_ID_WEBP }
        if has(Array("BM".utf8)) { return AV_CODEC_ID_BMP }
        return nil
    }

    private static func decode(_ bytes: [UInt8], _ codec: AVCodecID) throws -> Decoder {
        var parameters = avcodec_parameters_alloc()
        defer { avcodec_parameters_free(&parameters) }
        parameters!.pointee.codec_type = AVMEDIA_TYPE_VIDEO
        parameters!.pointee.codec_id = codec
        var options = Decoder.Options()
        options.isStrict = true
        let decoder = try Decoder(parameters!, timeBase: .mediaTime, options)
        var packet = av_packet_alloc()
        defer { av_packet_free(&packet) }
        try AVError.check(av_new_packet(packet, Int32(clamping: bytes.count)))
        memcpy(packet!.pointee.data, bytes, bytes.count)
        do { _ = try decoder.send(packet) } catch {
            if let size = decoder.takeRefusedSize() {
                throw NodeError("it has \(size.width)x\(size.height) pixels, which is too large")
            }
            throw error
        }
        _ = try decoder.send(nil)
        guard try decoder.receive() else { throw NodeError("it holds no picture") }
        return decoder
    }

    private static func pixels(of decoder: Decoder) throws -> Stamp {
        let frame = decoder.frame
        let (w, h) = (Int(frame.pointee.width), Int(frame.pointee.height))
        var pixels = try withUnsafeBytes(of: frame.pointee.data) { data in
            try withUnsafeBytes(of: frame.pointee.linesize) { lines in
                try scale(
                    data.bindMemory(to: UnsafePointer<UInt8>?.self).baseAddress!,
                    lines.bindMemory(to: Int32.self).baseAddress!, AVPixelFormat(frame.pointee.format), (w, h),
                    to: (w, h))
            }
        }
        for index in stride(from: 0, to: pixels.count, by: 4) where pixels[index + 3] != 255 {
            for color in index..<index + 3 { pixels[color] = OverlayPlugin.scaled(pixels[color], pixels[index + 3]) }
        }
        return Stamp(width: w, height: h, pixels: pixels)
    }

    private static func turned(_ stamp: Stamp, by orientation: VideoLayout.Orientation) -> Stamp {
        let layout = VideoLayout(width: stamp.width, height: stamp.height, pixelFormat: .bgra)
        let from = VideoFrame(format: MediaFormat(video: layout))
        let to = VideoFrame(format: MediaFormat(video: layout.turned(by: orientation)))
        // Four bytes a pixel, whatever their order.
        for y in 0..<stamp.height {
            let row = stamp.pixels[y * stamp.width * 4..<(y + 1) * stamp.width * 4]
            for (index, byte) in row.enumerated() { (from.plane(0) + y * from.stride(0))[index] = byte }
        }
        PictureTurn.turn(from, by: orientation, into: to)
        let (width, height) = (to.layout.width, to.layout.height)
        let rows = (0..<height).map {
            UnsafeBufferPointer(start: to.plane(0) + $0 * to.stride(0), count: width * 4)
        }
        return Stamp(width: width, height: height, pixels: rows.flatMap { Array($0) })
    }

    /// Scaled with the colours multiplied, so that transparent pixels lend no colour to their neighbours.
    private static func scaled(_ stamp: Stamp, to width: Int) throws -> Stamp {
        let (w, h) = (stamp.width, stamp.height)
        guard width > 0, width != w else { return stamp }
        var pixels = stamp.pixels
        let height = max(1, (h * width + w / 2) / w)
        guard height <= 16_384 else { throw NodeError("\(width) wide it would be \(height) high, which is too large") }
        // libswscale reads over the end of the last row.
        pixels += [UInt8](repeating: 0, count: padding)
        var result = try pixels.withUnsafeBufferPointer { buffer in
            var data: [UnsafePointer<UInt8>?] = [buffer.baseAddress, nil, nil, nil]
            var lines: [Int32] = [Int32(w * 4), 0, 0, 0]
            return try scale(&data, &lines, AV_PIX_FMT_RGBA, (w, h), to: (width, height))
        }
        // A filter that sharpens may leave more colour than opacity.
        for index in stride(from: 0, to: result.count, by: 4) {
            for color in index..<index + 3 { result[color] = min(result[color], result[index + 3]) }
        }
        return Stamp(width: width, height: height, pixels: result)
    }

    private static func scale(
        _ data: UnsafePointer<UnsafePointer<UInt8>?>, _ lines: UnsafePointer<Int32>, _ format: AVPixelFormat,
        _ from: (width: Int, height: Int), to: (width: Int, height: Int)
    ) throws -> [UInt8] {
        let flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT
        let scaler = sws_getContext(
            Int32(from.width), Int32(from.height), format, Int32(to.width), Int32(to.height), AV_PIX_FMT_RGBA,
            Int32(flags), nil, nil, nil)
        guard let scaler else { throw NodeError("its pixel format cannot be converted") }
        defer { sws_freeContext(scaler) }
        let stride = (to.width * 4 + padding - 1) & ~(padding - 1)
        var padded = [UInt8](repeating: 0, count: stride * to.height + padding)
        let rows = padded.withUnsafeMutableBufferPointer { buffer in
            var out: [UnsafeMutablePointer<UInt8>?] = [buffer.baseAddress, nil, nil, nil]
            var strides: [Int32] = [Int32(stride), 0, 0, 0]
            return sws_scale(scaler, data, lines, 0, Int32(from.height), &out, &strides)
        }
        guard rows == Int32(to.height) else { throw NodeError("it could not be converted") }
        return (0..<to.height).flatMap { padded[$0 * stride..<$0 * stride + to.width * 4] }
    }
}
