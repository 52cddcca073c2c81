import Sluice

/// When the packets of a transport came, as their receiver tells their sender
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1): the body of an RTCP packet 205, format 15.
public struct TransportFeedback: Equatable, Sendable {
    /// SSRC of the receiver.
    public var sender: UInt32
    /// SSRC of a stream that it receives.
    public var media: UInt32
    /// The transport sequence number that the first arrival is of.
    public var base: UInt16
    /// 24 bits, signed, in units of 64 ms of the receiver's clock; it wraps.
    public var reference: Int32
    /// Counts the feedback packets of the transport, so that a lost one is seen.
    public var number: UInt8
    /// Ticks of 250 µs behind the reference, one for each number from `base` on; `missing` where it has not come.
    public var arrivals: [Int32]

    /// In `arrivals`: the packet has not come.
    public static let missing = Int32.min
    /// 250 µs.
    public static let tick = Interval.microseconds(250)
    static let ticksOfReference: Int64 = 256
    /// More in one packet are refused: a run of two bytes may claim 8,191.
    static let most = 8_192

    /// `reference` in 64 ms, `arrivals` in 250 µs behind it.
    public init(sender: UInt32, media: UInt32, base: UInt16, reference: Int32, number: UInt8, arrivals: [Int32]) {
        self.sender = sender
        self.media = media
        self.base = base
        self.reference = reference
        self.number = number
        self.arrivals = arrivals
    }

    private enum Symbol {
        static let missing: UInt8 = 0
        static let small: UInt8 = 1
        static let large: UInt8 = 2
    }

    // MARK: Reading

    /// `bytes` are a whole RTCP packet without padding, or with zeros as padding. nil where they do not add up.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 20 else { return nil }
        let count = Int(bytes.big16(14))
        guard count > 0, count <= TransportFeedback.most else { return nil }
        let word = bytes.big32(16)
        self.init(
            sender: bytes.big32(4), media: bytes.big32(8), base: bytes.big16(12),
            reference: Int32(bitPattern: word) >> 8, number: UInt8(truncatingIfNeeded: word), arrivals: [])
        var symbols: [UInt8] = []
        symbols.reserveCapacity(count)
        var at = 20
        while symbols.count < count {
            guard at + 2 <= bytes.count else { return nil }
            TransportFeedback.read(bytes.big16(at), into: &symbols, count)
            at += 2
        }
        arrivals.reserveCapacity(count)
        var time: Int32 = 0
        for symbol in symbols {
            switch symbol {
            case Symbol.missing: arrivals.append(TransportFeedback.missing)
            case Symbol.small:
                guard at + 1 <= bytes.count else { return nil }
                time &+= Int32(bytes[at])
                at += 1
                arrivals.append(time)
            case Symbol.large:
                guard at + 2 <= bytes.count else { return nil }
                time &+= Int32(Int16(bitPattern: bytes.big16(at)))
                at += 2
                arrivals.append(time)
            default: return nil
            }
        }
    }

    /// A chunk (sections 3.1.3 and 3.1.4): a run of one symbol, or 14 or 7 symbols.
    private static func read(_ chunk: UInt16, into symbols: inout [UInt8], _ count: Int) {
        let room = count - symbols.count
        if chunk & 0x8000 == 0 {
            let run = min(room, Int(chunk & 0x1fff))
            symbols += repeatElement(UInt8(chunk >> 13 & 3), count: run)
            // A run of nothing would be read for ever.
            if run == 0 { symbols += repeatElement(3, count: room) }
        } else if chunk & 0x4000 == 0 {
            for index in 0..<min(room, 14) { symbols.append(UInt8(chunk >> (13 - UInt16(index)) & 1)) }
        } else {
            for index in 0..<min(room, 7) { symbols.append(UInt8(chunk >> (12 - 2 * UInt16(index)) & 3)) }
        }
    }

    // MARK: Writing

    /// Appends what follows the first word of the RTCP packet, filled up with zeros to a whole word.
    func append(to datagram: inout [UInt8]) {
        let start = datagram.count
        datagram.append(big32: sender)
        datagram.append(big32: media)
        datagram.append(big16: base)
        datagram.append(big16: UInt16(truncatingIfNeeded: arrivals.count))
        datagram.append(big32: UInt32(bitPattern: reference) << 8 | UInt32(number))
        var deltas: [Int32] = []
        var symbols: [UInt8] = []
        var before: Int32 = 0
        for arrival in arrivals {
            guard arrival != TransportFeedback.missing else {
                symbols.append(Symbol.missing)
                continue
            }
            let delta = arrival &- before
            before = arrival
            deltas.append(delta)
            symbols.append((0...255).contains(delta) ? Symbol.small : Symbol.large)
        }
        TransportFeedback.append(symbols, to: &datagram)
        for delta in deltas {
            if (0...255).contains(delta) {
                datagram.append(UInt8(delta))
            } else {
                datagram.append(big16: UInt16(bitPattern: Int16(clamping: delta)))
            }
        }
        datagram += [UInt8](repeating: 0, count: (4 - (datagram.count - start) % 4) % 4)
    }

    private static func append(_ symbols: [UInt8], to datagram: inout [UInt8]) {
        var rest = symbols[...]
        while let first = rest.first {
            let run = rest.prefix { $0 == first }.count
            let next = rest.prefix(14)
            if run >= 14 || run == rest.count {
                let taken = min(run, 0x1fff)
                datagram.append(big16: UInt16(first) << 13 | UInt16(taken))
                rest = rest.dropFirst(taken)
            } else if next.allSatisfy({ $0 < Symbol.large }) {
                let bits = next.enumerated().reduce(UInt16(0x8000)) { $0 | UInt16($1.element) << (13 - $1.offset) }
                datagram.append(big16: bits)
                rest = rest.dropFirst(14)
            } else {
                let bits = rest.prefix(7).enumerated().reduce(UInt16(0xc000)) {
                    $0 | UInt16($1.element) << (12 - 2 * $1.offset)
                }
                datagram.append(big16: bits)
                rest = rest.dropFirst(7)
            }
        }
    }
}
