import HTTP
import Sluice

/// The answer to Twilio's question what to do with a call: TwiML that connects it with the stream, or turns it away.
/// Pure.
struct VoiceAnswer {
    let address: PublicAddress
    /// nil where no auth token is given: then everybody may ask.
    let signature: RequestSignature?
    /// Of the WebSocket.
    let streamPath: String

    enum Answer: Equatable {
        case connect(HTTPResponse)
        /// Twilio tells the caller that the line is busy.
        case busy(HTTPResponse)
        case refuse(HTTPResponse, String)
    }

    func answer(_ request: HTTPRequest, hasRoom: Bool) -> Answer {
        var fields: [(name: String, value: String)] = []
        if request.method == .post {
            guard let text = request.text, let read = FormFields.read(text) else {
                return refuse(400, "The form cannot be read.")
            }
            fields = read
        }
        if let signature {
            guard signature.matches(request.headers["X-Twilio-Signature"], address.signed(request), fields) else {
                return refuse(403, VoiceAnswer.unsigned)
            }
        }
        guard let socket = address.socket(streamPath, request) else {
            return refuse(400, "The request tells no host.")
        }
        guard hasRoom else { return .busy(VoiceAnswer.twiml("<Reject reason=\"busy\"/>")) }
        return .connect(VoiceAnswer.twiml("<Connect><Stream url=\"\(socket)\"/></Connect>"))
    }

    /// Whether the WebSocket of `request` is Twilio's.
    func isSigned(_ request: HTTPRequest) -> Bool {
        guard let signature else { return true }
        var addresses = address.signed(request)
        addresses += addresses.map { $0 + "/" }
        return signature.matches(request.headers["X-Twilio-Signature"], addresses)
    }

    static let unsigned =
        "X-Twilio-Signature does not sign this address with the auth token. "
        + "Where a proxy stands in front, set url to the address that Twilio calls."

    private func refuse(_ status: Int, _ sentence: String) -> Answer {
        .refuse(.refusal(status, sentence), sentence)
    }

    private static func twiml(_ verbs: String) -> HTTPResponse {
        HTTPResponse(
            200, "text/xml; charset=utf-8",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\(verbs)</Response>\n",
            headers: ["Cache-Control": "no-store"])
    }
}
