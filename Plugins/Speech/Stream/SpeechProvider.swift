import Sluice

/// Writes the speech of one stream: a service on the network, or the engine in the process. It is told of utterances in
/// their order, and answers when it can; the node wakes it when something has come. One lane only.
///
/// Times of what it writes count in s from the beginning of the utterance. Its events of an utterance end with one
/// `final`, `failed` or `unwritten`.
protocol SpeechProvider: AnyObject {
    /// As graphs name it.
    var name: String { get }
    /// False while it can take no more utterances: a source that can wait should.
    var hasRoom: Bool { get }
    /// An utterance begins.
    func begin(_ utterance: Int)
    /// Mono at 16 kHz, of the utterance that began last.
    func hear(_ samples: ArraySlice<Float>)
    /// The utterance that began last is over: its final is wanted now.
    func finalize()
    /// The next thing that has come, nil where nothing has.
    func next() -> ProviderEvent?
    /// Nothing is wanted any more.
    func close()
}

/// An event of an utterance.
enum ProviderEvent: Equatable, Sendable {
    case partial(Int, Written)
    case final(Int, Written)
    /// Nothing can be written of it; a sentence's middle says why.
    case failed(Int, String)
    /// More speech came than can be written.
    case unwritten(Int)

    var utterance: Int {
        switch self {
        case .partial(let utterance, _), .final(let utterance, _), .failed(let utterance, _), .unwritten(let utterance):
            utterance
        }
    }

    var isLast: Bool { if case .partial = self { false } else { true } }
}
