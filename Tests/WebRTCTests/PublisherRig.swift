import ICE
import Negotiation
import Net
import RTP
import Sluice
import TestSupport

@testable import WebRTCPlugin

/// A link to nobody.
final class NoPeer: PortSender {
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome { DatagramBatch.Outcome() }
}

/// A browser that publishes, a network that loses, and its receiver, on a virtual clock in steps of a millisecond.
final class PublisherRig {
    /// One that came out.
    struct Received {
        var time: MediaTime
        var isKeyframe: Bool
        var isDiscontinuous: Bool
        var format: MediaFormat
        var at: Int
    }

    let receiver: PeerReceiver
    private let extensions = SenderExtensions(transportSequence: 3)
    private var camera, microphone: StreamSender
    private var there, back: LossyLink
    private var count: UInt16 = 65_000
    private(set) var now = 0
    private(set) var video: [Received] = []
    private(set) var audio: [Received] = []
    /// Our words, each datagram with the time of its sending in ms.
    private(set) var told: [(at: Int, packets: [RTCPPacket])] = []
    private(set) var pictures = 0
    /// Width and height of keyframes.
    var size = (640, 360)
    /// The camera's pictures go out so much later than they were taken.
    var cameraDelay = 0
    /// Asks for a keyframe each millisecond.
    var asksAlways = false
    /// The camera has no keyframe but the first, and heeds no request.
    var isStubborn = false
    private var wantsKeyframe = true

    /// With `isHeardElsewhere` another node has the microphone.
    init(
        loss: Double = 0, delay: Double = 10, jitter: Double = 0, most: Int? = 2_500_000, seed: UInt64 = 1,
        isHeardElsewhere: Bool = false
    ) throws {
        let answer = try PublisherAnswer(to: Offers.publisher, codecs: [.vp8, .h264], candidates: [])
        let session = answer.session(PeerLink(1, NoPeer()) { _ in }, peer: "192.0.2.7:5000")
        receiver = PeerReceiver(
            PeerReceiver.Wanted(
                audio: isHeardElsewhere ? nil : session.receivedAudio, video: session.receivedVideo,
                audioDelay: .milliseconds(60), videoDelay: .milliseconds(200), most: most, isPart: isHeardElsewhere),
            cname: "receiver", sourceClock: 1)
        camera = StreamSender(
            .vp8, payloadType: 96, ssrc: 5, sequence: 1_000, timestampOffset: 77, extensions: extensions,
            keeping: SentPackets(keep: .milliseconds(1_000)),
            retransmission: Retransmission(ssrc: 6, payloadType: 97, sequence: 1))
        microphone = StreamSender(
            .opus, payloadType: 111, ssrc: 7, sequence: 1, timestampOffset: 990_000, extensions: extensions)
        there = LossyLink(delay: delay, jitter: jitter, loss: loss, seed: seed)
        back = LossyLink(delay: delay, loss: loss, seed: seed + 100)
    }

    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    func run(_ milliseconds: Int) {
        for _ in 0..<milliseconds {
            step()
            now += 1
        }
    }

    private func step() {
        for datagram in back.take(at: Double(now)) { heed(datagram) }
        if now % 33 == 0, now >= cameraDelay { takePicture() }
        if now % 20 == 0 {
            [0xf8, 1, 2].withUnsafeBytes { microphone.begin($0, at: .milliseconds(Int64(now)), isKeyframe: true) }
            send(&microphone)
        }
        if now % 1_000 == 500 { report() }
        for datagram in there.take(at: Double(now)) { receive(datagram) }
        receiver.release(now: at(now)) { note($0, $1) }
        if asksAlways { receiver.askKeyframe() }
        var datagram: [UInt8] = []
        while receiver.takeFeedback(into: &datagram, now: at(now)) {
            told.append((now, datagram.withUnsafeBytes { RTCPPacket.parse($0) } ?? []))
            back.send(datagram, at: Double(now))
            datagram = []
        }
    }

    func receive(_ datagram: [UInt8]) {
        datagram.withUnsafeBytes { receiver.receive($0, now: at(now)) { note($0, $1) } }
    }

    private func note(_ kind: MediaKind, _ packet: Packet) {
        let received = Received(
            time: packet.header.pts, isKeyframe: packet.header.flags.contains(.keyframe),
            isDiscontinuous: packet.header.flags.contains(.discontinuity), format: packet.format, at: now)
        if kind == .video { video.append(received) } else { audio.append(received) }
    }

    private func takePicture() {
        let isKeyframe = wantsKeyframe
        wantsKeyframe = false
        pictures += 1
        let (width, height) = size
        let head: [UInt8] =
            isKeyframe
            ? [
                0x10, 0, 0, 0x9d, 0x01, 0x2a, UInt8(width & 255), UInt8(width >> 8), UInt8(height & 255),
                UInt8(height >> 8),
            ]
            : [0x11]
        let frame = head + [UInt8](repeating: UInt8(truncatingIfNeeded: now), count: isKeyframe ? 20_000 : 6_000)
        frame.withUnsafeBytes {
            camera.begin($0, at: .milliseconds(Int64(now - cameraDelay)), isKeyframe: isKeyframe)
        }
        send(&camera)
    }

    private func send(_ sender: inout StreamSender) {
        var room = [UInt8](repeating: 0, count: 1_200)
        sender.transportSequence = count
        while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: at(now)) }) {
            there.send(Array(room.prefix(size)), at: Double(now))
        }
        count = sender.transportSequence
    }

    /// One wall clock for both.
    private func report() {
        let ntp = WallClock(unixNanoseconds: 1_700_000_000_000_000_000, at: at(0)).ntp(at: at(now))
        for (ssrc, timestamp) in [
            (UInt32(5), camera.timestamp(at: .milliseconds(Int64(now)))),
            (7, microphone.timestamp(at: .milliseconds(Int64(now)))),
        ] {
            var bytes: [UInt8] = []
            RTCPPacket.senderReport(.init(ssrc: ssrc, ntp: ntp, timestamp: timestamp, packets: 1, octets: 1)).append(
                to: &bytes)
            there.send(bytes, at: Double(now))
        }
    }

    private func heed(_ datagram: [UInt8]) {
        for packet in datagram.withUnsafeBytes({ RTCPPacket.parse($0) }) ?? [] {
            switch packet {
            case .lost(_, 5, let numbers):
                camera.ask(for: numbers)
                var room = [UInt8](repeating: 0, count: 1_300)
                camera.transportSequence = count
                while let size = room.withUnsafeMutableBytes({ camera.nextAgain(into: $0, now: at(now)) }) {
                    there.send(Array(room.prefix(size)), at: Double(now))
                }
                count = camera.transportSequence
            case .pictureLoss(_, 5): if !isStubborn { wantsKeyframe = true }
            default: break
            }
        }
    }

    /// The times at which packets of a kind were told.
    func times(_ isMeant: (RTCPPacket) -> Bool) -> [Int] {
        told.flatMap { datagram in datagram.packets.filter(isMeant).map { _ in datagram.at } }
    }
}
