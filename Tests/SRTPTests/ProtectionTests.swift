import RTP
import SRTP
import TestSupport
import Testing

@Suite struct ProtectionTests {
    private func packet(_ sequence: UInt16, ssrc: UInt32 = 1, payload: Int = 100) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5a, count: RTPHeader.size + payload)
        bytes.withUnsafeMutableBytes {
            RTPHeader(payloadType: 96, sequence: sequence, timestamp: 1, ssrc: ssrc).write(to: $0)
        }
        return bytes
    }

    private func protect(_ context: SRTPContext, _ packet: [UInt8], isControl: Bool = false) -> [UInt8] {
        var room = packet + [UInt8](repeating: 0, count: SRTPContext.trailer)
        let size = room.withUnsafeMutableBytes { context.protect($0, count: packet.count, isControl: isControl) }
        return Array(room.prefix(size ?? 0))
    }

    private func open(_ context: SRTPContext, _ packet: [UInt8], isControl: Bool = false) -> (
        SRTPContext.Verdict, [UInt8]
    ) {
        var room = packet
        let verdict = room.withUnsafeMutableBytes { context.unprotect($0, count: packet.count, isControl: isControl) }
        guard case .packet(let size) = verdict else { return (verdict, []) }
        return (verdict, Array(room.prefix(size)))
    }

    private func key(_ suite: CryptoSuite, _ first: UInt8 = 0) -> [UInt8] {
        (0..<suite.keyLength).map { UInt8(truncatingIfNeeded: $0) &+ first }
    }

    @Test(arguments: CryptoSuite.allCases) func packetsAndReportsComeBack(_ suite: CryptoSuite) throws {
        let sender = try SRTPContext(suite, key: key(suite), .sending)
        let receiver = try SRTPContext(suite, key: key(suite), .receiving)
        for sequence in 0..<200 {
            let plain = packet(UInt16(sequence), payload: sequence)
            let sealed = protect(sender, plain)
            #expect(sealed.count > plain.count && sealed.count <= plain.count + 16)
            if sequence > 20 { #expect(sealed[12..<plain.count] != plain[12...]) }
            #expect(open(receiver, sealed).1 == plain)
            #expect(open(receiver, sealed).0 == .replayed)
        }
        var report: [UInt8] = []
        RTCPPacket.receiverReport(ssrc: 1, reports: []).append(to: &report)
        let sealed = protect(sender, report, isControl: true)
        #expect(sealed.count > report.count && open(receiver, sealed, isControl: true).1 == report)
    }

    @Test(arguments: CryptoSuite.allCases) func anotherKeyOrAChangedByteIsNotAuthentic(_ suite: CryptoSuite) throws {
        let sender = try SRTPContext(suite, key: key(suite), .sending)
        let other = try SRTPContext(suite, key: key(suite, 1), .receiving)
        let right = try SRTPContext(suite, key: key(suite), .receiving)
        var sealed = protect(sender, packet(1))
        #expect(open(other, sealed).0 == .notAuthentic)
        sealed[40] ^= 1
        #expect(open(right, sealed).0 == .notAuthentic)
        sealed[40] ^= 1
        #expect(open(right, sealed).1 == packet(1))
    }

    /// A packet that goes out again is the same one; another one under its number is none.
    @Test(arguments: CryptoSuite.allCases) func aNumberThatIsProtectedAgainIsTakenOnce(_ suite: CryptoSuite) throws {
        let sender = try SRTPContext(suite, key: key(suite), .sending, repeats: true)
        let receiver = try SRTPContext(suite, key: key(suite), .receiving)
        let first = protect(sender, packet(5))
        #expect(protect(sender, packet(5)) == first)
        #expect(open(receiver, first).1 == packet(5))
        #expect(open(receiver, protect(sender, packet(5, payload: 60))).0 == .replayed)
        #expect(open(receiver, first).0 == .replayed)
        // It has to be asked for: with AES-GCM it would tell the key.
        let strict = try SRTPContext(suite, key: key(suite), .sending)
        #expect(!protect(strict, packet(5)).isEmpty && protect(strict, packet(5, payload: 60)).isEmpty)
    }

    /// As it comes: protected, with the first header in the clear.
    @Test(arguments: CryptoSuite.allCases) func aReportWithNothingBehindItIsTold(_ suite: CryptoSuite) throws {
        let sending = try SRTPContext(suite, key: [UInt8](repeating: 7, count: suite.keyLength), .sending)
        let block = RTCPPacket.ReportBlock(
            ssrc: 2, fractionLost: 0, lost: 0, highest: 9, jitter: 0, lastReport: 0, delay: 0)
        let more: [RTCPPacket] = [
            .lost(sender: 1, media: 2, [5]), .pictureLoss(sender: 1, media: 2), .bye([1]),
            .estimate(.init(sender: 1, bitsPerSecond: 1_000_000, sources: [2])),
        ]
        for blocks in 0...2 {
            let report = RTCPPacket.receiverReport(ssrc: 1, reports: Array(repeating: block, count: blocks))
            for rest in [[]] + more.map({ [$0] }) {
                var bytes: [UInt8] = []
                for packet in [report] + rest { packet.append(to: &bytes) }
                let count = bytes.count
                bytes += [UInt8](repeating: 0, count: SRTPContext.trailer)
                let size = try #require(
                    bytes.withUnsafeMutableBytes { sending.protect($0, count: count, isControl: true) })
                #expect(RTCPPacket.isReportAlone(protected: Array(bytes[..<size])) == rest.isEmpty)
            }
        }
        #expect(!RTCPPacket.isReportAlone(protected: []) && !RTCPPacket.isReportAlone(protected: [0x80, 201, 0, 1]))
    }

    @Test func sequenceNumbersWrapUnderOneKey() throws {
        let sender = try SRTPContext(.aesCM128SHA80, key: key(.aesCM128SHA80), .sending)
        let receiver = try SRTPContext(.aesCM128SHA80, key: key(.aesCM128SHA80), .receiving)
        for step in 0..<70_000 {
            let plain = packet(UInt16(truncatingIfNeeded: 32_000 + step), payload: 4)
            guard open(receiver, protect(sender, plain)).1 == plain else {
                Issue.record("packet \(step) does not come back")
                return
            }
        }
    }

    @Test func garbageIsRefusedAndNeverCrashes() throws {
        var random = Dice(seed: 4)
        for suite in CryptoSuite.allCases {
            let receiver = try SRTPContext(suite, key: key(suite), .receiving)
            for _ in 0..<2_000 {
                var bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if bytes.count > 2, Bool.random(using: &random) { bytes[0] = 0x80 | bytes[0] & 0x1f }
                for isControl in [false, true] {
                    if case .packet = open(receiver, bytes, isControl: isControl).0 {
                        Issue.record("garbage was taken")
                    }
                }
            }
        }
        #expect(throws: (any Error).self) { try SRTPContext(.aesGCM128, key: [1, 2], .sending) }
    }
}
