import Sluice

/// Writes the speech of one stream: a service on the network, or the engine in the process. It is told of utterances in
/// their order, and answers when it can; the node wakes it when something has come, or `wake` is due. One lane only.
///
/// Times of what it writes count in s from the beginning of the utterance. Its events of an utterance end with one
/// `final`, `over`, `leftOff`, `failed` or `unwritten`.
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
    /// Whether speech comes as it is spoken, so that somebody waits for its text. A file can wait.
    func setLive(_ isLive: Bool)
    /// Nothing is wanted any more.
    func close()

    // The rest is for those on the network.

    /// The samples that an utterance has at most.
    var longest: Int { get }
    /// False while it is not connected: then nothing is heard, and `opened` asks for it.
    var isReady: Bool { get }
    /// Its counts, nil within the process.
    var metrics: ProviderMetrics? { get }
    /// It may stay without an answer.
    var isRemote: Bool { get }
    /// Of the speech that it was told of, in samples.
    var heardSpeech: Int { get }
    /// When `tick` is due.
    var wake: Instant { get }
    /// The same as `hear`, as numbers of 16 bits, of which so many are speech.
    func hear(_ samples: ArraySlice<Int16>, speech: Int)
    /// Begins to connect.
    func start(_ now: Instant)
    /// Ends what `start` began, and what is under way.
    func stop()
    /// Time has gone by, or something has come.
    func tick(_ now: Instant)
    /// Nothing more is heard: the last finals are wanted.
    func leave(_ now: Instant)
    /// Nothing more is waited for. `why` is the middle of a sentence.
    func giveUp(_ why: String)
}

extension SpeechProvider {
    var longest: Int { 30 * SpeechSamples.rate }
    var isReady: Bool { true }
    var metrics: ProviderMetrics? { nil }
    var isRemote: Bool { false }
    var heardSpeech: Int { 0 }
    var wake: Instant { .distantFuture }
    func hear(_ samples: ArraySlice<Int16>, speech: Int) { hear(samples.map(PCM.float)[...]) }
    func setLive(_ isLive: Bool) {}
    func start(_ now: Instant) {}
    func stop() {}
    func tick(_ now: Instant) {}
    func leave(_ now: Instant) {}
    func giveUp(_ why: String) {}
}

/// An event of an utterance, or of the provider.
enum ProviderEvent: Equatable, Sendable {
    case partial(Int, Written)
    /// A final text, behind which more of the utterance may come.
    case text(Int, Written)
    case final(Int, Written)
    /// Nothing more comes of it.
    case over(Int)
    /// Nothing more comes of it, and its last partial text stands.
    case leftOff(Int)
    /// Nothing can be written of it; a sentence's middle says why.
    case failed(Int, String)
    /// More speech came than can be written.
    case unwritten(Int)
    /// Audio of it that stays unwritten, and a sentence's middle that says why.
    case gap(Int, HeldSpeech.Lost, String)
    /// It is connected, after so long.
    case opened(Interval)
    /// The connection is gone, or did not come about; a sentence's middle says why. `isBarren` where it had no word.
    case lost(String, isBarren: Bool)
    /// A sentence for the log.
    case said(String)

    /// 0 for an event of the provider.
    var utterance: Int {
        switch self {
        case .partial(let utterance, _), .text(let utterance, _), .final(let utterance, _), .over(let utterance),
            .leftOff(let utterance), .failed(let utterance, _), .unwritten(let utterance),
            .gap(let utterance, _, _):
            utterance
        case .opened, .lost, .said: 0
        }
    }

    /// Of an utterance, behind which no other comes.
    var isLast: Bool {
        switch self {
        case .final, .over, .leftOff, .failed, .unwritten: true
        default: false
        }
    }
}
