import Sluice

/// Puts the packets of one elementary stream together again (ISO/IEC 13818-1, 2.4.3.6) and hands each on as soon as its
/// last transport packet is there.
///
/// The end of a PES packet that says its length is known. Video may leave it out, and most muxers do; waiting for the
/// next one would cost a whole picture's time. But the last transport packet of a PES packet is stuffed, unless it fits
/// by chance (one in 184), and others are not, so a stuffed packet is taken for the last. Where a stream stuffs in
/// the middle, that shows by what follows, and from then on the next PES packet is waited for.
public struct PESAssembler {
    /// The content of a stream's payload, one PES packet; its bytes are in `bytes` until the next call.
    public struct Unit: Equatable, Sendable {
        /// In units of 1/90,000 s modulo 2³³; nil where it says none.
        public var pts: Int64?
        /// As `pts`; nil where it says none, which means that it is the same.
        public var dts: Int64?
        /// When its first byte was there.
        public var began = Instant(nanoseconds: 0)
    }

    /// The payload of the unit that was returned last.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory.baseAddress, count: count) }
    /// A stuffed packet ends a PES packet without length. Unlearnt where it was wrong.
    public private(set) var trustsStuffing = true
    /// Units of which a part is missing.
    public private(set) var damaged = 0
    /// Transport packets that are missing.
    public private(set) var lost = 0
    /// A unit that is missing or incomplete came before the next one returned.
    public private(set) var hasGap = false

    private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 14, alignment: 64)
    private var count = 0
    /// Bytes that are still to come; nil where the length is not said.
    private var wanted: Int?
    private var unit = Unit()
    private var state = State.waiting
    private var counter = -1

    private enum State {
        /// For the start of a unit.
        case waiting
        case gathering
        /// Was handed on by a stuffed packet.
        case guessed
    }

    /// Bytes that the longest unit may have; a longer one is lost.
    public let limit: Int

    /// Most senders' keyframes are below this; one of 8K video may be four times as long.
    public static let usualLimit = 4 << 20

    /// `limit` in bytes.
    public init(limit: Int = PESAssembler.usualLimit) { self.limit = limit }

    /// Gives its memory back; nothing may be called after it.
    public mutating func release() { memory.deallocate() }

    /// Up to two units end with one packet: one that the next one's start ends, and one that fits in whole. `body` is
    /// called for each, with `bytes` set.
    public mutating func feed(_ packet: TSPacket, at now: Instant, _ body: (inout PESAssembler, Unit) -> Void) {
        guard !packet.payload.isEmpty else { return }
        if counter >= 0 {
            if packet.counter == counter && !packet.isDiscontinuous && repeats(packet) { return }
            let missing = (packet.counter - counter - 1) & 15
            if missing > 0 && !packet.isDiscontinuous {
                lost += missing
                drop()
            }
        }
        counter = packet.counter
        if packet.startsUnit {
            if state == .gathering {
                if wanted == nil { hand(body) } else { drop() }
            }
            begin(packet.payload, at: now)
        } else {
            switch state {
            case .waiting: return
            case .gathering: append(packet.payload)
            case .guessed:
                trustsStuffing = false
                damaged += 1
                hasGap = true
                state = .waiting
                return
            }
        }
        guard state == .gathering else { return }
        if wanted == 0 {
            hand(body)
            state = .waiting
        } else if wanted == nil && packet.isStuffed && trustsStuffing {
            hand(body)
            state = .guessed
        }
    }

    /// Whether a packet with the counter of the one before is the same one once more (2.4.3.3). Where a sender begins
    /// its file again, one in 16 has it by chance.
    private func repeats(_ packet: TSPacket) -> Bool {
        guard packet.startsUnit, let time = PESAssembler.times(packet.payload) else { return true }
        return time.pts == unit.pts && time.dts == unit.dts
    }

    /// Nothing more comes: what was said to be longer is not whole.
    public mutating func finish(_ body: (inout PESAssembler, Unit) -> Void) {
        if state == .gathering && wanted == nil { hand(body) }
        state = .waiting
    }

    /// The gap was told.
    public mutating func noteGapTold() { hasGap = false }

    private mutating func hand(_ body: (inout PESAssembler, Unit) -> Void) {
        if count > 0 { body(&self, unit) }
        count = 0
    }

    private mutating func drop() {
        hasGap = true
        if state == .gathering { damaged += 1 }
        state = .waiting
        count = 0
    }

    private mutating func append(_ payload: UnsafeRawBufferPointer) {
        let taken = min(payload.count, wanted ?? payload.count)
        guard count + taken <= limit else { return drop() }
        if count + taken > memory.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(min(memory.count * 2, limit), count + taken), alignment: 64)
            larger.copyMemory(from: UnsafeRawBufferPointer(memory))
            memory.deallocate()
            memory = larger
        }
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: payload[..<taken]))
        count += taken
        if let left = wanted { wanted = left - taken }
    }

    /// The header of a PES packet lies in its first transport packet: muxers see to that, and readers rely on it.
    private mutating func begin(_ payload: UnsafeRawBufferPointer, at now: Instant) {
        state = .waiting
        count = 0
        guard payload.count >= 9, payload[0] == 0, payload[1] == 0, payload[2] == 1, payload[6] & 0xc0 == 0x80 else {
            hasGap = true
            return
        }
        let length = Int(payload[4]) << 8 | Int(payload[5])
        let start = 9 + Int(payload[8])
        guard start <= payload.count, length == 0 || length >= start - 6 else {
            hasGap = true
            return
        }
        let times = PESAssembler.times(payload)
        unit = Unit(pts: times?.pts, dts: times?.dts, began: now)
        wanted = length == 0 ? nil : length - (start - 6)
        state = .gathering
        append(UnsafeRawBufferPointer(rebasing: payload[start...]))
    }

    /// Of a PES header; nil where it is none.
    private static func times(_ payload: UnsafeRawBufferPointer) -> (pts: Int64?, dts: Int64?)? {
        guard payload.count >= 9, payload[0] == 0, payload[1] == 0, payload[2] == 1 else { return nil }
        let start = 9 + Int(payload[8])
        guard start <= payload.count else { return nil }
        let flags = payload[7] >> 6
        let pts = flags & 2 != 0 && start >= 14 ? time(payload, at: 9) : nil
        return (pts, flags == 3 && start >= 19 ? time(payload, at: 14) : pts)
    }

    /// 33 bits with marker bits between them.
    private static func time(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int64 {
        Int64(bytes[index] >> 1 & 7) << 30 | Int64(bytes[index + 1]) << 22 | Int64(bytes[index + 2] >> 1) << 15
            | Int64(bytes[index + 3]) << 7 | Int64(bytes[index + 4] >> 1)
    }
}
