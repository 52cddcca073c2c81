/// Reads a client's side of a WebSocket: frames to messages (RFC 6455, section 5). Pure and total.
struct WebSocketReader {
    /// The end of a connection that breaks the rules, with the code and the reason that it is closed with.
    struct Fault: Error, Equatable {
        var code: Int
        var reason: String
    }

    enum Event: Equatable {
        case text(String)
        case ping([UInt8])
        case pong
        /// 1005 where no code was given.
        case close(Int, String)
    }

    /// Bytes of a message, at most.
    static let most = 65_536

    private var head: [UInt8] = []
    private var isFinal = false
    private var opcode: UInt8 = 0
    private var mask: [UInt8] = [0, 0, 0, 0]
    private var position = 0
    /// Payload that is still to come; nil between frames.
    private var left: Int?
    private var message: [UInt8] = []
    /// A message has begun and goes on.
    private var isInMessage = false
    private var control: [UInt8] = []

    init() {}

    /// Takes from the front of `bytes` up to the end of an event; nil where they end before. Throws `Fault`.
    mutating func next(_ bytes: inout ArraySlice<UInt8>) throws -> Event? {
        while true {
            if left == nil, try !takeHead(&bytes) { return nil }
            let count = min(left ?? 0, bytes.count)
            let part = bytes.prefix(count).enumerated().map { $0.element ^ mask[(position + $0.offset) & 3] }
            if opcode >= 8 { control += part } else { message += part }
            position += count
            bytes = bytes.dropFirst(count)
            left = (left ?? 0) - count
            guard left == 0 else { return nil }
            left = nil
            if let event = try finished() { return event }
        }
    }

    /// False where the head of the frame is not whole.
    private mutating func takeHead(_ bytes: inout ArraySlice<UInt8>) throws -> Bool {
        while let byte = bytes.popFirst() {
            head.append(byte)
            guard head.count >= 2 else { continue }
            let short = Int(head[1] & 0x7f)
            let extra = short == 126 ? 2 : short == 127 ? 8 : 0
            if head.count == 2 { try check(short) }
            guard head.count == 2 + extra + 4 else { continue }
            // The first of eight length bytes is below 128 (section 5.2); the value is checked before it is used.
            let length = extra == 0 ? UInt64(short) : head[2..<2 + extra].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            mask = Array(head.suffix(4))
            head = []
            position = 0
            guard opcode >= 8 || length <= UInt64(WebSocketReader.most - message.count) else {
                throw Fault(code: 1_009, reason: "a message has at most \(WebSocketReader.most) bytes")
            }
            left = Int(length)
            return true
        }
        return false
    }

    private mutating func check(_ short: Int) throws {
        func broken(_ reason: String) -> Fault { Fault(code: 1_002, reason: reason) }
        isFinal = head[0] & 0x80 != 0
        opcode = head[0] & 0x0f
        guard head[0] & 0x70 == 0 else { throw broken("a reserved bit is set") }
        guard head[1] & 0x80 != 0 else { throw broken("a frame is not masked") }
        switch opcode {
        case 0: guard isInMessage else { throw broken("nothing is to be continued") }
        case 1: guard !isInMessage else { throw broken("a message begins inside another") }
        case 2: throw Fault(code: 1_003, reason: "messages are text here")
        case 8, 9, 10: guard isFinal, short <= 125 else { throw broken("a control frame is too long") }
        default: throw broken("opcode \(opcode) has no meaning")
        }
        if opcode < 8 { isInMessage = true }
    }

    private mutating func finished() throws -> Event? {
        defer { if opcode >= 8 { control = [] } }
        switch opcode {
        case 8: return try closing()
        case 9: return .ping(control)
        case 10: return .pong
        default:
            guard isFinal else { return nil }
            isInMessage = false
            let whole = message
            message = []
            guard let text = String(validating: whole, as: UTF8.self) else {
                throw Fault(code: 1_007, reason: "a message is no UTF-8")
            }
            return .text(text)
        }
    }

    private func closing() throws -> Event {
        if control.isEmpty { return .close(1_005, "") }
        guard control.count >= 2 else { throw Fault(code: 1_002, reason: "the close code is cut") }
        let code = Int(control[0]) << 8 | Int(control[1])
        guard WebSocketWriter.isCode(code) else { throw Fault(code: 1_002, reason: "\(code) is no close code") }
        guard let reason = String(validating: control.dropFirst(2), as: UTF8.self) else {
            throw Fault(code: 1_007, reason: "the reason is no UTF-8")
        }
        return .close(code, reason)
    }
}
