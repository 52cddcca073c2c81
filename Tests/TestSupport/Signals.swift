import Foundation
import Sluice

/// Deterministic audio.
public enum TestAudio {
    /// A sine of `hertz` cut into frames of `frame` samples with exact times from `start` on.
    public static func sine(
        _ hertz: Double = 440, format: AudioLayout.SampleFormat = .s16, rate: Int = 48_000, channels: Int = 2,
        frame: Int = 960,
        count: Int, start: MediaTime = .zero, firstSample: Int = 0
    ) -> [AudioFrame] {
        let media = MediaFormat(audio: AudioLayout(format, rate: rate, channels: channels))
        return (0..<count).map { index in
            let result = AudioFrame(format: media, sampleCount: frame)
            for sample in 0..<frame {
                let number = Double(firstSample + index * frame + sample)
                let value = 0.4 * sin(2 * .pi * hertz * number / Double(rate))
                for channel in 0..<channels {
                    switch format {
                    case .s16: result.s16[sample * channels + channel] = Int16(value * 32_767)
                    case .f32: result.f32[sample * channels + channel] = Float(value)
                    }
                }
            }
            result.header.pts = start + MediaTime(Int64(index * frame), timescale: Int64(rate))
            result.header.dts = result.header.pts
            result.header.duration = result.sampleDuration
            result.header.captured = Instant(nanoseconds: Int64(index) + 1)
            return result
        }
    }
}

/// Deterministic pictures with motion and detail.
public enum Picture {
    public static func moving(
        _ width: Int, _ height: Int, format: VideoLayout.PixelFormat = .i420,
        rate: VideoLayout.FrameRate = .init(30), count: Int,
        start: Int = 0
    ) -> [VideoFrame] {
        let media = MediaFormat(
            video: VideoLayout(width: width, height: height, pixelFormat: format, frameRate: rate))
        return (start..<start + count).map { number in
            let result = VideoFrame(format: media)
            for plane in 0..<format.planeCount {
                let bytes = format.rowBytes(plane: plane, width: width)
                for y in 0..<format.rows(plane: plane, height: height) {
                    let row = result.plane(plane) + y * result.stride(plane)
                    for x in 0..<bytes {
                        row[x] = UInt8(truncatingIfNeeded: (x &+ number &* 3) ^ (y &+ number) &+ plane &* 40)
                    }
                }
            }
            result.header.pts = MediaTime(
                Int64(number * rate.denominator), timescale: Int64(rate.numerator))
            result.header.dts = result.header.pts
            result.header.duration = media.nominalDuration
            result.header.captured = Instant(nanoseconds: Int64(number) + 1)
            return result
        }
    }
}

/// Deterministic pictures of fine, moving noise, of which an encoder can use any bitrate.
public enum Noise {
    /// `told` is the rate that the format says.
    public static func moving(
        _ width: Int, _ height: Int, count: Int, told: VideoLayout.FrameRate? = .init(30),
        at time: (Int) -> MediaTime = { MediaTime(Int64($0), timescale: 30) }
    ) -> [VideoFrame] {
        let media = MediaFormat(
            video: VideoLayout(width: width, height: height, pixelFormat: .i420, frameRate: told))
        // Eight fields, taken in turns and moved, so that making a picture is copying.
        var dice = Dice(seed: 7)
        let row = width + 64
        let fields = (0..<8).map { _ in
            (0..<row * (height + 64)).map { UInt8(truncatingIfNeeded: 64 + $0 / 3 % 64 + Int(dice.next() >> 59)) }
        }
        return (0..<count).map { number in
            let frame = VideoFrame(format: media)
            for plane in 1...2 {
                frame.plane(plane).update(repeating: 128, count: frame.stride(plane) * ((height + 1) / 2))
            }
            let start = number * 3 % 64 * row + number * 5 % 64
            fields[number % 8].withUnsafeBufferPointer { field in
                for y in 0..<height {
                    (frame.plane(0) + y * frame.stride(0)).update(
                        from: field.baseAddress! + start + y * row, count: width)
                }
            }
            frame.header.pts = time(number)
            frame.header.dts = frame.header.pts
            frame.header.duration = media.nominalDuration
            return frame
        }
    }
}
