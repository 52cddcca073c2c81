import RTP
import TestSupport
import Testing

@testable import SRTP

/// The packets of `SRTPSender` beside those of libsrtp2.
@Suite struct SRTPSenderTests {
    private func key(_ suite: CryptoSuite) -> [UInt8] {
        (0..<suite.keyLength).map { UInt8(truncatingIfNeeded: 31 &* $0 &+ 7) }
    }

    /// Any shape of header, a payload of up to 1,200 bytes.
    private func packet(_ sequence: UInt16, ssrc: UInt32, _ dice: inout Dice) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RTPHeader.size)
        bytes.withUnsafeMutableBytes {
            RTPHeader(isMarked: sequence % 5 == 0, payloadType: 96, sequence: sequence, timestamp: 7, ssrc: ssrc)
                .write(to: $0)
        }
        let sources = Int.random(in: 0...9, using: &dice) == 0 ? Int.random(in: 1...15, using: &dice) : 0
        bytes[0] |= UInt8(sources)
        bytes += [UInt8](repeating: 0x11, count: 4 * sources)
        if Bool.random(using: &dice) {
            let words = UInt8.random(in: 0...4, using: &dice)
            bytes[0] |= 0x10
            bytes += [0xbe, 0xde, 0, words] + [UInt8](repeating: 0, count: 4 * Int(words))
        }
        let size =
            [0, 1, 15, 16, 17, 160, 1_200, Int.random(in: 0...300, using: &dice)].randomElement(using: &dice) ?? 0
        return bytes + (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ Int(sequence)) }
    }

    private func sealed(_ packet: [UInt8], _ seal: (UnsafeMutableRawBufferPointer, Int) -> Int?) -> [UInt8]? {
        var room = packet + [UInt8](repeating: 0xee, count: SRTPSender.trailer)
        return room.withUnsafeMutableBytes { seal($0, packet.count) }.map { Array(room.prefix($0)) }
    }

    @Test(arguments: CryptoSuite.allCases) func everyByteIsThatOfLibsrtp2(_ suite: CryptoSuite) throws {
        let ours = try SRTPSender(suite, key: key(suite))
        let theirs = try LibSRTP(suite, key: key(suite), .sending)
        let receiver = try LibSRTP(suite, key: key(suite), .receiving)
        var dice = Dice(seed: 11)
        var numbers: [UInt32: UInt16] = [1: 65_000, 0x8000_0000: 0, 0xffff_ffff: 32_767]
        for round in 0..<3_000 {
            let ssrc = numbers.keys.sorted()[round % 3]
            numbers[ssrc, default: 0] &+= UInt16.random(in: 1...3, using: &dice)
            let plain = packet(numbers[ssrc, default: 0], ssrc: ssrc, &dice)
            let mine = sealed(plain) { ours.protect($0, count: $1) }
            let same = mine != nil && mine == sealed(plain) { theirs.protect($0, count: $1) }
            guard same, var room = mine else {
                Issue.record("packet \(round) of \(ssrc) differs")
                return
            }
            let opened = room.withUnsafeMutableBytes { receiver.unprotect($0, count: $0.count) }
            guard opened == .packet(plain.count), Array(room.prefix(plain.count)) == plain else {
                Issue.record("packet \(round) of \(ssrc) does not come back: \(opened)")
                return
            }
            guard round % 7 == 0 else { continue }
            var report: [UInt8] = []
            RTCPPacket.receiverReport(ssrc: ssrc, reports: []).append(to: &report)
            report += [UInt8](repeating: 0x5a, count: 4 * (round % 40))
            let control = sealed(report) { ours.protectControl($0, count: $1) }
            #expect(control != nil && control == sealed(report) { theirs.protect($0, count: $1, isControl: true) })
        }
    }

    /// Four times round with every number, and by leaps of up to half the numbers.
    @Test(arguments: [CryptoSuite.aesGCM128, .aesCM128SHA80])
    func theRolloverCounterIsThatOfLibsrtp2(_ suite: CryptoSuite) throws {
        let ours = try SRTPSender(suite, key: key(suite))
        let theirs = try LibSRTP(suite, key: key(suite), .sending)
        var dice = Dice(seed: 2)
        var number = 40_000
        for step in 0..<20_000 {
            number += step < 10_000 ? Int.random(in: 1...40, using: &dice) : Int.random(in: 1...30_000, using: &dice)
            var plain = [UInt8](repeating: 1, count: 16)
            plain.withUnsafeMutableBytes {
                RTPHeader(
                    payloadType: 96, sequence: UInt16(truncatingIfNeeded: number), timestamp: 0, ssrc: 5
                ).write(to: $0)
            }
            let mine = sealed(plain) { ours.protect($0, count: $1) }
            guard mine != nil, mine == sealed(plain, { theirs.protect($0, count: $1) }) else {
                Issue.record("number \(number) differs")
                return
            }
        }
    }

    @Test(arguments: CryptoSuite.allCases) func aRepetitionIsTheSameToTheByte(_ suite: CryptoSuite) throws {
        let repeating = try SRTPSender(suite, key: key(suite), repeats: true)
        let once = try SRTPSender(suite, key: key(suite))
        var dice = Dice(seed: 3)
        let packets = (0..<3_000).map { packet(UInt16(truncatingIfNeeded: 64_000 + $0), ssrc: 9, &dice) }
        let first = packets.map { packet in sealed(packet) { repeating.protect($0, count: $1) } }
        #expect(first.allSatisfy { $0 != nil })
        for index in stride(from: 0, to: packets.count, by: 37).reversed() {
            #expect(sealed(packets[index]) { repeating.protect($0, count: $1) } == first[index], "packet \(index)")
        }
        #expect(sealed(packets[9]) { once.protect($0, count: $1) } != nil)
        for older in [9, 8, 0] { #expect(sealed(packets[older]) { once.protect($0, count: $1) } == nil) }
        #expect(sealed(packets[10]) { once.protect($0, count: $1) } != nil)
    }

    @Test func whatIsNoPacketIsRefused() throws {
        let sender = try SRTPSender(.aesGCM128, key: key(.aesGCM128))
        let cut: [[UInt8]] = [
            [], [0x80], Array(repeating: 0x80, count: 11), [0x40] + Array(repeating: 0, count: 30),
            [0x8f] + Array(repeating: 0, count: 30), [0x90] + Array(repeating: 0, count: 14),
            [0x90] + Array(repeating: 0xff, count: 40),
        ]
        for bytes in cut {
            #expect(sealed(bytes) { sender.protect($0, count: $1) } == nil, "\(bytes)")
        }
        for bytes in cut[..<4] where bytes.count < 8 || bytes[0] == 0x40 {
            #expect(sealed(bytes) { sender.protectControl($0, count: $1) } == nil, "\(bytes)")
        }
        var tight = [UInt8](repeating: 0x80, count: 12 + SRTPSender.trailer - 1)
        #expect(tight.withUnsafeMutableBytes { sender.protect($0, count: 12) } == nil)
        // An older packet than the first has no index.
        var dice = Dice(seed: 1)
        let repeating = try SRTPSender(.aesGCM128, key: key(.aesGCM128), repeats: true)
        #expect(sealed(packet(3, ssrc: 1, &dice)) { repeating.protect($0, count: $1) } != nil)
        #expect(sealed(packet(65_530, ssrc: 1, &dice)) { repeating.protect($0, count: $1) } == nil)
    }
}
