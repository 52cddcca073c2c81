import RTP
import TestSupport
import Testing

@Suite struct ExtensionTests {
    private func read(_ packet: [UInt8]) -> [UInt8: [UInt8]] {
        var found: [UInt8: [UInt8]] = [:]
        packet.withUnsafeBytes { RTPHeader.forEachExtension(of: $0) { found[$0] = Array($1) } }
        return found
    }

    private let head: [UInt8] = [0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]

    @Test func theShortFormIsReadAsTheRFCDrawsIt() {
        // RFC 8285, section 4.2: one byte, two bytes, two of padding, four bytes.
        let packet = head + [0xbe, 0xde, 0, 3, 0x10, 0xaa, 0x21, 0xbb, 0xbc, 0, 0, 0x33, 1, 2, 3, 4, 0x77]
        #expect(read(packet) == [1: [0xaa], 2: [0xbb, 0xbc], 3: [1, 2, 3, 4]])
        // 15 ends it.
        #expect(read(head + [0xbe, 0xde, 0, 2, 0x10, 0xaa, 0xf0, 1, 0x20, 1, 0, 0]) == [1: [0xaa]])
    }

    @Test func theLongFormIsReadAsTheRFCDrawsIt() {
        // Section 4.3: nothing, one byte, padding, four bytes.
        let packet = head + [0x10, 0x03, 0, 3, 1, 0, 20, 1, 0xcc, 0, 200, 4, 1, 2, 3, 4, 0x77]
        #expect(read(packet) == [1: [], 20: [0xcc], 200: [1, 2, 3, 4]])
    }

    @Test func whatGStreamerWritesIsRead() {
        // gst-launch-1.0 1.22: audiotestsrc ! mulawenc ! rtppcmupay, with extmap-4 urn:ietf:params:rtp-hdrext:ntp-64.
        let packet = bytes(ofHex: "90e0513322042acb0bb08a74bede00034700000000000000000000009e8f8986")
        #expect(read(packet) == [4: [UInt8](repeating: 0, count: 8)])
        let payload = packet.withUnsafeBytes { RTPHeader.parse($0)?.payload }
        #expect(payload == 28..<32)
    }

    @Test func whatIsCutOffOrOfAnotherProfileIsPassedOver() {
        #expect(read(head + [0xbe, 0xde, 0, 1, 0x17, 1, 2, 3]).isEmpty)
        #expect(read(head + [0xbe, 0xde, 0, 9, 0x10, 1]) == [1: [1]])
        #expect(read(head + [0xab, 0xcd, 0, 1, 0x10, 1, 0, 0]).isEmpty)
        #expect(read(head + [0xbe, 0xde]).isEmpty && read([0x90]).isEmpty && read([]).isEmpty)
        var dice = Dice(seed: 5)
        for _ in 0..<20_000 {
            var packet = (0..<Int.random(in: 0...60, using: &dice)).map { _ in UInt8.random(in: 0...255, using: &dice) }
            if packet.count > 16 {
                packet.replaceSubrange(12..<14, with: Bool.random(using: &dice) ? [0xbe, 0xde] : [16, 0])
            }
            #expect(read(packet).values.allSatisfy { $0.count <= packet.count })
        }
    }

    @Test(
        arguments: [
            ([(1, 2), (2, 8)], UInt16(0xbede), 16), ([(1, 2)], 0xbede, 8), ([(1, 1), (2, 17)], 0x1000, 28),
            ([(20, 3)], 0x1000, 12), ([], 0, 0),
        ] as [([(Int, Int)], UInt16, Int)])
    func whatIsWrittenIsReadAlike(_ values: [(Int, Int)], profile: UInt16, size: Int) {
        let layout = ExtensionLayout(values.map { (UInt8($0.0), $0.1) })
        #expect(layout.size == size)
        var packet = [UInt8](repeating: 0xee, count: 100)
        packet.withUnsafeMutableBytes { room in
            RTPHeader(payloadType: 96, sequence: 1, timestamp: 2, ssrc: 3).write(to: room)
            layout.write(to: room)
            for (id, _) in values { layout.put(0x0102_0304_0506_0708, UInt8(id), in: room) }
        }
        #expect(packet.withUnsafeBytes { RTPHeader.parse($0)?.payload.lowerBound } == 12 + size)
        if size > 0 { #expect(UInt16(packet[12]) << 8 | UInt16(packet[13]) == profile) }
        let found = read(packet)
        #expect(found.count == values.count)
        for (id, count) in values {
            let whole = [UInt8](repeating: 0, count: 20) + [1, 2, 3, 4, 5, 6, 7, 8]
            #expect(found[UInt8(id)] == Array(whole.suffix(count)))
        }
    }

    @Test func textAndValuesOfKnownExtensions() {
        let layout = ExtensionLayout([(3, 5)])
        var packet = [UInt8](repeating: 0, count: 40)
        packet.withUnsafeMutableBytes { room in
            RTPHeader(payloadType: 96, sequence: 1, timestamp: 2, ssrc: 3).write(to: room)
            layout.write(to: room)
            layout.put("video", 3, in: room)
        }
        #expect(read(packet)[3]?.withUnsafeBytes { ExtensionValue.text($0) } == "video")
        let level = [UInt8(0x80 | 30)].withUnsafeBytes { ExtensionValue.audioLevel($0) }
        #expect(level?.level == 30 && level?.isSpeech == true)
        let delay = [UInt8](arrayLiteral: 0x00, 0xa0, 0x14).withUnsafeBytes { ExtensionValue.playoutDelay($0) }
        #expect(delay?.min == 100 && delay?.max == 200)
        // 6.18 fixed point: half a second is 2¹⁷; it wraps each 64 s.
        #expect(ExtensionValue.absoluteSendTime(at: NTPTime(bits: 64 << 32 | 1 << 31)) == 1 << 17)
        #expect([UInt8](arrayLiteral: 2, 0, 0).withUnsafeBytes { ExtensionValue.absoluteSendTime($0) } == 1 << 17)
        #expect([UInt8](arrayLiteral: 2, 0).withUnsafeBytes { ExtensionValue.absoluteSendTime($0) } == nil)
    }

    @Test func numbersComeFromTheDescription() throws {
        let text = """
            v=0
            m=video 9 RTP/AVPF 96
            a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:sdes:mid
            a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time
            a=extmap:2 urn:twice
            a=extmap:4096 urn:offered
            a=extmap:0 urn:none
            a=extmap:x urn:none
            a=extmap:200 urn:long with attributes
            """
        let description = try SessionDescription(parsing: text)
        let map = ExtensionMap(description.media[0].attributes)
        #expect(map.id(of: .mediaID) == 1 && map.id(of: .absoluteCaptureTime) == 2 && map.entries.count == 3)
        #expect(map.name(of: 200) == HeaderExtension("urn:long") && map.id(of: HeaderExtension("urn:twice")) == nil)
        #expect(map.entries[0].direction == "recvonly")
        #expect(ExtensionMap(map.attributes) == map)
    }
}

/// Of an even number of digits.
func bytes(ofHex text: String) -> [UInt8] {
    let digits = Array(text)
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
}
