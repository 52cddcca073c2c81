import G711
import Sluice

/// One of the two laws of G.711, with packets and frames of it. Used by one lane at a time.
struct Companding {
    let packetFormat: MediaFormat
    static let frameFormat = MediaFormat(audio: AudioLayout(.s16, rate: 8_000, channels: 1))
    /// By code.
    private let samples: [Int16]
    /// By a sample's upper 14 bits.
    private let codes: [UInt8]
    private var packets = Pool<Packet>()
    private var frames = Pool<AudioFrame>()

    private init(_ codec: MediaFormat.Codec, samples: [Int16], codes: [UInt8]) {
        packetFormat = MediaFormat(
            codec: codec, audio: AudioLayout(nil, rate: 8_000, channels: 1), bitrate: 64_000)
        (self.samples, self.codes) = (samples, codes)
    }

    static var muLaw: Companding { Companding(.pcmu, samples: MuLaw.samples, codes: MuLaw.codes) }
    static var aLaw: Companding { Companding(.pcma, samples: ALaw.samples, codes: ALaw.codes) }

    /// A sample a byte. nil for an empty packet.
    mutating func decode(_ packet: Packet) -> AudioFrame? {
        guard packet.count > 0 else { return nil }
        let frame = frames.take(Companding.frameFormat, sampleCount: packet.count)
        let (bytes, made) = (packet.bytes, frame.s16)
        samples.withUnsafeBufferPointer { table in
            for index in 0..<packet.count { made[index] = table[Int(bytes[index])] }
        }
        frame.header = packet.header
        frame.header.duration = frame.sampleDuration
        return frame
    }

    mutating func encode(_ frame: AudioFrame) -> Packet {
        let packet = packets.take(packetFormat, count: frame.sampleCount)
        let (from, bytes) = (frame.s16, packet.mutableBytes)
        codes.withUnsafeBufferPointer { codes in
            for index in 0..<frame.sampleCount { bytes[index] = codes[Int(UInt16(bitPattern: from[index]) >> 2)] }
        }
        packet.header = frame.header
        packet.header.duration = frame.sampleDuration
        packet.header.flags.insert(.keyframe)
        return packet
    }
}
