import Sluice

/// One peer's stream of bytes as segments and messages. Pure: it is asked, with the bytes that have come, what is next.
///
/// A segment is only taken up while there is room; until then nothing behind it in the stream is looked at, which holds
/// the writer. A message that is wrong or stale is read over, so the stream goes on behind it. Only bytes that are no
/// message break it.
final class SegmentReceiver {
    enum Event {
        case needsBytes
        /// A segment waits for room.
        case held
        case segment(Segment)
        /// A segment of an epoch that has passed, which is read over.
        case stale(UInt32)
        case message(ControlMessage)
        /// Something that is read over, and what is wrong with it.
        case refused(String)
        case broken(String)
    }

    private enum Mode: Equatable {
        case reading
        case assembling
        case skipping
    }

    private var parser = MessageParser()
    private let assembly = SegmentAssembly()
    private var mode = Mode.reading
    private var waiting: SegmentHeader?
    private let mostMemory: Int
    /// Bytes of the present payload, and how many have come.
    private var payload = (count: 0, come: 0)
    /// Segments that have come, whatever became of them.
    private(set) var received = 0

    /// `mostMemory` bytes a segment may take.
    init(mostMemory: Int) { self.mostMemory = mostMemory }

    /// A segment is being put together.
    var isAssembling: Bool { mode == .assembling }

    /// Memory of the segment that waits for room; 0 where none does.
    var held: Int { waiting?.memory ?? 0 }
    /// Memory of the segment that is being put together.
    private(set) var memory = 0

    /// A message has begun whose rest is missing.
    var isWithinMessage: Bool { waiting != nil || mode != .reading || !parser.isBetweenMessages }

    /// How much of a message has come whose rest is missing, in words; nil between messages.
    var unfinished: String? {
        if waiting != nil || mode != .reading {
            return "after \(payload.come) of the \(payload.count) bytes of a segment"
        }
        return parser.isBetweenMessages ? nil : "before a message was complete"
    }

    /// Takes bytes from the front until something has happened. A segment is taken up if there is room for one more,
    /// and if its memory fits.
    func next(
        _ bytes: inout UnsafeRawBufferPointer, hasRoom: Bool, rules: inout EpochRules,
        fits: (_ memory: Int) -> Bool = { _ in true }
    ) -> Event {
        while true {
            if let header = waiting {
                guard let epoch = rules.admit(header.epoch) else {
                    waiting = nil
                    mode = .skipping
                    received += 1
                    return .stale(header.epoch ?? 0)
                }
                guard hasRoom, fits(header.memory) else { return .held }
                waiting = nil
                mode = .assembling
                memory = header.memory
                assembly.begin(header, epoch: epoch)
            }
            switch parser.next(&bytes) {
            case .needsBytes: return .needsBytes
            case .broken(let error): return .broken(error.text)
            case .began(let prefix, let json):
                payload = (prefix.payloadCount, 0)
                if let event = begin(prefix, json) { return event }
            case .payload(let piece):
                payload.come += piece.count
                if mode == .assembling { assembly.append(piece) }
            case .ended:
                let wasAssembling = mode == .assembling
                mode = .reading
                memory = 0
                payload = (0, 0)
                guard wasAssembling else { continue }
                received += 1
                return .segment(assembly.end())
            }
        }
    }

    /// The segment that is being put together is read over if it has become stale.
    func abandonStale(_ rules: EpochRules) {
        guard mode == .assembling, rules.isStale(assembly.epoch) else { return }
        mode = .skipping
        memory = 0
        received += 1
        assembly.abandon()
    }

    private func begin(_ prefix: MessagePrefix, _ json: [UInt8]) -> Event? {
        mode = .skipping
        do throws(ProtocolError) {
            switch prefix.kind {
            case .microphone: return .refused("a peer sends no microphone; it gets one")
            case .message:
                guard prefix.payloadCount == 0 else {
                    return .refused("a message has \(prefix.payloadCount) bytes of payload; only segments have one")
                }
                return .message(try ControlMessage(json))
            case .segment:
                let header = try SegmentHeader(json, payloadCount: prefix.payloadCount)
                guard header.memory <= mostMemory else {
                    throw ProtocolError(
                        "a segment takes \(header.memory) bytes of memory, and max_segment_mb allows \(mostMemory)")
                }
                waiting = header
                return nil
            }
        } catch {
            if prefix.kind == .segment { received += 1 }
            return .refused(error.text)
        }
    }
}
