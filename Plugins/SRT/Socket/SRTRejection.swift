import CSRT

/// Why a connection was refused, in words that follow the peer's name.
struct SRTRejection: Error, Equatable {
    var reason: Int32

    /// Codes that an application may give (libsrt, access_control.h): 1000 and HTTP's.
    static let badRequest: Int32 = 1_400
    static let unauthorized: Int32 = 1_401
    static let overload: Int32 = 1_402
    static let notFound: Int32 = 1_404
    static let badMode: Int32 = 1_405
    static let conflict: Int32 = 1_409
    static let unavailable: Int32 = 1_503

    /// Whether the peer cannot be told from one that is not there.
    var isSilence: Bool { reason == Int32(SRT_REJ_TIMEOUT.rawValue) }

    var words: String {
        switch reason {
        case Int32(SRT_REJ_UNKNOWN.rawValue): return "does not answer"
        case Int32(SRT_REJ_TIMEOUT.rawValue): return "does not answer"
        case Int32(SRT_REJ_BADSECRET.rawValue): return "refuses the call: its passphrase is another"
        case Int32(SRT_REJ_UNSECURE.rawValue): return "refuses the call: one side has a passphrase, the other has none"
        case Int32(SRT_REJ_PEER.rawValue):
            return "refuses the call, and does not say why: its passphrase or the stream id may be another"
        case SRTRejection.badRequest: return "refuses the call: it does not understand the stream id (400)"
        case SRTRejection.unauthorized, 1_403: return "refuses the call: not allowed (\(reason - 1_000))"
        case SRTRejection.notFound: return "refuses the call: it has no stream of this id (404)"
        case SRTRejection.badMode: return "refuses the call: not in this direction (405)"
        case SRTRejection.conflict: return "refuses the call: somebody else publishes under this stream id (409)"
        case SRTRejection.overload: return "refuses the call: it serves as many as it can (402)"
        case SRTRejection.unavailable: return "refuses the call: it has too much to do just now (503)"
        case 1_000...: return "refuses the call: reason \(reason)"
        default:
            let text = srt_rejectreason_str(reason).map { String(cString: $0) } ?? "reason \(reason)"
            return "refuses the call: \(text)"
        }
    }

    var advice: String {
        switch reason {
        case Int32(SRT_REJ_BADSECRET.rawValue), Int32(SRT_REJ_UNSECURE.rawValue):
            return "Give both sides the same passphrase."
        case Int32(SRT_REJ_PEER.rawValue): return "Compare passphrase and stream id with what the server expects."
        case SRTRejection.badRequest, SRTRejection.notFound, SRTRejection.badMode:
            return "Check \"streamid\": servers expect NAME, publish:NAME or #!::r=NAME,m=publish."
        case SRTRejection.conflict: return "Stop the other publisher, or choose another stream id."
        case 1_000...: return "The server's log may say more."
        default: return "Start the listener first, and check address and port."
        }
    }
}
