import Foundation
import Sluice

/// Debian's ffmpeg, as an independent reader.
public enum FFmpeg {
    /// The decoded pictures of an elementary stream, i420 without padding, one behind the other. `kind` is `ivf` or
    /// `h264`.
    public static func decode(_ stream: [UInt8], kind: String) throws -> [UInt8] {
        try run(
            [
                "ffmpeg", "-v", "error", "-f", kind, "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "yuv420p",
                "-fps_mode", "passthrough", "pipe:1",
            ], feeding: stream)
    }

    /// Runs a program with `bytes` as its input and gives back its output. Anything said on stderr is an error. It gets
    /// a minute.
    public static func run(_ words: [String], feeding bytes: [UInt8]) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (source, result, errors) = (
            folder.appending(path: "in"), folder.appending(path: "out"), folder.appending(path: "err")
        )
        try Data(bytes).write(to: source)
        for file in [result, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "-k", "1", "60"] + words
        process.standardInput = try FileHandle(forReadingFrom: source)
        process.standardOutput = try FileHandle(forWritingTo: result)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        let said = try String(decoding: Data(contentsOf: errors), as: UTF8.self)
        guard process.terminationStatus == 0, said.isEmpty else {
            throw Failure(
                text: "\(words.joined(separator: " ")): status \(process.terminationStatus), said: \(said)")
        }
        return [UInt8](try Data(contentsOf: result))
    }

    public struct Failure: Error { public let text: String }

    /// VP8 packets in the simplest container (IVF: a header of 32 bytes, then size and time before each frame).
    public static func ivf(_ packets: [Packet]) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let video = packets[0].format.video!
        var all = Array("DKIF".utf8) + little(0, 2) + little(32, 2) + Array("VP80".utf8)
        all +=
            little(video.width, 2) + little(video.height, 2) + little(30, 4) + little(1, 4) + little(packets.count, 4)
            + little(0, 4)
        for (index, packet) in packets.enumerated() {
            all += little(packet.count, 4) + little(index, 8) + Array(packet.bytes)
        }
        return all
    }
}

extension VideoFrame {
    /// The picture's bytes without padding.
    public var packed: [UInt8] {
        var all: [UInt8] = []
        let pixels = layout.pixelFormat!
        for index in 0..<pixels.planeCount {
            for y in 0..<pixels.rows(plane: index, height: layout.height) {
                all += UnsafeBufferPointer(
                    start: plane(index) + y * stride(index), count: pixels.rowBytes(plane: index, width: layout.width))
            }
        }
        return all
    }
}

/// Peak signal to noise in dB; infinite for equal bytes.
public func psnr(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Double {
    guard a.count == b.count, !a.isEmpty else { return 0 }
    let error = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) } / Double(a.count)
    return error == 0 ? .infinity : 10 * log10(255 * 255 / error)
}
