import Testing

@testable import HTTPPlugin

@Suite struct FrameTests {
    /// A client's frame, masked.
    static func frame(_ first: UInt8, _ payload: [UInt8], mask: [UInt8] = [1, 2, 3, 4]) -> [UInt8] {
        var bytes = [first]
        switch payload.count {
        case ..<126: bytes.append(0x80 | UInt8(payload.count))
        case ..<65_536: bytes += [0xfe, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        default: bytes += [0xff] + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
    }

    private func read(_ bytes: [UInt8], piece: Int = 100_000) -> (events: [WebSocketReader.Event], code: Int?) {
        var reader = WebSocketReader()
        var events: [WebSocketReader.Event] = []
        var at = 0
        do {
            while at < bytes.count {
                let end = min(bytes.count, at + piece)
                var part = bytes[at..<end]
                while let event = try reader.next(&part) { events.append(event) }
                at = end
            }
        } catch { return (events, (error as? WebSocketReader.Fault)?.code) }
        return (events, nil)
    }

    @Test(arguments: [1, 2, 7, 100_000])
    func fragmentsAreJoinedAroundControlFrames(piece: Int) {
        let bytes =
            Self.frame(0x01, Array("a\u{e9}".utf8.prefix(2))) + Self.frame(0x89, [9]) + Self.frame(0x00, [])
            + Self.frame(0x80, [0xa9]) + Self.frame(0x8a, []) + Self.frame(0x81, [])
            + Self.frame(0x81, [UInt8](repeating: 0x62, count: 65_536)) + Self.frame(0x88, [0x03, 0xe8, 0x78])
        let (events, code) = read(bytes, piece: piece)
        let wanted: [WebSocketReader.Event] = [
            .ping([9]), .text("a\u{e9}"), .pong, .text(""), .text(String(repeating: "b", count: 65_536)),
            .close(1_000, "x"),
        ]
        #expect(events.count == wanted.count && zip(events, wanted).allSatisfy { $0 == $1 } && code == nil)
    }

    @Test func framesThatBreakTheRulesEndItWithTheirCode() {
        let long = [UInt8](repeating: 0x61, count: 65_537)
        let cases: [([UInt8], Int)] = [
            ([0x81, 0x01, 0x61], 1_002), (Self.frame(0xc1, [1]), 1_002), (Self.frame(0x82, [1]), 1_003),
            (Self.frame(0x83, []), 1_002), (Self.frame(0x8b, []), 1_002), (Self.frame(0x80, []), 1_002),
            (Self.frame(0x01, []) + Self.frame(0x81, []), 1_002), (Self.frame(0x09, []), 1_002),
            (Self.frame(0x89, [UInt8](repeating: 0, count: 126)), 1_002), (Self.frame(0x81, long), 1_009),
            (Self.frame(0x01, Array(long.prefix(40_000))) + Self.frame(0x00, Array(long.prefix(40_000))), 1_009),
            ([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1_009),
            (Self.frame(0x81, [0xff]), 1_007), (Self.frame(0x81, [0xc3]), 1_007), (Self.frame(0x88, [3]), 1_002),
            (Self.frame(0x88, [0x03, 0xed]), 1_002), (Self.frame(0x88, [0x03, 0xe8, 0xff]), 1_007),
        ]
        for (bytes, wanted) in cases { #expect(read(bytes).code == wanted, "\(bytes.prefix(4))") }
        #expect(read(Self.frame(0x88, [])).events == [.close(1_005, "")])
    }

    @Test func lengthsAreWrittenInTheShortestForm() {
        #expect(WebSocketWriter.text("").elementsEqual([0x81, 0]))
        #expect(WebSocketWriter.text(String(repeating: "a", count: 125)).prefix(2).elementsEqual([0x81, 125]))
        #expect(WebSocketWriter.text(String(repeating: "a", count: 126)).prefix(4).elementsEqual([0x81, 126, 0, 126]))
        #expect(
            WebSocketWriter.text(String(repeating: "a", count: 65_536)).prefix(10)
                .elementsEqual([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]))
        #expect(WebSocketWriter.close(1_006, "x").elementsEqual([0x88, 0]))
        let cut = WebSocketWriter.close(1_000, String(repeating: "\u{e9}", count: 100))
        #expect(cut.count <= 127 && String(validating: cut.dropFirst(4), as: UTF8.self) != nil)
    }

    /// RFC 6455, section 1.3.
    @Test func theProofForAKeyIsThatOfTheRFC() {
        #expect(WebSocketWriter.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(WebSocketWriter.isKey("dGhlIHNhbXBsZSBub25jZQ=="))
        #expect(!WebSocketWriter.isKey("short") && !WebSocketWriter.isKey("dGhlIHNhbXBsZSBub25jZ!=="))
    }

    @Test func messagesWaitUpToABoundAndThenTheSocketIsStuck() {
        let woken = Said()
        let queue = SocketQueue { woken.add("") }
        #expect((0..<64).allSatisfy { queue.put("\($0)") } && !queue.isStuck && woken.all.count == 1)
        #expect(queue.take() == .text("0"))
        #expect(queue.put("64") && woken.all.count == 1)
        #expect(!queue.put("65") && queue.isStuck && !queue.put("66"))
        let other = SocketQueue {}
        #expect(other.put("a"))
        other.end(4_000, "b")
        #expect(!other.put("c"))
        #expect(other.take() == .text("a") && other.take() == .close(4_000, "b") && other.take() == nil)
        let large = SocketQueue {}
        let text = String(repeating: "x", count: 1_048_576)
        #expect((0..<4).allSatisfy { _ in large.put(text) } && !large.put("y"))
    }
}
