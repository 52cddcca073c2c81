/// A message that makes no sense, in a sentence for Twilio and for the log. It tells no spoken word and no digit.
struct TwilioFault: Error, Equatable, Sendable {
    let sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}
