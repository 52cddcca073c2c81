import CongestionControl
import RTP
import Sluice

let congestionTargets = [
    FuzzTarget("congestion", "Feedback on packets that were sent, into what decides how much is sent", run: feedback)
]

/// Each step: a byte that says what happens and how much time passes, then packets that leave, RTCP of the receiver as
/// it came, a piece each, or feedback that is well formed and lies.
private func feedback(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    var settings = CongestionController.Settings()
    settings.hasArrivals = input.byte() & 7 != 0
    var now = Instant(nanoseconds: 0)
    var controller = CongestionController(settings, now: now)
    var pacer = PacketPacer<Int>(estimate: controller.bitsPerSecond, now: now)
    var sequence: UInt16 = 65_500
    while !input.isEmpty {
        let word = input.byte()
        now = now + .milliseconds(Int64(word >> 3) * 7)
        switch word & 7 {
        case 0: take(RTCPPacket.parse(input.piece()) ?? [], &controller, now)
        case 1: lie(&input, sequence, &controller, now)
        case 2: controller.wish(Int(input.byte()) << Int(input.byte() & 63))
        case 3: now = now + .seconds(Double(input.byte()))
        default:
            for _ in 0..<input.byte() & 31 {
                pacer.add(Int(word), bytes: Int(word) * 8, word & 1 == 0 ? .picture : .sound, at: now)
            }
        }
        if let probe = controller.run(now: now) { pacer.begin(probe, at: now) }
        pacer.follow(estimate: controller.bitsPerSecond, isInformed: controller.isInformed)
        while let turn = pacer.next(now: now) {
            switch turn {
            case .packet(let size, let isProbe):
                controller.noteSent(sequence, bytes: size * 8, at: now, isProbe: isProbe)
            case .padding(let most):
                // Now and then there is none.
                guard word & 0x20 == 0 else { continue }
                controller.noteSent(sequence, bytes: most, at: now, isProbe: pacer.leave(bytes: most, at: now))
            }
            if !pacer.isProbing { controller.endProbe() }
            sequence &+= 1
        }
        check(controller, settings, pacer)
        if word & 0x80 != 0 { mustHold(controller.takeDecisions().count <= 64, "few decisions wait") }
    }
}

private func take(_ packets: [RTCPPacket], _ controller: inout CongestionController, _ now: Instant) {
    for packet in packets {
        switch packet {
        case .transport(let feedback): controller.take(feedback, at: now)
        case .estimate(let estimate): controller.take(estimate, at: now)
        case .receiverReport(_, let blocks): for block in blocks { controller.take(block, at: now) }
        default: break
        }
    }
}

/// Feedback on packets near the newest, with any times.
private func lie(
    _ input: inout FuzzInput, _ sequence: UInt16, _ controller: inout CongestionController, _ now: Instant
) {
    let base = sequence &- UInt16(input.byte())
    let reference = (Int32(input.byte()) << 16) >> Int32(input.byte() & 23)
    var arrivals: [Int32] = []
    for byte in input.take(Int(input.byte())) {
        arrivals.append(byte & 3 == 0 ? TransportFeedback.missing : Int32(Int8(bitPattern: byte)) << Int32(byte & 23))
    }
    controller.take(
        TransportFeedback(sender: 1, media: 2, base: base, reference: reference, number: 0, arrivals: arrivals), at: now
    )
}

private func check(
    _ controller: CongestionController, _ settings: CongestionController.Settings, _ pacer: PacketPacer<Int>
) {
    mustHold(
        (settings.least...settings.most).contains(controller.bitsPerSecond), "\(controller.bitsPerSecond) bits a second"
    )
    mustHold((0...1).contains(controller.lossShare), "\(controller.lossShare) of the packets are lost")
    mustHold(controller.delayRise.isFinite, "delay rises by a number")
    mustHold(controller.responseTime >= .zero, "answers come after what they answer")
    mustHold(pacer.waitingBytes >= 0 && pacer.bitsPerSecond > 0, "\(pacer.waitingBytes) bytes wait")
}
