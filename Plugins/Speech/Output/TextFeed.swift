import HTTP
import Sluice

/// Texts as server-sent events (HTML, 9.2) for any number of readers. Pure but for the answers.
///
/// A request is answered as soon as there is news for it, with all of it, and the answer ends. An `EventSource` comes
/// back at once and says the last number that it has seen. So readers come and go without any state of theirs, and one
/// that was away gets what it has missed, as long as that is kept. Of an utterance the newest text alone is kept.
struct TextFeed {
    static let kept = 256
    static let readers = 64
    /// Less than the time that the route has for an answer.
    static let patience = Interval.seconds(20)

    private struct Event {
        let number: Int
        let text: Transcript
    }

    private struct Reader {
        let exchange: HTTPExchange
        let seen: Int
        let until: Instant
    }

    private var events: [Event] = []
    private var waiting: [Reader] = []
    private var last = 0

    /// The time at which the first reader is to be answered whether there is news or not.
    var nextWake: Instant? { waiting.first?.until }

    mutating func publish(_ text: Transcript) {
        last += 1
        events.removeAll { $0.text.id == text.id && $0.text.session == text.session && $0.text.speaker == text.speaker }
        events.append(Event(number: last, text: text))
        if events.count > TextFeed.kept { events.removeFirst() }
        answer { _ in true }
    }

    mutating func take(_ exchange: HTTPExchange, now: Instant) {
        guard waiting.count < TextFeed.readers else {
            exchange.answer(.refusal(503, "Too many read already.", headers: ["Retry-After": "5"]))
            return
        }
        // A first request begins with what comes. A number of another run is none of these.
        let said = exchange.request.headers["Last-Event-ID"].flatMap { Int($0) } ?? last
        let seen = said > last || said < 0 ? last : said
        waiting.append(Reader(exchange: exchange, seen: seen, until: now + TextFeed.patience))
        let newest = last
        answer { $0.seen < newest }
    }

    mutating func expire(now: Instant) { answer { $0.until <= now } }

    /// Nothing follows.
    mutating func end() { answer { _ in true } }

    private mutating func answer(_ isMeant: (Reader) -> Bool) {
        let (number, known) = (last, events)
        waiting.removeAll { reader in
            guard isMeant(reader) else { return false }
            var body = "retry: 200\n"
            for event in known where event.number > reader.seen {
                body += "id: \(event.number)\ndata: \(JSONValue(.object(event.text.item.fields)).line)\n\n"
            }
            // Without data a number is kept and no event is seen.
            if known.last.map({ $0.number > reader.seen }) != true { body += "id: \(number)\n\n" }
            reader.exchange.answer(
                HTTPResponse(200, "text/event-stream; charset=utf-8", body, headers: ["Cache-Control": "no-store"]))
            return true
        }
    }
}
