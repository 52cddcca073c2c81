import RTP
import Sluice

let repairTargets = [
    FuzzTarget("red", "Payloads of audio that carry earlier ones, and a receiver of such packets", run: redundant),
    FuzzTarget("rtx", "Packets of a stream, and of the one that repairs it", run: again),
]

/// A datagram of a header and `payload`.
private func datagram(_ header: RTPHeader, _ payload: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: RTPHeader.size)
    bytes.withUnsafeMutableBytes { header.write(to: $0) }
    return bytes + payload
}

/// Each packet: how far its number is ahead, a byte; its payload, a byte of length before it.
private func redundant(_ bytes: UnsafeRawBufferPointer) {
    var settings = StreamReceiver.Settings(format: .opus, payloadType: 111, delay: .milliseconds(40))
    settings.sources.isTrusting = true
    (settings.redundantType, settings.asksAgain) = (63, true)
    settings.retransmissions = [64: 63]
    let receiver = StreamReceiver(settings)
    var input = FuzzInput(bytes)
    var (sequence, now) = (Int64(65_520), Int64(0))
    var taken = 0
    while !input.isEmpty {
        let step = input.byte()
        sequence += Int64(step & 15) - 3
        now += Int64(step >> 4) * 5_000_000
        let payload = input.take(Int(input.byte()))
        check(payload)
        let header = RTPHeader(
            payloadType: step & 0x80 == 0 ? 63 : 111, sequence: UInt16(truncatingIfNeeded: sequence),
            timestamp: UInt32(truncatingIfNeeded: sequence &* 960), ssrc: 5)
        datagram(header, payload).withUnsafeBytes {
            receiver.receive($0, now: Instant(nanoseconds: now), restarted: {}) { frame in
                taken += 1
                check(frame, of: .opus)
                mustHold(frame.silenceBefore >= 0, "silence has a length")
            }
        }
    }
    receiver.drain { _ in taken += 1 }
    let counts = receiver.counts
    mustHold(taken <= counts.packets + counts.filled, "\(taken) frames of \(counts)")
}

/// Blocks lie one behind the other in the payload, the own media last.
private func check(_ payload: UnsafeRawBufferPointer) {
    var (blocks, size, left) = (0, 0, Int.max)
    let isWhole = RedundantAudio.read(payload) { block in
        mustHold(block.following < left, "\(block.following) behind \(left)")
        mustHold(block.payloadType < 128 && block.timestampOffset < 1 << 14, "\(block)")
        (blocks, size, left) = (blocks + 1, size + block.payload.count, block.following)
        _ = block.payload.reduce(UInt8(0)) { $0 ^ $1 }
    }
    mustHold(isWhole ? left == 0 && size + 4 * blocks - 3 == payload.count : blocks == 0, "\(size) in \(blocks)")
}

/// Each packet: a byte that says of which stream it is and how far its number is ahead; its payload, a byte of length
/// before it. Packets of the stream that repairs mostly name a number near the newest.
private func again(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var settings = StreamReceiver.Settings(
        format: choice & 1 == 0 ? .vp8 : .h264, payloadType: 96, delay: .milliseconds(60),
        release: choice & 2 == 0 ? .early : .timed)
    settings.sources.isTrusting = choice & 4 == 0
    settings.retransmissions = [97: 96, 98: 99]
    settings.retransmissionSource = choice & 8 == 0 ? 6 : nil
    (settings.asksAgain, settings.mostBytes) = (true, 100_000)
    let receiver = StreamReceiver(settings)
    var (sequence, now) = (Int64(65_520), Int64(0))
    while !input.isEmpty {
        let word = input.byte()
        now += 3_000_000
        var payload = Array(input.take(Int(input.byte())))
        var header = RTPHeader(
            isMarked: word & 0x40 != 0, payloadType: 96, sequence: 0,
            timestamp: UInt32(truncatingIfNeeded: sequence / 4 * 3_000), ssrc: 5)
        if word & 0x80 == 0 {
            sequence += Int64(word & 15) - 2
        } else {
            (header.ssrc, header.payloadType) = (6, 97 + (word >> 5 & 1))
            if payload.count > 2, word & 0x10 == 0 {
                let named = UInt16(truncatingIfNeeded: sequence - Int64(word & 15))
                (payload[0], payload[1]) = (UInt8(named >> 8), UInt8(named & 255))
            }
        }
        header.sequence = UInt16(truncatingIfNeeded: sequence)
        let time = Instant(nanoseconds: now)
        func take(_ frame: ReceivedFrame) { check(frame, of: frame.format) }
        payload.withUnsafeBytes { datagram(header, $0) }.withUnsafeBytes {
            receiver.receive($0, now: time, restarted: {}, take)
        }
        receiver.release(now: time, take)
        mustHold(receiver.missing?.take(now: time).count ?? 0 <= 256, "few are asked for again")
    }
    receiver.drain { _ in }
    mustHold(receiver.deadline == nil, "nothing is left after all was taken")
}
