import HTTP
import Sluice

/// Texts as server-sent events (HTML, 9.2) for any number of readers. Pure but for the answers.
///
/// Each reader has a stream that goes on. A first request begins with what comes; one with `Last-Event-ID`, as an
/// `EventSource` says it when it comes back, gets what it has missed, and one with `?all` what is kept. Of an utterance
/// the newest text alone is kept. A reader that does not read is dropped by the service.
struct TextFeed {
    static let kept = 256
    static let readers = 256
    /// A comment after so long shows whether a reader is still there, and keeps proxies from closing.
    static let pause = Interval.seconds(15)

    private struct Event {
        let number: Int
        let text: Transcript
        let line: String
    }

    private var events: [Event] = []
    private var streams: [HTTPStream] = []
    private var last = 0
    private var quietUntil: Instant?
    /// Readers that were dropped since they did not read.
    private(set) var dropped = 0

    /// When `expire` has something to do.
    var nextWake: Instant? { streams.isEmpty ? nil : quietUntil }

    mutating func publish(_ text: Transcript) {
        last += 1
        events.removeAll { $0.text.id == text.id && $0.text.session == text.session && $0.text.speaker == text.speaker }
        let line = "id: \(last)\ndata: \(JSONValue(.object(text.item.fields)).line)\n\n"
        events.append(Event(number: last, text: text, line: line))
        if events.count > TextFeed.kept { events.removeFirst() }
        send(line)
    }

    mutating func take(_ exchange: HTTPExchange, now: Instant) {
        streams.removeAll { !$0.isOpen }
        guard streams.count < TextFeed.readers else {
            exchange.answer(.refusal(503, "Too many read already.", headers: ["Retry-After": "5"]))
            return
        }
        let isAll = exchange.request.query.split(separator: "&").contains("all")
        // A number of another run is none of these.
        let said = exchange.request.headers["Last-Event-ID"].flatMap { Int($0) } ?? (isAll ? 0 : last)
        let seen = said > last || said < 0 ? last : said
        let stream = HTTPStream()
        var response = HTTPResponse(
            200, "text/event-stream; charset=utf-8",
            "retry: 1000\n\n" + events.filter { $0.number > seen }.map(\.line).joined(),
            headers: ["Cache-Control": "no-store", "X-Accel-Buffering": "no"])
        response.stream = stream
        streams.append(stream)
        exchange.answer(response)
        if quietUntil == nil { quietUntil = now + TextFeed.pause }
    }

    mutating func expire(now: Instant) {
        guard let until = quietUntil, now >= until else { return }
        send(":\n\n")
        quietUntil = now + TextFeed.pause
    }

    /// Nothing follows.
    mutating func end() {
        for stream in streams { stream.end() }
        streams = []
    }

    private mutating func send(_ line: String) {
        streams.removeAll { stream in
            let isOpen = stream.isOpen
            guard !isOpen || !stream.send(line) else { return false }
            if isOpen { dropped += 1 }
            return true
        }
    }
}
