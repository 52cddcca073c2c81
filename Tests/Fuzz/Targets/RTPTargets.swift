import Bitstream
import RTP
import Sluice

let rtpTargets = [
    FuzzTarget("rtp", "Datagrams of one source: header, order, jitter buffer, frames", run: receiver),
    FuzzTarget("rtp-header", "One RTP datagram", longest: 256, run: header),
    FuzzTarget("rtcp", "A compound RTCP datagram", longest: 1_500, run: control),
]

/// Datagrams with the payload type of the stream, so that most are looked into.
private func receiver(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    let format = [PayloadFormat.h264, .vp8, .opus, .pcmu][Int(choice & 3)]
    var settings = StreamReceiver.Settings(
        format: format, payloadType: 96, delay: .milliseconds(20), release: choice & 4 == 0 ? .early : .timed)
    settings.sources.isTrusting = choice & 8 == 0
    (settings.asksAgain, settings.transportSequence, settings.captureTime) = (true, 1, 2)
    settings.mostBytes = 100_000
    // Every fourth sort of input may change its codec, and press keys.
    if choice & 192 == 192 {
        settings.others = [97: .vp8, 98: .opus, 99: .pcma, 0: .h264, 100: .aac(AACFraming(clockRate: 44_100))]
        settings.keys = [101]
    }
    let receiver = StreamReceiver(settings)
    var now: Int64 = 0
    func take(_ frame: ReceivedFrame) { check(frame, of: frame.format) }
    while !input.isEmpty {
        now += Int64(input.byte()) * 1_000_000
        var datagram = Array(input.take(Int(input.byte()) + 1))
        if datagram.count > 1, choice & 16 == 0 {
            datagram[0] = datagram[0] & 0x3f | 0x80
            datagram[1] = datagram[1] & 0x80 | (choice & 192 == 192 ? 96 + datagram[1] % 6 : 96)
        }
        let time = Instant(nanoseconds: now)
        datagram.withUnsafeBytes { receiver.receive($0, now: time, restarted: {}, take) }
        if let deadline = receiver.deadline, deadline <= time { receiver.release(now: time, take) }
        _ = receiver.report(now: time)
        mustHold(receiver.missing?.take(now: time).count ?? 0 <= 256, "few are asked for again")
        if choice & 32 != 0 { _ = receiver.arrivals.take(sender: 1, media: 2) }
    }
    receiver.release(now: Instant(nanoseconds: now + 1_000_000_000), take)
    receiver.drain(take)
    mustHold(receiver.deadline == nil, "nothing is left after all was taken")
}

/// A frame's bytes are there, and what readers make of them does not fail.
func check(_ frame: ReceivedFrame, of format: PayloadFormat) {
    mustHold(frame.bytes.count > 0, "a frame has bytes")
    mustHold(format.isVideo || (1...1 << 20).contains(frame.samples), "\(frame.samples) samples")
    _ = frame.bytes.reduce(UInt8(0)) { $0 ^ $1 }
    guard format == .h264 else {
        if let size = VP8Frame.size(frame.bytes) { mustHold(size.width > 0 && size.height > 0, "a size") }
        return
    }
    var units: [Range<Int>] = []
    NALUnits.splitByStartCode(frame.bytes, into: &units)
    for unit in units where frame.bytes[unit.lowerBound] & 31 == NALUnits.sps {
        if let set = SequenceParameterSet(frame.bytes[unit]) { check(set) }
    }
}

func check(_ set: SequenceParameterSet) {
    mustHold((1...65_536).contains(set.width) && (1...131_072).contains(set.height), "\(set.width)x\(set.height)")
    mustHold(set.profileLevelID.utf8.count == 6, set.profileLevelID)
}

private func header(_ bytes: UnsafeRawBufferPointer) {
    _ = RTPHeader.isRTCP(bytes)
    RTPHeader.forEachExtension(of: bytes) { _, value in
        mustHold(value.count <= 255, "an extension is short")
        _ = (ExtensionValue.audioLevel(value), ExtensionValue.transportSequence(value), ExtensionValue.text(value))
        _ = (ExtensionValue.captureTime(value), ExtensionValue.playoutDelay(value))
    }
    guard let (header, payload) = RTPHeader.parse(bytes) else { return }
    mustHold(payload.lowerBound >= RTPHeader.size && payload.upperBound <= bytes.count, "the payload lies inside")
    var written = [UInt8](repeating: 0, count: RTPHeader.size)
    written.withUnsafeMutableBytes { header.write(to: $0) }
    let again = written.withUnsafeBytes { RTPHeader.parse($0)?.header }
    mustHold(again == header, "written and read again")
}

extension RTCPPacket {
    /// An estimate that was beyond what an `Int` holds.
    fileprivate var isGreatest: Bool {
        if case .estimate(let estimate) = self { estimate.bitsPerSecond == .max } else { false }
    }
}

private func control(_ bytes: UnsafeRawBufferPointer) {
    guard let packets = RTCPPacket.parse(bytes) else { return }
    var written: [UInt8] = []
    for packet in packets { packet.append(to: &written) }
    guard !written.isEmpty else { return }
    let again = written.withUnsafeBytes { RTCPPacket.parse($0) }
    mustHold(again != nil, "what is written can be read")
    // An estimate keeps its upper 18 bits, and so does what is written of it.
    let estimates = packets.filter { if case .estimate = $0 { true } else { false } }
    mustHold(estimates.allSatisfy { again?.contains($0) ?? false || $0.isGreatest }, "an estimate comes back")
    for packet in packets {
        var requests = KeyframeRequests()
        requests.note(packet, of: 1)
        if case .receiverReport(_, let blocks) = packet {
            for block in blocks { _ = block.roundTrip(at: NTPTime(bits: 9)) }
        }
    }
}
