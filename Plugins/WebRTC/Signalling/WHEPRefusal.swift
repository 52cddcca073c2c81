import HTTP
import Negotiation

/// A request that is refused: its status, and the sentence that the other end gets.
struct WHEPRefusal: Error {
    var status: Int
    var words: String
    var headers: HTTPHeaders

    init(_ status: Int, _ words: String, _ headers: HTTPHeaders = [:]) {
        (self.status, self.words, self.headers) = (status, words, headers)
    }

    var response: HTTPResponse { .refusal(status, words, headers: headers) }
}

extension WHEPRefusal {
    /// Of an offer that nothing comes of.
    init(_ fault: NegotiationFault) {
        let status = [.malformed: 400, .incompatible: 406, .unexpected: 409][fault.kind] ?? 400
        self.init(status, ViewerAnswer.sentence(fault.what, fault.advice))
    }
}
