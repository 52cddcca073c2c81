import HTTP

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
