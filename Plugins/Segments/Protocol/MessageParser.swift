/// The prefix of every message, in both directions: 16 bytes.
///
///     0   4  "AVS1"
///     4   1  kind
///     5   3  zero
///     8   4  bytes of JSON that follow, little-endian
///     12  4  bytes of payload that follow the JSON, little-endian
struct MessagePrefix: Equatable {
    enum Kind: UInt8 {
        /// JSON alone.
        case message = 1
        /// A segment: JSON, then its pictures one behind the other, then its PCM.
        case segment = 2
        /// The viewer's microphone: no JSON, a time and PCM. Only to the peer.
        case microphone = 3
    }

    var kind: Kind
    var jsonCount: Int
    var payloadCount: Int

    static let size = 16
    static let magic = Array("AVS1".utf8)
    static let mostJSON = 65_536

    func append(to bytes: inout [UInt8]) {
        bytes += MessagePrefix.magic
        withUnsafeBytes(of: UInt32(kind.rawValue).littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: jsonCount).littleEndian) { bytes += $0 }
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: payloadCount).littleEndian) { bytes += $0 }
    }

    /// Throws where no message can begin with these 16 bytes.
    init(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard bytes.prefix(4).elementsEqual(MessagePrefix.magic) else {
            let found = bytes.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
            throw ProtocolError("no message begins with the bytes \(found); each begins with AVS1")
        }
        guard let kind = Kind(rawValue: bytes[4]), bytes[5...7].allSatisfy({ $0 == 0 }) else {
            throw ProtocolError("a message of kind \(bytes[4]) is not known; there are 1 (message) and 2 (segment)")
        }
        func number(at offset: Int) -> Int {
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        self.init(kind, json: number(at: 8), payload: number(at: 12))
        guard jsonCount <= MessagePrefix.mostJSON else {
            throw ProtocolError("a message says that it has \(jsonCount) bytes of JSON; at most 65536 are allowed")
        }
    }

    static func read(_ bytes: UnsafeRawBufferPointer) -> Result<MessagePrefix, ProtocolError> {
        do throws(ProtocolError) { return .success(try MessagePrefix(bytes)) } catch { return .failure(error) }
    }

    init(_ kind: Kind, json: Int, payload: Int) { (self.kind, jsonCount, payloadCount) = (kind, json, payload) }
}

/// The mistake of a peer, as a sentence without its full stop.
struct ProtocolError: Error, Equatable {
    let text: String
    init(_ text: String) { self.text = text }
}

private func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// Cuts a stream of bytes into messages, whatever pieces it comes in. Pure; after an error nothing can be made of the
/// stream any more.
struct MessageParser {
    enum Step {
        /// All bytes are used.
        case needsBytes
        /// Prefix and JSON are complete; the payload follows.
        case began(MessagePrefix, json: [UInt8])
        /// A piece of the payload, which lasts as long as the bytes that were given.
        case payload(UnsafeRawBufferPointer)
        /// The message is complete.
        case ended
        case broken(ProtocolError)
    }

    private enum State {
        case prefix
        case json(MessagePrefix)
        case payload(left: Int)
        case broken(ProtocolError)
    }

    private var state = State.prefix
    /// The beginning of a prefix or of JSON whose rest has not come.
    private var partial: [UInt8] = []

    /// No message has begun whose end has not come.
    var isBetweenMessages: Bool {
        if case .prefix = state { return partial.isEmpty }
        if case .broken = state { return true }
        return false
    }

    /// Takes from the front of `bytes` what makes the next step.
    mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Step {
        switch state {
        case .broken(let error): return .broken(error)
        case .prefix:
            guard collect(MessagePrefix.size, from: &bytes) else { return .needsBytes }
            let result = partial.withUnsafeBytes { MessagePrefix.read($0) }
            partial.removeAll(keepingCapacity: true)
            switch result {
            case .success(let prefix): state = .json(prefix)
            case .failure(let error): state = .broken(error)
            }
            return next(&bytes)
        case .json(let prefix):
            guard collect(prefix.jsonCount, from: &bytes) else { return .needsBytes }
            let json = partial
            partial.removeAll(keepingCapacity: true)
            state = .payload(left: prefix.payloadCount)
            return .began(prefix, json: json)
        case .payload(let left):
            guard left > 0 else {
                state = .prefix
                return .ended
            }
            guard !bytes.isEmpty else { return .needsBytes }
            let piece = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(piece.count))
            state = .payload(left: left - piece.count)
            return .payload(piece)
        }
    }

    private mutating func collect(_ count: Int, from bytes: inout UnsafeRawBufferPointer) -> Bool {
        let taken = min(count - partial.count, bytes.count)
        partial.append(contentsOf: bytes.prefix(taken))
        bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(taken))
        return partial.count == count
    }
}
