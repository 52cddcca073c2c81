import HTTP
import Sluice
import Synchronization
import Testing

@testable import SpeechPlugin

@Suite struct TextFeedTests {
    private final class Answer: Sendable {
        private let text = Mutex<HTTPResponse?>(nil)
        func set(_ response: HTTPResponse) { text.withLock { $0 = response } }
        var body: String? { text.withLock { $0 }.map { String(decoding: $0.body, as: UTF8.self) } }
        var response: HTTPResponse? { text.withLock { $0 } }
    }

    private func request(_ seen: Int? = nil) -> (HTTPExchange, Answer) {
        let answer = Answer()
        var headers = HTTPHeaders()
        if let seen { headers["Last-Event-ID"] = String(seen) }
        return (HTTPExchange(HTTPRequest(.get, "/text/a", headers: headers)) { answer.set($0) }, answer)
    }

    private let start = Instant(nanoseconds: 0)

    @Test func aReaderIsAnsweredWhenThereIsNews() {
        var feed = TextFeed()
        let (exchange, answer) = request()
        feed.take(exchange, now: start)
        #expect(answer.body == nil)
        feed.publish(TextOutputTests.text("so", id: 1, at: 1))
        #expect(answer.response?.status == 200)
        #expect(answer.response?.headers["Content-Type"] == "text/event-stream; charset=utf-8")
        #expect(answer.body?.hasPrefix("retry: 200\nid: 1\ndata: {\"session\": \"\"") == true)
        #expect(answer.body?.hasSuffix("}\n\n") == true)
        #expect(feed.nextWake == nil)
    }

    @Test func oneThatWasAwayGetsTheNewestTextOfEachUtterance() {
        var feed = TextFeed()
        for (number, text) in ["a", "a b", "a b c"].enumerated() {
            feed.publish(TextOutputTests.text(text, id: 1, at: 0, isFinal: number == 2))
        }
        feed.publish(TextOutputTests.text("d", id: 2, at: 3))
        let (exchange, answer) = request(1)
        feed.take(exchange, now: start)
        let ids = answer.body?.split(separator: "\n").filter { $0.hasPrefix("id: ") }
        #expect(ids == ["id: 3", "id: 4"])
        #expect(answer.body?.contains("\"text\": \"a b c\"") == true)
    }

    @Test func withoutNewsAReaderIsSentAwayWithItsNumber() {
        var feed = TextFeed()
        feed.publish(TextOutputTests.text("a", id: 1, at: 0))
        let (exchange, answer) = request(99)
        feed.take(exchange, now: start)
        #expect(feed.nextWake == start + .seconds(20))
        feed.expire(now: start + .seconds(19))
        #expect(answer.body == nil)
        feed.expire(now: start + .seconds(20))
        #expect(answer.body == "retry: 200\nid: 1\n\n")
    }

    @Test func readersAndTextsAreBounded() {
        var feed = TextFeed()
        let held = (0..<TextFeed.readers).map { _ in request() }
        for (exchange, _) in held { feed.take(exchange, now: start) }
        let (exchange, answer) = request()
        feed.take(exchange, now: start)
        #expect(answer.response?.status == 503)
        for number in 1...1_000 { feed.publish(TextOutputTests.text("a", id: number, at: 0)) }
        #expect(held.allSatisfy { $0.1.body?.contains("id: 1\n") == true })
        let (late, all) = request(0)
        feed.take(late, now: start)
        #expect(all.body?.split(separator: "\n").filter { $0.hasPrefix("data: ") }.count == TextFeed.kept)
    }
}
