import Sluice

/// Measures the round trip to an SRT listener before a connection: sends the first packet of SRT's handshake (the
/// induction of draft-sharabayko-srt-01, section 4.3.1.1) some times and takes the shortest time to an answer.
///
/// A listener answers an induction with a cookie and remembers nothing, so no connection comes to be that a server
/// would take for a second publisher of the same name, or count, or log. Bytes and times in, bytes and times out.
struct RoundTripProbe {
    private var sent: [Instant] = []
    /// The shortest round trip so far.
    private(set) var best: Interval?
    private var answers = 0
    private let began: Instant

    static let count = 5
    static let pause = Interval.milliseconds(20)
    /// After the last packet.
    static let patience = Interval.milliseconds(1_000)

    init(at now: Instant) { began = now }

    enum Step: Equatable {
        case send([UInt8])
        case wait(until: Instant)
        case done(Interval?)
    }

    mutating func step(_ now: Instant) -> Step {
        if answers == RoundTripProbe.count { return .done(best) }
        if sent.count < RoundTripProbe.count {
            let due = sent.last.map { $0 + RoundTripProbe.pause } ?? began
            guard now >= due else { return .wait(until: due) }
            sent.append(now)
            return .send(RoundTripProbe.induction(number: sent.count - 1))
        }
        // The first answer says how long the others can be on their way.
        let patience = best.map { Interval(nanoseconds: 2 * $0.nanoseconds + 20_000_000) } ?? RoundTripProbe.patience
        let end = sent.last! + min(patience, RoundTripProbe.patience)
        return now >= end ? .done(best) : .wait(until: end)
    }

    /// An answer to one of the packets; everything else is ignored.
    mutating func received(_ bytes: [UInt8], at now: Instant) {
        guard bytes.count >= 64, bytes[0] == 0x80, bytes[1] == 0x00 else { return }
        func word(_ index: Int) -> UInt32 { bytes[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        // An answer goes to the socket id that the question named: the header's last word.
        let number = Int(word(12)) - RoundTripProbe.firstID
        guard sent.indices.contains(number), word(36) == 1 else { return }
        answers += 1
        let time = now - sent[number]
        best = min(best ?? time, time)
    }

    private static let firstID = 0x2a5c_0000

    /// A handshake packet (section 3.2.1): header of 16 bytes, then version 4, type of socket 2, 0x0 as the first
    /// sequence number, 1,500 bytes, a window of 8,192 packets, request 1 (induction), our socket id, no cookie, no
    /// address.
    static func induction(number: Int) -> [UInt8] {
        let words: [UInt32] = [
            0x8000_0000, 0, 0, 0, 4, 2, 0, 1_500, 8_192, 1, UInt32(firstID + number), 0, 0, 0, 0, 0,
        ]
        return words.flatMap { word in stride(from: 24, through: 0, by: -8).map { UInt8(word >> UInt32($0) & 0xff) } }
    }
}
