import CWebsockets

/// The server's side of a WebSocket as bytes (RFC 6455, section 5). Pure.
enum WebSocketWriter {
    static func text(_ message: String) -> [UInt8] { frame(1, Array(message.utf8)) }
    static func ping() -> [UInt8] { frame(9, []) }
    /// The same bytes that the ping had, 125 at most.
    static func pong(_ bytes: [UInt8]) -> [UInt8] { frame(10, bytes) }

    /// A code that may not be sent becomes none. The reason is cut behind a whole character, within 123 bytes.
    static func close(_ code: Int, _ reason: String) -> [UInt8] {
        guard isCode(code) else { return frame(8, []) }
        var cut = ""
        for character in reason.unicodeScalars where cut.utf8.count <= 119 { cut.unicodeScalars.append(character) }
        return frame(8, [UInt8(code >> 8), UInt8(code & 0xff)] + Array(cut.utf8))
    }

    /// One that may stand in a close frame (section 7.4).
    static func isCode(_ code: Int) -> Bool {
        switch code {
        case 1_000...1_003, 1_007...1_014, 3_000...4_999: true
        default: false
        }
    }

    private static func frame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x80 | opcode]
        let count = payload.count
        if count < 126 {
            bytes.append(UInt8(count))
        } else if count < 65_536 {
            bytes += [126, UInt8(count >> 8), UInt8(count & 0xff)]
        } else {
            bytes.append(127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        return bytes + payload
    }

    /// The proof for a client's key (section 4.2.2): base64 of SHA-1.
    static func accept(_ key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        cws_sha1(text, text.count, &digest)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { room in
            let count = digest.withUnsafeBytes {
                lws_b64_encode_string($0.bindMemory(to: CChar.self).baseAddress, 20, room.baseAddress, 64)
            }
            return String(decoding: room.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Sixteen bytes in base64.
    static func isKey(_ text: String) -> Bool {
        text.utf8.count == 24 && text.hasSuffix("==")
            && text.utf8.dropLast(2).allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == 0x2b || byte == 0x2f
            }
    }
}
