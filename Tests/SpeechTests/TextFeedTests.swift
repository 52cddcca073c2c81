import HTTP
import Sluice
import Synchronization
import Testing

@testable import SpeechPlugin

@Suite struct TextFeedTests {
    /// One that reads, as the HTTP service does for it.
    private final class Reader: Sendable {
        private let response = Mutex<HTTPResponse?>(nil)
        private let read = Mutex("")

        func set(_ answer: HTTPResponse) {
            response.withLock { $0 = answer }
            read.withLock { $0 += String(decoding: answer.body, as: UTF8.self) }
        }
        var answer: HTTPResponse? { response.withLock { $0 } }
        var isOver: Bool { answer?.stream.map { $0.pieces.take() == .over } ?? true }
        /// All that has come so far.
        var text: String {
            while case .piece(let bytes)? = answer?.stream?.pieces.take() {
                read.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
            }
            return read.withLock { $0 }
        }
        var numbers: [String] {
            text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
        }
    }

    private let start = Instant(nanoseconds: 0)

    private func join(_ feed: inout TextFeed, seen: Int? = nil, query: String = "") -> Reader {
        let reader = Reader()
        var headers = HTTPHeaders()
        if let seen { headers["Last-Event-ID"] = String(seen) }
        let request = HTTPRequest(.get, "/text/a", query: query, headers: headers)
        feed.take(HTTPExchange(request) { reader.set($0) }, now: start)
        return reader
    }

    @Test func aReaderIsAnsweredAtOnceAndHearsWhatComes() {
        var feed = TextFeed()
        let reader = join(&feed)
        #expect(reader.answer?.status == 200)
        #expect(reader.answer?.headers["Content-Type"] == "text/event-stream; charset=utf-8")
        #expect(reader.text == "retry: 1000\n\n")
        feed.publish(TextOutputTests.text("so", id: 1, at: 1))
        feed.publish(TextOutputTests.text("so what", id: 1, at: 1))
        #expect(reader.text.hasPrefix("retry: 1000\n\nid: 1\ndata: {\"session\": \"\""))
        #expect(reader.numbers == ["1", "2"] && reader.text.hasSuffix("}\n\n"))
        feed.end()
        #expect(reader.isOver)
    }

    @Test func oneThatWasAwayGetsTheNewestTextOfEachUtterance() {
        var feed = TextFeed()
        for (number, text) in ["a", "a b", "a b c"].enumerated() {
            feed.publish(TextOutputTests.text(text, id: 1, at: 0, isFinal: number == 2))
        }
        feed.publish(TextOutputTests.text("d", id: 2, at: 3))
        let reader = join(&feed, seen: 1)
        #expect(reader.numbers == ["3", "4"])
        #expect(reader.text.contains("\"text\": \"a b c\""))
        // A first one begins with what comes, unless it wants all; a number of another run is none.
        #expect(join(&feed).numbers.isEmpty && join(&feed, seen: 99).numbers.isEmpty)
        #expect(join(&feed, query: "all").numbers == ["3", "4"])
    }

    @Test func aReaderIsAskedWhetherItIsStillThere() {
        var feed = TextFeed()
        #expect(feed.nextWake == nil)
        let (stays, goes) = (join(&feed), join(&feed))
        goes.answer?.stream?.pieces.close()
        #expect(feed.nextWake == start + .seconds(15))
        feed.expire(now: start + .seconds(15))
        #expect(stays.text == "retry: 1000\n\n:\n\n" && feed.nextWake == start + .seconds(30))
        // One that went of its own accord was not dropped.
        #expect(feed.dropped == 0)
    }

    @Test func readersAndTextsAreBounded() {
        var feed = TextFeed()
        let held = (0..<TextFeed.readers).map { _ in join(&feed) }
        #expect(join(&feed).answer?.status == 503)
        for number in 1...1_000 {
            feed.publish(TextOutputTests.text("a", id: number, at: 0))
            // One of them reads.
            if number % 10 == 0 { _ = held[0].text }
        }
        #expect(feed.dropped == TextFeed.readers - 1)
        #expect(held[0].numbers.count == 1_000 && held[1].answer?.stream?.pieces.isStuck == true)
        // They have left room.
        #expect(join(&feed, seen: 0).numbers.count == TextFeed.kept)
    }
}
