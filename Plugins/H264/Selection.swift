import CLibAV
import LibAV
import Sluice

/// The first encoder of several that really opens, and why those before it do not: that libavcodec lists one says
/// nothing of its driver and device.
struct Selection {
    let encoder: Encoder
    private let refusals: [Refusal]

    struct Refusal {
        let name: String
        let reason: String
    }

    /// Throws where none opens.
    init(_ settings: Settings, of backends: [Backend]) throws {
        var refusals: [Refusal] = []
        for backend in backends {
            switch Selection.open(settings, backend) {
            case .success(let encoder):
                (self.encoder, self.refusals) = (encoder, refusals)
                return
            case .failure(let refusal): refusals.append(refusal)
            }
        }
        throw Selection.failure(settings, refusals)
    }

    /// `encodes with libx264 (5 others do not open: sluice check codecs)`; that command tells why.
    var sentence: String {
        let others = refusals.count == 1 ? "another does not open" : "\(refusals.count) others do not open"
        return "encodes with \(encoder.backend.name)" + (refusals.isEmpty ? "" : " (\(others): sluice check codecs)")
    }

    private enum Attempt {
        case success(Encoder)
        case failure(Refusal)
    }

    private static func open(_ settings: Settings, _ backend: Backend) -> Attempt {
        LibAVLog.gravest {
            .success(try Encoder(settings, backend))
        } otherwise: { error, words in
            .failure(Refusal(name: backend.name, reason: words.isEmpty ? "\(error)" : words))
        }
    }

    private static func failure(_ settings: Settings, _ refusals: [Refusal]) -> NodeError {
        let size = "\(settings.width)x\(settings.height)"
        if refusals.count == 1 {
            return NodeError(
                "\(refusals[0].name) does not open for \(size): \(refusals[0].reason)",
                advice: "Let \"encoders\" name others behind it: libx264 needs no device.", isInputError: true)
        }
        let all = refusals.map { "\($0.name): \($0.reason)" }.joined(separator: "; ")
        return NodeError(
            "no H.264 encoder opens for \(size) (\(all))",
            advice: "Install a libavcodec with libx264 (Debian: libavcodec59).", isInputError: true)
    }
}
