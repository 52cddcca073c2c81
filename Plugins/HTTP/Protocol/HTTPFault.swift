import HTTP

/// A request that is refused before anybody gets it: the status, and one sentence. The connection ends with it, since
/// nobody knows where the next request would begin.
struct HTTPFault: Error, Equatable {
    var status: Int
    var sentence: String

    init(_ status: Int, _ sentence: String) { (self.status, self.sentence) = (status, sentence) }

    var response: HTTPResponse { .refusal(status, sentence) }
}
