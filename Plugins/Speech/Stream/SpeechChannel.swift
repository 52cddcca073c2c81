import Sluice

/// The speech of one speaker: its audio, the provider that writes it, and its texts. One lane only.
final class SpeechChannel {
    /// For finals behind the end of the stream, from the last text on.
    static let patience = Interval.seconds(5)

    let provider: any SpeechProvider
    private let texts: UtteranceTexts
    private let metrics: SpeechMetrics
    private let feed: SpeechFeed
    private var deadline: Instant?

    /// `channel` is the one of the audio that is heard; nil for all of them.
    init(_ provider: any SpeechProvider, _ texts: UtteranceTexts, _ metrics: SpeechMetrics, channel: Int?) {
        (self.provider, self.texts, self.metrics) = (provider, texts, metrics)
        feed = SpeechFeed(channel: channel)
    }

    func take(_ frame: AudioFrame, _ now: Instant) throws {
        let new = try feed.take(frame, isOpen: texts.isOpen) { end(now) }
        var rest = new[...]
        while !rest.isEmpty {
            if !texts.isOpen {
                provider.begin(texts.begin(at: feed.time(before: rest.count), frame.header))
            }
            let part = rest.prefix(max(1, provider.longest - texts.heard))
            provider.hear(part)
            texts.hear(part.count)
            metrics.heard.add(part.count / 16)
            rest = rest.dropFirst(part.count)
            if texts.heard >= provider.longest { end(now) }
        }
    }

    /// The utterance that goes on is over.
    func end(_ now: Instant) {
        guard texts.end(now) else { return }
        provider.finalize()
    }

    /// Texts that have come are sent.
    func answer(_ now: Instant) {
        provider.tick(now)
        while let event = provider.next() {
            if event.utterance != 0 { deadline = nil }
            texts.take(event, by: provider, now)
        }
    }

    /// The provider that is waited for, nil where nothing is.
    var isWaitingFor: String? { texts.isOpen || texts.isEmpty ? nil : "\(provider.name) to write" }

    /// Nothing more is heard. True when the last final has come, or is waited for no longer.
    func finish(_ now: Instant, isLive: Bool) -> Bool {
        end(now)
        provider.leave(now)
        answer(now)
        guard !texts.isEmpty else { return true }
        guard isLive || provider.isRemote else { return false }
        let limit = deadline ?? now + SpeechChannel.patience
        deadline = limit
        guard now >= limit else { return false }
        let why = "no final text came within 5 s of the end"
        provider.giveUp(why)
        answer(now)
        texts.closeAll(why)
        return true
    }

    /// When it is to be called; never is the distant future.
    var wake: Instant { min(provider.wake, deadline ?? .distantFuture) }
}
