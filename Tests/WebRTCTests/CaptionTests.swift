import HTTP
import Sluice
import Synchronization
import Testing

@testable import WebRTCPlugin

/// Texts for the page of one peer.
@Suite("Captions of a peer") struct CaptionTests {
    private let zero = Instant(nanoseconds: 0)
    private static let schema = DataSchema("transcript", fields: [.init("text", help: "The text.")])

    private func item(_ text: String) -> DataItem {
        DataItem(format: MediaFormat(data: Self.schema), ["text": .init(.string(text))])
    }

    private func read(_ response: HTTPResponse) -> String {
        var text = String(decoding: response.body, as: UTF8.self)
        while case .piece(let bytes)? = response.stream?.pieces.take() {
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text
    }

    @Test func aPageGetsWhatWasSaidAndWhatComes() {
        let captions = PeerCaptions()
        for number in 1...20 { captions.tell(item("\(number)"), now: zero) }
        let page = captions.response()
        #expect(page.status == 200 && page.headers.mediaType == "text/event-stream")
        captions.tell(item("more"), now: zero)
        let lines = read(page).split(separator: "\n").filter { $0.hasPrefix("data: ") }
        #expect(lines.count == 17 && lines.first == #"data: {"text": "5"}"# && lines.last == #"data: {"text": "more"}"#)
        captions.end()
        #expect(page.stream?.pieces.take() == .over && captions.response().status == 503)
    }

    @Test func pagesAreBoundedAndThoseThatGoMakeRoom() {
        let captions = PeerCaptions()
        let pages = (0..<4).map { _ in captions.response() }
        #expect(captions.response().status == 503)
        pages[0].stream?.pieces.close()
        let late = captions.response()
        #expect(late.status == 200)
        captions.tell(item("a"), now: zero)
        captions.ask(now: zero + .seconds(15))
        #expect(read(late) == ":\n\ndata: {\"text\": \"a\"}\n\n:\n\n")
        // One that does not read is let go.
        for number in 0..<100 { captions.tell(item("\(number)"), now: zero) }
        #expect(pages[1].stream?.isOpen == false && captions.response().status == 200)
    }

    @Test func aPageWithAWebSocketGetsThemAsMessages() {
        let captions = PeerCaptions()
        let sent = Mutex<[String]>([])
        captions.go { text in sent.withLock { $0.append(text) } }
        captions.tell(item("so"), now: zero)
        captions.ask(now: zero + .seconds(60))
        #expect(sent.withLock { $0 } == [#"{"type": "caption", "text": "so"}"#])
        let page = PeerPage.html(path: "/peer/a", takesMicrophone: true, showsCaptions: true)
        #expect(page.contains("<div id=\"captions\"") && page.contains("function showText(text)"))
        let plain = PeerPage.html(path: "/peer/a", takesMicrophone: true)
        #expect(!plain.contains("<div id=\"captions\"") && plain.contains("const showText = () => {}"))
    }

    @Test func thePageReadsThemWhereItIsToldTo() {
        #expect(ViewerPage.html(path: "/whep/a", takesMicrophone: true, showsCaptions: true).contains("readEvents(of"))
        let plain = ViewerPage.html(path: "/whep/a", takesMicrophone: true)
        #expect(!plain.contains("readEvents") && !plain.contains("<div id=\"captions\""))
    }
}
