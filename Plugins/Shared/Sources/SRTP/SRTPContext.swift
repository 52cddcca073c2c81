import RTP
import Sluice

/// One direction of SRTP and SRTCP under one master key (RFC 3711). Used by one lane at a time.
///
/// Of the sources that share the key each has its own state, made when its first packet is sent or has proved
/// authentic. libsrtp2 opens what comes. GnuTLS and OpenSSL seal what goes out, since Debian builds libsrtp2 on NSS: a
/// packet of 172 bytes costs 0.14 µs by GCM and 0.4 µs by AES_CM_128_HMAC_SHA1_80, against 0.9 and 2.6 µs. Where 1,000
/// contexts take turns it is the same, against 6 and 10 µs.
public final class SRTPContext {
    // One of the two. As the cases of an enumeration they would be retained for each packet.
    private let sender: SRTPSender?
    private let receiver: LibSRTP?

    /// Whether packets are protected, or unprotected.
    public enum Direction: Sendable { case sending, receiving }

    /// The result for a packet that was received.
    public enum Verdict: Equatable, Sendable {
        /// Decrypted in place, so many bytes.
        case packet(Int)
        /// Not protected with this key, or damaged.
        case notAuthentic
        /// Seen before, or too old to tell.
        case replayed
        /// No packet at all.
        case malformed
    }

    /// The most that protecting adds to a packet, SRTCP's index included.
    public static let trailer = SRTPSender.trailer

    /// `key` is master key and salt, `suite.keyLength` bytes.
    ///
    /// With `repeats` a packet may be protected a second time, up to 32,768 behind the last. Only the same bytes may
    /// come under the same numbers: GCM gives its key away otherwise. Without it the numbers of a source only rise.
    public init(_ suite: CryptoSuite, key: [UInt8], _ direction: Direction, repeats: Bool = false) throws {
        guard key.count == suite.keyLength else {
            throw NodeError(
                "the SRTP key has \(key.count) bytes; \(suite.rawValue) has \(suite.keyLength), key and salt together",
                isInputError: true)
        }
        switch direction {
        case .sending: (sender, receiver) = (try SRTPSender(suite, key: key, repeats: repeats), nil)
        case .receiving: (sender, receiver) = (nil, try LibSRTP(suite, key: key, .receiving))
        }
    }

    /// Encrypts the packet in the first `count` bytes of `room`, which has `trailer` more; its new size. nil where it
    /// is no packet, was sent before, or this context is for receiving.
    public func protect(_ room: UnsafeMutableRawBufferPointer, count: Int, isControl: Bool = false) -> Int? {
        isControl ? sender?.protectControl(room, count: count) : sender?.protect(room, count: count)
    }

    /// Checks and decrypts the packet in the first `count` bytes of `room`. `malformed` where this context is for
    /// sending.
    public func unprotect(_ room: UnsafeMutableRawBufferPointer, count: Int, isControl: Bool = false) -> Verdict {
        receiver?.unprotect(room, count: count, isControl: isControl) ?? .malformed
    }
}
