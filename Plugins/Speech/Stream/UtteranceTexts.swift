import Sluice

/// The utterances that have no final yet, and the texts that are sent of them. One lane only.
final class UtteranceTexts {
    private let context: NodeContext
    private let metrics: SpeechMetrics
    private let template: Transcript
    private let text: Output<DataItem>
    private let gaps: Output<AudioFrame>
    private let lost: LostAudio
    /// Of utterances, and of texts.
    private var (keys, count) = (0, 0)
    /// The oldest first. The last one may go on.
    private var open: [OpenUtterance] = []
    private(set) var isOpen = false

    init(
        _ context: NodeContext, _ metrics: SpeechMetrics, _ template: Transcript, text: Output<DataItem>,
        gaps: Output<AudioFrame>
    ) {
        (self.context, self.metrics, self.template, self.text, self.gaps) = (context, metrics, template, text, gaps)
        lost = LostAudio(context, metrics)
    }

    var isEmpty: Bool { open.isEmpty }

    // MARK: Audio

    /// An utterance begins. Gives the number by which the provider is to know it.
    func begin(at start: MediaTime, _ header: MediaItem.Header) -> Int {
        keys += 1
        open.append(OpenUtterance(key: keys, start: start, epoch: header.epoch, captured: header.captured))
        isOpen = true
        return keys
    }

    /// Samples of the one that goes on.
    var heard: Int { isOpen ? open[open.count - 1].heard : 0 }

    func hear(_ count: Int) { if isOpen { open[open.count - 1].heard += count } }

    /// False where none goes on.
    func end(_ now: Instant) -> Bool {
        guard isOpen else { return false }
        isOpen = false
        open[open.count - 1].ended = now
        metrics.utterances.add()
        return true
    }

    // MARK: Texts

    func take(_ event: ProviderEvent, by provider: any SpeechProvider, _ now: Instant) {
        switch event {
        case .opened, .lost: return
        case .said(let sentence): context.log(.warning, sentence)
        case .gap(let key, let audio, let why):
            guard let utterance = open.first(where: { $0.key == key }) else { return }
            lost.take(audio, of: utterance, why, to: gaps)
        default:
            guard let index = open.firstIndex(where: { $0.key == event.utterance }) else { return }
            take(event, at: index, by: provider, now)
        }
    }

    private func take(_ event: ProviderEvent, at index: Int, by provider: any SpeechProvider, _ now: Instant) {
        var template = template
        template.provider = provider.name
        switch event {
        case .partial(_, let written):
            guard !written.words.isEmpty else { return }
            number(index)
            send(open[index].transcript(written, isFinal: false, template), open[index])
        case .text(_, let written):
            guard sendFinal(written, at: index, template) else { return }
            metrics.note(open[index], written, provider.metrics, now)
            open[index] = open[index].rest()
        case .final(_, let written):
            sendFinal(written, at: index, template)
            if written.isDoubtful { tellDoubt() }
            metrics.note(open[index], written, provider.metrics, now)
            remove(index)
        case .over:
            if sendFinal(Written(), at: index, template) || !open[index].hasFinal {
                metrics.note(open[index], Written(), provider.metrics, now)
            }
            remove(index)
        case .leftOff:
            if let last = open[index].timedOut() { send(last, open[index]) }
            remove(index)
        case .failed(_, let why): close(index, why)
        case .unwritten: close(index, "speech comes faster than it can be written")
        case .gap, .opened, .lost, .said: return
        }
    }

    private func tellDoubt() {
        metrics.doubtful.add()
        guard metrics.doubtful.count == 1 else { return }
        context.log(
            .warning,
            "a text that the model doubts much is handed on as it is: it could not be written anew within 5 s; "
                + "the metric doubtful counts more of them")
    }

    /// False where there is no text, and none to take back.
    @discardableResult
    private func sendFinal(_ written: Written, at index: Int, _ template: Transcript) -> Bool {
        guard open[index].last != nil || !written.words.isEmpty else { return false }
        number(index)
        send(open[index].transcript(written, isFinal: true, template), open[index])
        return true
    }

    /// The first text of it comes.
    private func number(_ index: Int) {
        guard open[index].id == 0 else { return }
        count += 1
        open[index].id = count
    }

    /// None of them will have a final.
    func closeAll(_ why: String) { while !open.isEmpty { close(0, why) } }

    /// Without a final: the last partial is it.
    private func close(_ index: Int, _ why: String) {
        if let last = open[index].timedOut() { send(last, open[index]) }
        lost.miss(open[index], why)
        remove(index)
    }

    /// A provider may end an utterance of its own accord: audio behind it is another one's.
    private func remove(_ index: Int) {
        if isOpen, index == open.count - 1 {
            isOpen = false
            metrics.utterances.add()
        }
        open.remove(at: index)
    }

    private func send(_ transcript: Transcript, _ utterance: OpenUtterance) {
        let item = transcript.item
        item.header.epoch = utterance.epoch
        item.header.captured = utterance.captured
        (transcript.isFinal ? metrics.finals : metrics.partials).add()
        text.send(item)
    }
}
