import Sluice

/// Finds a connection that is dead without a word: a ping every 5 s that must be answered before the next, and speech
/// that nobody writes. Pure.
///
/// Speech for 5 s without a word ends it, where less than 0.7 s of speech does not count. Where the other end answers a
/// ping meanwhile, and so lives, the patience doubles, up to 30 s: it may be that there are no words. Behind the last
/// audio a ping must be answered within 2 s, so that time is left for another connection.
struct LineWatch: Sendable {
    static let ping = Interval.seconds(5)
    static let leaving = Interval.seconds(2)
    static let patience = 5.0
    static let least = 0.7
    /// Samples of silence that end a sound which was too short.
    static let pause = 32_000

    private var pinged: Instant?
    private var lastPing = Instant(nanoseconds: 0)
    /// In s, of speech that was sent since the last word.
    private(set) var speech = 0.0
    private var quiet = 0
    private var since = Instant(nanoseconds: 0)
    private var barren = 0
    private var pongPatience = LineWatch.ping

    mutating func open(_ now: Instant) {
        (pinged, lastPing, pongPatience) = (nil, now, LineWatch.ping)
        (speech, quiet, since) = (0, 0, now)
    }

    /// Nothing more is said. A ping is to be sent.
    mutating func leave(_ now: Instant) { (pinged, lastPing, pongPatience) = (now, now, LineWatch.leaving) }

    /// Of `samples` that leave, so many are speech.
    mutating func sent(_ samples: Int, speech new: Int, _ now: Instant) {
        quiet = new > 0 ? 0 : quiet + samples
        if quiet > LineWatch.pause, speech < LineWatch.least { speech = 0 }
        if speech == 0, new > 0 { since = now }
        speech += Double(new) / ConnectionClock.rate
    }

    /// The connection lives.
    mutating func heardSomething() { pinged = nil }

    /// Words came.
    mutating func heardWords(_ now: Instant) {
        (speech, since, barren) = (0, now, 0)
    }

    /// Everything that was said has its text, or is known to have none.
    mutating func isSettled() { speech = 0 }

    private var limit: Interval { .seconds(min(30, LineWatch.patience * Double(1 << min(barren, 3)))) }

    private var isUnanswered: Bool { speech >= LineWatch.least }

    /// Half way to the end of the patience, so that its end knows whether the other end lives.
    private var pingDue: Instant {
        let regular = lastPing + LineWatch.ping
        let half = since + .seconds(LineWatch.patience / 2)
        return isUnanswered && pinged == nil && lastPing < half ? min(regular, half) : regular
    }

    var next: Instant {
        let ping = pinged.map { min($0 + pongPatience, pingDue) } ?? pingDue
        return isUnanswered ? min(ping, since + limit) : ping
    }

    enum Step: Equatable {
        case ping
        /// The middle of a sentence behind the provider's name.
        case dead(String)
    }

    mutating func tick(_ name: String, _ now: Instant) -> Step? {
        if isUnanswered, now >= since + limit {
            let seconds = limit.seconds
            barren = pinged == nil ? barren + 1 : 0
            return .dead("speech for \(Tenths.text(seconds)) s and no word from \(name): connecting anew")
        }
        if let pinged, now >= pinged + pongPatience {
            return .dead("no answer to a ping for \(Tenths.text(pongPatience.seconds)) s from \(name): connecting anew")
        }
        guard pinged == nil, now >= pingDue else { return nil }
        (pinged, lastPing) = (now, now)
        return .ping
    }
}

/// Seconds as sentences have them: "5.0".
enum Tenths {
    static func text(_ seconds: Double) -> String {
        let value = Int((min(max(seconds, -1e9), 1e9) * 10).rounded())
        return "\(value < 0 ? "-" : "")\(abs(value) / 10).\(abs(value) % 10)"
    }
}
