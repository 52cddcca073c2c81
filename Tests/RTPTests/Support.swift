import RTP
@_spi(Host) import Sluice
import SluiceTesting
import TestSupport

extension StreamSender {
    /// The datagrams of one frame.
    mutating func packets(
        of frame: [UInt8], at time: MediaTime, isKeyframe: Bool = false, followsSilence: Bool = false
    ) -> [[UInt8]] {
        let mtu = 1_200
        return frame.withUnsafeBytes { bytes in
            begin(bytes, at: time, isKeyframe: isKeyframe, followsSilence: followsSilence)
            var all: [[UInt8]] = []
            var room = [UInt8](repeating: 0, count: mtu)
            while let size = room.withUnsafeMutableBytes({ next(into: $0) }) {
                all.append(Array(room.prefix(min(size, mtu))))
            }
            return all
        }
    }
}

/// A frame that came out, its bytes kept.
struct KeptFrame: Equatable {
    var bytes: [UInt8]
    var timestamp: Int64
    var isKeyframe: Bool
    var isDiscontinuous: Bool

    init(_ frame: ReceivedFrame) {
        bytes = Array(frame.bytes)
        timestamp = frame.timestamp
        isKeyframe = frame.isKeyframe
        isDiscontinuous = frame.isDiscontinuous
    }
}

/// A receiver and what came out of it.
final class ReceiverBench {
    let receiver: StreamReceiver
    var frames: [KeptFrame] = []
    var formats: [PayloadFormat] = []
    var restarts = 0

    init(_ settings: StreamReceiver.Settings) { receiver = StreamReceiver(settings) }

    init(
        _ format: PayloadFormat, type: UInt8 = 96, delay: Interval = .milliseconds(50),
        release: JitterBuffer.Release = .early, announced: Set<UInt32> = [], hosts: Set<PacketOrigin.Host> = [],
        isAuthenticated: Bool = false, largestFrame: Int = 8 << 20
    ) {
        var settings = StreamReceiver.Settings(format: format, payloadType: type, delay: delay, release: release)
        settings.sources.announced = announced
        settings.sources.hosts = hosts
        settings.sources.isTrusting = isAuthenticated
        settings.largestFrame = largestFrame
        receiver = StreamReceiver(settings)
    }

    func receive(_ datagram: [UInt8], from origin: PacketOrigin? = nil, at milliseconds: Double) {
        let now = Instant(nanoseconds: Int64(milliseconds * 1e6))
        datagram.withUnsafeBytes { bytes in
            receiver.receive(bytes, from: origin, now: now, restarted: { restarts += 1 }) {
                frames.append(KeptFrame($0))
                formats.append($0.format)
            }
        }
    }

    func release(at milliseconds: Double) {
        receiver.release(now: Instant(nanoseconds: Int64(milliseconds * 1e6))) { frames.append(KeptFrame($0)) }
    }

    func drain() { receiver.drain { frames.append(KeptFrame($0)) } }
}

/// Made-up frames in the shape of each format: the packets' bytes need not decode.
enum MadeFrames {
    /// VP8: the lowest bit of the first byte is 0 in keyframes.
    static func vp8(_ count: Int, isKeyframe: Bool, seed: Int) -> [UInt8] {
        var frame = (0..<max(1, count)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed) }
        frame[0] = isKeyframe ? 0x10 : 0x11
        return frame
    }

    /// An access unit of H.264 in Annex B: parameter sets before keyframes, then slices of these sizes.
    static func h264(_ slices: [Int], isKeyframe: Bool, seed: Int) -> [UInt8] {
        var unit: [UInt8] = []
        if isKeyframe {
            unit += [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0x95, 0xa0, 0x14, 0x01, 0x6e, 0x40]
            unit += [0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]
        }
        for (index, size) in slices.enumerated() {
            // first_mb_in_slice is 0 in the first slice alone.
            unit += [0, 0, 0, 1, isKeyframe ? 0x65 : 0x41, index == 0 ? 0x88 : 0x48]
            unit += (0..<max(0, size - 2)).map { UInt8(truncatingIfNeeded: ($0 &* 7 &+ seed) | 1) }
        }
        return unit
    }

    static func frame(_ format: PayloadFormat, _ index: Int, size: Int, group: Int = 10) -> (
        bytes: [UInt8], isKeyframe: Bool
    ) {
        let isKeyframe = index % group == 0
        return switch format {
        case .vp8: (vp8(size, isKeyframe: isKeyframe, seed: index), isKeyframe)
        case .h264: (h264([size / 2, size - size / 2], isKeyframe: isKeyframe, seed: index), isKeyframe)
        // A code-0 packet of 20 ms (configuration 31).
        case .opus: ([0xf8] + (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ index) }, true)
        case .aac: ((0..<max(1, min(size, 8_191))).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ index) & 0x7f }, true)
        case .pcmu, .pcma: ((0..<160).map { UInt8(truncatingIfNeeded: $0 &+ index) }, true)
        }
    }
}
