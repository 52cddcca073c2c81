import Sluice

/// The bytes that wait to go out to one peer, bounded: messages, and the viewer's microphone, of which the newest frame
/// is the one to go when 64 wait. Pure apart from the memory it keeps, which a steady stream does not enlarge.
struct Outbox {
    static let mostMicrophone = 64
    static let mostMessages = 1_024

    private var bytes: [UInt8] = []
    /// Of `bytes`, how many have gone out.
    private var gone = 0
    /// The lengths of what waits, in order, microphone frames negative; the first may have gone out in part.
    private var lengths: [Int] = []
    private var firstLength = 0
    private var firstGone = 0
    private(set) var microphone = 0
    private(set) var messages = 0

    var isEmpty: Bool { gone == bytes.count }

    /// False if so much waits already that the message is dropped.
    mutating func add(message json: String) -> Bool {
        guard messages < Outbox.mostMessages else { return false }
        let text = json.utf8
        MessagePrefix(.message, json: text.count, payload: 0).append(to: &bytes)
        bytes += text
        note(MessagePrefix.size + text.count)
        messages += 1
        return true
    }

    /// A frame of s16 PCM and its time in microseconds. False if it is dropped.
    mutating func add(microphone samples: UnsafeRawBufferPointer, at microseconds: Int64) -> Bool {
        guard microphone < Outbox.mostMicrophone else { return false }
        let payload = 8 + samples.count
        MessagePrefix(.microphone, json: 0, payload: payload).append(to: &bytes)
        withUnsafeBytes(of: microseconds.littleEndian) { bytes += $0 }
        bytes += samples
        note(-(MessagePrefix.size + payload))
        microphone += 1
        return true
    }

    private mutating func note(_ length: Int) { lengths.append(length) }

    /// The bytes to be written now.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.dropFirst(gone))) }
    }

    /// So many of them have gone out.
    mutating func remove(_ count: Int) {
        gone += count
        firstGone += count
        while firstLength < lengths.count, firstGone >= lengths[firstLength].magnitude {
            firstGone -= Int(lengths[firstLength].magnitude)
            if lengths[firstLength] < 0 { microphone -= 1 } else { messages -= 1 }
            firstLength += 1
        }
        if gone == bytes.count || gone > 1 << 16 {
            bytes.removeSubrange(0..<gone)
            lengths.removeSubrange(0..<firstLength)
            (gone, firstLength) = (0, 0)
        }
    }
}
