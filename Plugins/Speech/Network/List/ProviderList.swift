import Sluice

/// Several providers as one: the first that works writes. It holds the audio that has no final, and gives it to the
/// next connection or the next provider; texts that come twice are left out by their times. One lane only.
final class ProviderList: SpeechProvider {
    /// Samples by which a word may reach into audio that is written.
    static let slack = 800
    /// Samples of speech without a text that are no mishearing.
    static let worthSaying = 11_200
    /// An utterance is sent so often, and for so long, before it is taken to have no words.
    static let tries = 4
    static let patience = Interval.seconds(60)

    private let members: [any SpeechProvider]
    private let meter: SpeechMeter
    private var takeover: Takeover
    private var held = HeldSpeech()
    private var now = Instant(nanoseconds: 0)
    private var ready: [ProviderEvent] = []
    /// The sample of an utterance that is the member's first.
    private var begun: [Int: Int] = [:]
    private var isLeaving = false
    private var failing: Set<String> = []
    /// Of speech that was heard, in samples.
    private(set) var heardSpeech = 0

    init(_ members: [any SpeechProvider], detector: (any VoiceDetector)?) {
        (self.members, meter) = (members, SpeechMeter(detector))
        takeover = Takeover(count: members.count)
    }

    private var member: any SpeechProvider { members[takeover.current] }

    var name: String { member.name }
    var hasRoom: Bool { member.hasRoom }
    var longest: Int { member.longest }
    var isRemote: Bool { member.isRemote }
    var metrics: ProviderMetrics? { member.metrics }

    /// Begins to connect.
    func start(_ now: Instant) {
        self.now = now
        member.start(now)
    }

    var wake: Instant {
        members.reduce(min(takeover.next, ready.isEmpty ? .distantFuture : now)) { min($0, $1.wake) }
    }

    func tick(_ now: Instant) {
        self.now = now
        for member in members { member.tick(now) }
        if takeover.isDue(now) { members[0].start(now) }
        for index in members.indices {
            while let event = members[index].next() { take(event, from: index) }
        }
    }

    // MARK: Audio

    func begin(_ utterance: Int) {
        held.begin(utterance)
        begun[utterance] = 0
        member.begin(utterance)
    }

    func hear(_ samples: ArraySlice<Float>) {
        let speech = meter.take(samples)
        heardSpeech += speech
        let numbers = samples.map(PCM.number)[...]
        let lost = held.hear(numbers, speech: speech, behind: meter.pending)
        member.hear(numbers, speech: speech)
        if let lost { lose(lost, "no provider has written it within 30 s") }
    }

    func setLive(_ isLive: Bool) { for member in members { member.setLive(isLive) } }

    func finalize() {
        held.end(now)
        member.finalize()
    }

    func leave(_ now: Instant) {
        self.now = now
        guard !isLeaving else { return }
        isLeaving = true
        if member.isReady { member.leave(now) }
    }

    func close() { for member in members { member.close() } }

    /// All that has no final, from its beginning.
    private func replay() {
        begun = [:]
        for utterance in held.utterances {
            if let ended = utterance.ended, utterance.tries >= ProviderList.tries, now - ended >= ProviderList.patience
            {
                giveUp(utterance.key, "no word of it came from \(member.name)")
                continue
            }
            if utterance.ended != nil { held.tried(utterance.key) }
            begun[utterance.key] = utterance.offset
            member.begin(utterance.key)
            for start in stride(from: 0, to: utterance.samples.count, by: 1_600) {
                let part = utterance.samples[start..<min(utterance.samples.count, start + 1_600)]
                let range = utterance.offset + start..<utterance.offset + start + part.count
                member.hear(part, speech: utterance.speech(in: range))
            }
            if utterance.ended != nil { member.finalize() }
        }
        if isLeaving { member.leave(now) }
    }

    // MARK: Texts

    func next() -> ProviderEvent? { ready.isEmpty ? nil : ready.removeFirst() }

    private func take(_ event: ProviderEvent, from index: Int) {
        let (name, isCurrent) = (members[index].name, index == takeover.current)
        switch event {
        case .opened(let after):
            if !isCurrent {
                // It was tried again.
                if failing.remove(name) != nil { ready.append(.said("\(name) is there again")) }
                members[takeover.current].stop()
                takeover.isBack()
            }
            ready.append(.opened(after))
            replay()
        case .lost(let why, let isBarren): lost(why, isBarren: isBarren, index)
        case .said: ready.append(event)
        case .partial, .text, .final, .over, .leftOff, .failed, .unwritten, .gap:
            if isCurrent { take(text: event) }
        }
    }

    private func lost(_ why: String, isBarren: Bool, _ index: Int) {
        let name = members[index].name
        ready.append(.lost(why, isBarren: isBarren))
        guard index == takeover.current else { return members[index].stop() }
        if failing.insert(name).inserted {
            ready.append(.said(why.contains(name) ? why : "\(name) \(why): connecting anew"))
        }
        guard isBarren, takeover.failed(now) else { return }
        members[index].stop()
        let first = members[0].name
        let again = takeover.current == 0 ? "" : "; \(first) is tried again every 30 s"
        ready.append(.said("\(name) failed twice within 10 s: \(member.name) takes over\(again)"))
        member.start(now)
        if member.isReady { replay() }
    }

    private func take(text event: ProviderEvent) {
        let key = event.utterance
        guard let utterance = held[key], let begin = begun[key] else { return }
        if case .partial = event { isThere() } else if case .text = event { isThere() }
        switch event {
        case .partial(_, let written):
            let moved = ProviderList.moved(written, by: begin, behind: utterance.written)
            if !moved.words.isEmpty || written.words.isEmpty { ready.append(.partial(key, moved)) }
        case .text(_, let written):
            let moved = ProviderList.moved(written, by: begin, behind: utterance.written)
            let end = begin + ProviderList.samples(written.speech?.upperBound ?? 0)
            held.wrote(key, to: min(end, utterance.end))
            ready.append(.text(key, moved))
        case .final(_, let written):
            let moved = ProviderList.moved(written, by: begin, behind: utterance.written)
            finish(key)
            ready.append(.final(key, moved))
        case .over:
            if utterance.heldSpeech >= ProviderList.worthSaying {
                giveUp(key, "no word of it came from \(member.name)")
            } else {
                finish(key)
                ready.append(.over(key))
            }
        case .failed(_, let why): giveUp(key, why)
        case .unwritten: giveUp(key, "speech comes faster than it can be written")
        case .leftOff, .gap, .opened, .lost, .said: break
        }
    }

    /// Words have come of the one that writes.
    private func isThere() {
        if failing.remove(member.name) != nil { ready.append(.said("\(member.name) is there again")) }
    }

    private func finish(_ key: Int) {
        held.close(key)
        begun[key] = nil
    }

    private func giveUp(_ key: Int, _ why: String) {
        guard let utterance = held.close(key) else { return }
        begun[key] = nil
        lose(
            .init(
                key: key, offset: utterance.offset, samples: utterance.samples, speech: utterance.heldSpeech), why)
        ready.append(.leftOff(key))
    }

    private func lose(_ lost: HeldSpeech.Lost, _ why: String) {
        if lost.speech > 0 { ready.append(.gap(lost.key, lost, why)) }
    }

    func giveUp(_ why: String) { for utterance in held.utterances { giveUp(utterance.key, why) } }

    private static func samples(_ seconds: Double) -> Int {
        Int(max(0, min(seconds, 1e6)) * Double(SpeechSamples.rate))
    }

    /// In s from the beginning of the utterance, without words whose middle lies in audio that is written.
    static func moved(_ written: Written, by begin: Int, behind sample: Int) -> Written {
        let rate = Double(SpeechSamples.rate)
        let (shift, limit) = (Double(begin) / rate, Double(sample - slack) / rate)
        var result = written
        result.words = written.words.compactMap { word in
            guard (word.start + word.end) / 2 + shift >= limit || sample == 0 else { return nil }
            var moved = word
            (moved.start, moved.end) = (word.start + shift, word.end + shift)
            return moved
        }
        if let speech = written.speech {
            let start = max(speech.lowerBound + shift, max(0, limit))
            result.speech = start...max(start, speech.upperBound + shift)
        }
        return result
    }
}
