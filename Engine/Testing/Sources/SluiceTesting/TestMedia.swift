import Glibc
import Sluice

/// Media made for tests: plain, numbered, the same in every run.
public enum TestMedia {
    // MARK: Audio

    /// Raw audio; `rate` in Hz.
    public static func audio(_ sampleFormat: AudioLayout.SampleFormat = .s16, rate: Int = 48_000, channels: Int = 2)
        -> MediaFormat
    {
        MediaFormat(audio: AudioLayout(sampleFormat, rate: rate, channels: channels))
    }

    /// `count` frames of a sine of `frequency` Hz at `amplitude` of full scale, alike in all channels, the phase going
    /// on from frame to frame. `first` counts frames, so that calls can be strung together.
    public static func sine(
        _ frequency: Double = 440, format: MediaFormat = audio(), samples: Int = 960, first: Int = 0, count: Int,
        amplitude: Double = 0.5, epoch: UInt32 = 0
    ) -> [AudioFrame] {
        let rate = Double(format.audio?.rate ?? 1)
        return pcm(format, samples: samples, first: first, count: count, epoch: epoch) { index in
            amplitude * sin(2 * .pi * frequency * Double(index) / rate)
        }
    }

    /// `count` frames of `samples` zero samples of each channel; `first` counts frames.
    public static func silence(
        format: MediaFormat = audio(), samples: Int = 960, first: Int = 0, count: Int, epoch: UInt32 = 0
    ) -> [AudioFrame] {
        pcm(format, samples: samples, first: first, count: count, epoch: epoch) { _ in 0 }
    }

    /// Frames whose samples are `sample(index)` in −1…1, index counting samples from the first frame's first.
    public static func pcm(
        _ format: MediaFormat = audio(), samples: Int = 960, first: Int = 0, count: Int, epoch: UInt32 = 0,
        _ sample: (_ index: Int) -> Double
    ) -> [AudioFrame] {
        let layout = format.audio!
        return (first..<first + count).map { number in
            let frame = AudioFrame(format: format, sampleCount: samples)
            for position in 0..<samples {
                let value = sample(number * samples + position)
                for channel in 0..<layout.channels {
                    let index = position * layout.channels + channel
                    switch layout.sampleFormat {
                    case .f32: frame.f32[index] = Float(value)
                    default: frame.s16[index] = Int16((value * 32_767).rounded())
                    }
                }
            }
            frame.header.pts = MediaTime(Int64(number * samples), timescale: Int64(layout.rate))
            frame.header.dts = frame.header.pts
            frame.header.duration = frame.sampleDuration
            frame.header.epoch = epoch
            return frame
        }
    }

    // MARK: Video

    /// Raw video; sizes in pixels.
    public static func video(
        _ width: Int = 64, _ height: Int = 48, _ pixelFormat: VideoLayout.PixelFormat = .i420,
        rate: VideoLayout.FrameRate? = .init(30)
    ) -> MediaFormat {
        MediaFormat(video: VideoLayout(width: width, height: height, pixelFormat: pixelFormat, frameRate: rate))
    }

    /// Grey pictures that carry their number; `number(of:)` reads it back. Times step by the format's rate, 30/s if it
    /// has none.
    public static func pictures(
        _ format: MediaFormat = video(), first: Int = 0, count: Int, epoch: UInt32 = 0
    ) -> [VideoFrame] {
        let layout = format.video!
        let rate = layout.frameRate ?? .init(30)
        return (first..<first + count).map { number in
            let frame = VideoFrame(format: format)
            let pixels = layout.pixelFormat!
            for plane in 0..<pixels.planeCount {
                let bytes = frame.stride(plane) * pixels.rows(plane: plane, height: layout.height)
                frame.plane(plane).update(repeating: plane == 0 ? UInt8(64 + number % 128) : 128, count: bytes)
            }
            UnsafeMutableRawPointer(frame.plane(0)).storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
            frame.header.pts = MediaTime(Int64(number * rate.denominator), timescale: Int64(rate.numerator))
            frame.header.dts = frame.header.pts
            frame.header.duration = format.nominalDuration
            frame.header.epoch = epoch
            return frame
        }
    }

    /// The number of a picture, packet or data item made here.
    public static func number(of item: MediaItem) -> Int {
        switch item {
        case let frame as VideoFrame: Int(UnsafeRawPointer(frame.plane(0)).loadUnaligned(as: UInt32.self))
        case let packet as Packet: Int(packet.bytes.loadUnaligned(as: UInt32.self))
        case let data as DataItem: data["number"]?.integer ?? -1
        default: -1
        }
    }

    // MARK: Packets

    /// Packets of video of 64 by 48 pixels, 30 a second.
    public static func codedVideo(_ codec: MediaFormat.Codec = .vp8) -> MediaFormat {
        MediaFormat(codec: codec, video: VideoLayout(width: 64, height: 48, frameRate: .init(30)))
    }

    /// Packets of audio, 48 kHz and stereo.
    public static func codedAudio(_ codec: MediaFormat.Codec = .opus) -> MediaFormat {
        MediaFormat(codec: codec, audio: AudioLayout(nil, rate: 48_000, channels: 2))
    }

    /// Packets that carry their number and nothing decodable. Every `group`-th is a keyframe, all of them where packets
    /// do not depend on each other. They last `milliseconds` each.
    public static func packets(
        _ format: MediaFormat = codedVideo(), first: Int = 0, count: Int, group: Int = 10, bytes: Int = 100,
        milliseconds: Int64 = 20, epoch: UInt32 = 0
    ) -> [Packet] {
        (first..<first + count).map { number in
            let packet = Packet(format: format, count: max(4, bytes))
            packet.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            packet.mutableBytes.storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
            packet.header.pts = .milliseconds(Int64(number) * milliseconds)
            packet.header.dts = packet.header.pts
            packet.header.duration = .milliseconds(milliseconds)
            packet.header.epoch = epoch
            if !format.kind.hasDependentPackets || number % group == 0 { packet.header.flags.insert(.keyframe) }
            return packet
        }
    }

    // MARK: Data

    /// Data items with one field, `number`.
    public static func data(_ schema: String = "test") -> MediaFormat {
        MediaFormat(
            data: DataSchema(schema, fields: [.init("number", help: "The number of the item, from 0.")]))
    }

    /// Data items that carry their number, one every `milliseconds`, and last no time.
    public static func statements(
        _ format: MediaFormat = data(), first: Int = 0, count: Int, milliseconds: Int64 = 20, epoch: UInt32 = 0
    ) -> [DataItem] {
        (first..<first + count).map { number in
            let item = DataItem(
                format: format, at: .milliseconds(Int64(number) * milliseconds), ["number": .init(.integer(number))])
            item.header.epoch = epoch
            return item
        }
    }
}
