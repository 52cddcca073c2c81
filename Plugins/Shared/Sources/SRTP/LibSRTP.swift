import CSRTP
import RTP
import Sluice

/// One direction of SRTP and SRTCP by libsrtp2, which opens the packets that come. It protects in tests alone, where
/// it is the judge of `SRTPSender`.
final class LibSRTP {
    private let handle: srtp_t

    /// Once in the process: a second call is an error.
    private static let isReady = srtp_init() == srtp_err_status_ok

    init(
        _ suite: CryptoSuite, key: [UInt8], _ direction: SRTPContext.Direction, repeats: Bool = false
    ) throws {
        guard LibSRTP.isReady else { throw NodeError("libsrtp2 does not start") }
        var policy = srtp_policy_t()
        LibSRTP.fill(&policy.rtp, suite, isControl: false)
        LibSRTP.fill(&policy.rtcp, suite, isControl: true)
        policy.ssrc.type = direction == .sending ? ssrc_any_outbound : ssrc_any_inbound
        // Packets that the network has reordered by more than this look like replayed ones.
        policy.window_size = 1_024
        policy.allow_repeat_tx = repeats ? 1 : 0
        var made: srtp_t?
        var bytes = key
        let status = bytes.withUnsafeMutableBufferPointer { buffer in
            policy.key = buffer.baseAddress
            return srtp_create(&made, &policy)
        }
        guard status == srtp_err_status_ok, let made else {
            throw NodeError(
                "libsrtp2 refuses \(suite.rawValue) (status \(status.rawValue))",
                advice: "Use AES_CM_128_HMAC_SHA1_80, which every build of it has.", isInputError: true)
        }
        handle = made
    }

    deinit { srtp_dealloc(handle) }

    private static func fill(_ policy: inout srtp_crypto_policy_t, _ suite: CryptoSuite, isControl: Bool) {
        switch suite {
        case .aesCM128SHA80: srtp_crypto_policy_set_rtp_default(&policy)
        // SRTCP keeps the long tag (RFC 4568, section 6.2.2).
        case .aesCM128SHA32 where isControl: srtp_crypto_policy_set_rtp_default(&policy)
        case .aesCM128SHA32: srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy)
        case .aesCM256SHA80: srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy)
        case .aesGCM128: srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy)
        case .aesGCM256: srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy)
        }
    }

    func protect(_ room: UnsafeMutableRawBufferPointer, count: Int, isControl: Bool = false) -> Int? {
        guard count >= 8, count + SRTPContext.trailer <= room.count else { return nil }
        var size = Int32(count)
        let status =
            isControl
            ? srtp_protect_rtcp(handle, room.baseAddress, &size) : srtp_protect(handle, room.baseAddress, &size)
        return status == srtp_err_status_ok ? Int(size) : nil
    }

    func unprotect(_ room: UnsafeMutableRawBufferPointer, count: Int, isControl: Bool = false) -> SRTPContext.Verdict {
        guard count >= (isControl ? 8 : 12), count <= room.count else { return .malformed }
        var size = Int32(count)
        let status =
            isControl
            ? srtp_unprotect_rtcp(handle, room.baseAddress, &size) : srtp_unprotect(handle, room.baseAddress, &size)
        switch status {
        case srtp_err_status_ok: return .packet(Int(size))
        case srtp_err_status_auth_fail, srtp_err_status_cipher_fail, srtp_err_status_no_ctx: return .notAuthentic
        case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: return .replayed
        default: return .malformed
        }
    }
}
