import RTP
import Sluice

/// Seals SRTP and SRTCP, to the byte as libsrtp2 does.
final class SRTPSender {
    /// The longest tag, and the index of SRTCP.
    static let trailer = PacketCipher.longestTag + 4

    private struct Source {
        let ssrc: UInt32
        /// The highest index sent, rollover counter and sequence number; nil before the first packet.
        var highest: Int64?
        /// Reports sent.
        var reports: UInt32 = 0
    }

    private let media: PacketCipher
    private let control: PacketCipher
    private let isAEAD: Bool
    private let repeats: Bool
    // One lane at a time, so exclusivity need not be checked at run time.
    /// The source of the last packet: a look at it takes no other memory.
    @exclusivity(unchecked) private var source = Source(ssrc: 0)
    /// The others. Few: the streams of one transport.
    @exclusivity(unchecked) private var others: [Source] = []

    /// `key` is master key and salt, `suite.keyLength` bytes.
    convenience init(_ suite: CryptoSuite, key: [UInt8], repeats: Bool = false) throws {
        try self.init(
            suite, media: SessionKeys(suite, master: key, isControl: false),
            control: SessionKeys(suite, master: key, isControl: true), repeats: repeats)
    }

    init(_ suite: CryptoSuite, media: SessionKeys, control: SessionKeys, repeats: Bool = false) throws {
        self.media = try PacketCipher(suite, media, isControl: false)
        self.control = try PacketCipher(suite, control, isControl: true)
        (isAEAD, self.repeats) = (suite.isAEAD, repeats)
    }

    /// The packet in the first `count` bytes of `room`, which has `trailer` more; its new size.
    func protect(_ room: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
        guard count >= RTPHeader.size, count + SRTPSender.trailer <= room.count else { return nil }
        let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
        guard let header = RTPHeader(headOf: packet), let clear = SRTPSender.headerSize(of: packet),
            let index = advance(header.ssrc, to: header.sequence)
        else { return nil }
        let isSealed = media.seal(
            room, count: count, clear: clear, tag: count, ssrc: header.ssrc, index: index,
            word: isAEAD ? nil : UInt32(truncatingIfNeeded: index >> 16))
        return isSealed ? count + media.tagSize : nil
    }

    /// The compound in the first `count` bytes of `room`, which has `trailer` more; its new size.
    func protectControl(_ room: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
        guard count >= 8, count + SRTPSender.trailer <= room.count, room[0] >> 6 == 2 else { return nil }
        let ssrc = UInt32(bigEndian: room.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        // The first has index 1, as libsrtp2's.
        choose(ssrc)
        let index = source.reports + 1
        guard index < 1 << 31 else { return nil }
        source.reports = index
        // The bit says that it is encrypted.
        let word = index | 1 << 31
        // GCM's tag stands before the word, HMAC's behind it (RFC 7714, section 9.2; RFC 3711, section 3.4).
        let (tag, end) = isAEAD ? (count, count + control.tagSize) : (count + 4, count)
        let isSealed = control.seal(
            room, count: count, clear: 8, tag: tag, ssrc: ssrc, index: UInt64(index), word: word)
        room.storeBytes(of: word.bigEndian, toByteOffset: end, as: UInt32.self)
        return isSealed ? count + 4 + control.tagSize : nil
    }

    /// The index of the source's packet with this number, the nearest to the highest (RFC 3711, section 3.3.1). nil
    /// where it was sent already and may not be again.
    private func advance(_ ssrc: UInt32, to sequence: UInt16) -> UInt64? {
        choose(ssrc)
        guard let highest = source.highest else {
            source.highest = Int64(sequence)
            return UInt64(sequence)
        }
        let step = Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest))
        let index = highest + Int64(step)
        guard index >= 0, index < 1 << 48, step > 0 || repeats else { return nil }
        if step > 0 { source.highest = index }
        return UInt64(index)
    }

    /// Makes `source` that with the number.
    @inline(__always)
    private func choose(_ ssrc: UInt32) {
        if source.ssrc != ssrc { exchange(ssrc) }
    }

    private func exchange(_ ssrc: UInt32) {
        if let place = others.firstIndex(where: { $0.ssrc == ssrc }) { return swap(&source, &others[place]) }
        // Before the first packet there is none.
        if source.highest != nil || source.reports > 0 { others.append(source) }
        source = Source(ssrc: ssrc)
    }

    /// Bytes that stay in the clear: the fixed header, contributing sources and the extension.
    private static func headerSize(of packet: UnsafeRawBufferPointer) -> Int? {
        var size = RTPHeader.size + 4 * Int(packet[0] & 0x0f)
        if packet[0] & 0x10 != 0 {
            guard size + 4 <= packet.count else { return nil }
            let words = UInt16(bigEndian: packet.loadUnaligned(fromByteOffset: size + 2, as: UInt16.self))
            size += 4 + 4 * Int(words)
        }
        return size <= packet.count ? size : nil
    }
}
