import Foundation
import HTTP
import Sluice
import Synchronization
import TestSupport
import Testing

@testable import HTTPPlugin

/// Answers that go on, by real sockets.
@Suite(.realPeers, .serialized) struct StreamTests {
    private final class Streams: Sendable {
        let all = Mutex<[HTTPStream]>([])
        var count: Int { all.withLock { $0.count } }
        func send(_ text: String) -> [Bool] { all.withLock { $0 }.map { $0.send(text) } }
        func end() { all.withLock { streams in for stream in streams { stream.end() } } }
    }

    private func rig() throws -> (Rig, Streams) {
        let (rig, streams) = (try Rig(), Streams())
        var route = HTTPRoute(.get, path: "/text/{name}", exposes: [])
        route.page = HTTPContent("/text/a", type: "text/html; charset=utf-8", "<p>page</p>")
        try rig.serve(route) { _ in
            let stream = HTTPStream()
            streams.all.withLock { $0.append(stream) }
            var response = HTTPResponse(200, "text/event-stream", "retry: 1\n\n")
            response.stream = stream
            return response
        }
        return (rig, streams)
    }

    @Test func piecesComeInChunksAsTheyAreSent() throws {
        let (rig, streams) = try rig()
        let client = RawClient(port: rig.port)
        client.send("GET /text/a HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n")
        try wait(for: "the stream") { streams.count == 1 }
        var text = ""
        func read(to end: String) {
            while !text.contains(end), case let more = client.receive(), !more.isEmpty {
                text += String(decoding: more, as: UTF8.self)
            }
        }
        read(to: "retry: 1\n\n\r\n")
        #expect(text.contains("\r\nTransfer-Encoding: chunked\r\n") && !text.contains("Content-Length"))
        #expect(text.contains("Access-Control-Allow-Origin: *"))
        #expect(text.hasSuffix("\r\n\r\na\r\nretry: 1\n\n\r\n"))
        #expect(rig.server.counts.streams == 1)
        text = ""
        #expect(streams.send("data: 1\n\n") == [true])
        read(to: "\n\n\r\n")
        #expect(text == "9\r\ndata: 1\n\n\r\n")
        // Behind its end the connection takes the next request.
        client.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        text = ""
        streams.end()
        read(to: "There is nothing here.")
        #expect(text.hasPrefix("0\r\n\r\nHTTP/1.1 404"))
        #expect(rig.server.counts.streams == 0)
    }

    @Test func anOldClientReadsToTheEndOfTheConnection() throws {
        let (rig, streams) = try rig()
        let client = RawClient(port: rig.port)
        client.send("GET /text/a HTTP/1.0\r\n\r\n")
        try wait(for: "the stream") { streams.count == 1 }
        _ = streams.send("data: 1\n\n")
        streams.end()
        let text = client.all()
        #expect(text.hasSuffix("\r\n\r\nretry: 1\n\ndata: 1\n\n") && !text.contains("chunked"), "\(text)")
    }

    @Test func oneThatGoesIsNoticed() throws {
        let (rig, streams) = try rig()
        var client: RawClient? = RawClient(port: rig.port)
        client?.send("GET /text/a HTTP/1.1\r\nHost: a\r\n\r\n")
        try wait(for: "the stream") { streams.count == 1 && rig.server.counts.streams == 1 }
        client = nil
        try wait(for: "the end of the stream") { rig.server.counts.streams == 0 }
        #expect(streams.send("x") == [false])
    }

    @Test func oneThatDoesNotReadIsDroppedAndTheOthersAreNot() throws {
        let (rig, streams) = try rig()
        let (slow, quick) = (RawClient(port: rig.port), RawClient(port: rig.port))
        slow.send("GET /text/a HTTP/1.1\r\nHost: a\r\n\r\n")
        try wait(for: "the first stream") { streams.count == 1 }
        quick.send("GET /text/b HTTP/1.1\r\nHost: a\r\n\r\n")
        try wait(for: "the second stream") { streams.count == 2 }
        let piece = String(repeating: "x", count: 65_536)
        try wait(for: "the slow one's end") {
            #expect(streams.send(piece).last == true)
            var read = 0
            while read < piece.utf8.count, case let more = quick.receive(), !more.isEmpty { read += more.count }
            return rig.server.counts.streamsStuck == 1
        }
        #expect(streams.send("x").first == false && rig.server.counts.streams == 1)
    }

    @Test func browsersGetThePageAndHeadGetsAHead() throws {
        let (rig, streams) = try rig()
        #expect(
            try Finished.curl("-H", "Accept: text/html,*/*;q=0.8", "\(rig.server.address)/text/a").output
                .hasSuffix("<p>page</p>"))
        let head = try Finished.curl("--head", "\(rig.server.address)/text/a").output
        #expect(head.hasPrefix("HTTP/1.1 200") && !head.contains("retry"))
        #expect(rig.server.counts.streams == 0 && streams.send("x") == [false])
    }

    @Test func theServiceEndsThemWithItself() throws {
        let (rig, streams) = try rig()
        let client = RawClient(port: rig.port)
        client.send("GET /text/a HTTP/1.1\r\nHost: a\r\n\r\n")
        try wait(for: "the stream") { streams.count == 1 && rig.server.counts.streams == 1 }
        rig.server.close()
        #expect(client.all().hasSuffix("retry: 1\n\n\r\n"))
        #expect(streams.send("x") == [false])
    }
}

/// The queues towards the other end, without a socket.
@Suite struct FullQueueTests {
    /// While the kernel takes no more nobody looks at the queue: a full one says so of its own accord.
    @Test func aFullQueueWakesTheServiceThoughItIsWoken() {
        let wakes = Mutex(0)
        let queue = SocketQueue { wakes.withLock { $0 += 1 } }
        #expect((0..<SocketQueue.most).allSatisfy { _ in queue.put("x") } && wakes.withLock { $0 } == 1)
        #expect(!queue.put("x") && !queue.put("x") && queue.isStuck && wakes.withLock { $0 } == 2)
        let stream = HTTPStream()
        wakes.withLock { $0 = 0 }
        stream.pieces.attach { wakes.withLock { $0 += 1 } }
        #expect((0..<HTTPStream.most).allSatisfy { _ in stream.send("x") } && wakes.withLock { $0 } == 1)
        #expect(!stream.send("x") && !stream.send("x") && !stream.isOpen && wakes.withLock { $0 } == 2)
    }
}
