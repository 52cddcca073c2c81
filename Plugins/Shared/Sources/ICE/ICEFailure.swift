import Net
import Sluice

/// Why a session has ended, by how far it had come. `text` makes a sentence of it.
public enum ICEFailure: Error, Equatable, Sendable {
    /// Nobody asked for it.
    case noCheck(within: Interval)
    /// Checks came, and none with the right password.
    case wrongPassword(ICERoute, checks: Int, within: Interval)
    /// Checks were answered, and the peer chose none of the ways.
    case notSelected(ICERoute, checks: Int, within: Interval)
    /// It was connected, and the checks stopped.
    case consentLost(ICERoute, after: Interval)

    // Of the side that asks.

    /// The peer has told no candidate that can be tried.
    case noCandidate(hidden: Int, unusable: Int)
    /// No check was answered.
    case noAnswer([ICERoute], checks: Int, within: Interval)
    /// The last answer was an error (RFC 8489, section 14.8).
    case refused(ICERoute, code: Int)
    /// Checks were answered, and no path was agreed upon.
    case notChosen(ICERoute, within: Interval)
    /// It was connected, and the answers stopped.
    case unanswered(ICERoute, after: Interval)
    /// The peer has closed the TCP connection that all went over.
    case connectionClosed(ICERoute)

    /// The whole sentence, without its end. `told` are the addresses that the peer was told, the first first.
    public func text(told: [SocketAddress]) -> String {
        switch self {
        case .noCheck(let time):
            let places = told.isEmpty ? "us" : told.map { "\($0.unmapped)" }.joined(separator: ", ")
            return "no check came to \(places) within \(time.words): " + ICEFailure.advice(told)
        case .wrongPassword(let route, let checks, let time):
            return
                "\(checks.times("check")) came from \(route) within \(time.words), none with the right password: the peer "
                + "has another description than the one that we sent it; connect anew"
        case .notSelected(let route, let checks, let time):
            return
                "\(checks.times("check")) came and \(checks == 1 ? "was" : "were") answered, the last from \(route), but "
                + "the peer selected no address within \(time.words): the answers do not reach it; "
                + "let \(route.connection == nil ? "UDP" : "TCP") through in both directions"
        case .consentLost(let route, let time):
            return
                "connected to \(route), then no check came for \(time.words): the peer is gone, or its network has changed; "
                + "it has to connect anew, or to restart ICE"
        case .noCandidate(let hidden, let unusable):
            let why =
                hidden + unusable == 0
                ? "it told none" : "of \(hidden + unusable), \(hidden) hide behind names that end with .local"
            return "the peer told no address that can be tried: \(why); let it advertise one that is reached from here"
        case .noAnswer(let routes, let checks, let time):
            let places = routes.prefix(4).map(\.description).joined(separator: ", ")
            let more = routes.count > 4 ? " and \(routes.count - 4) more" : ""
            return
                "no \(checks == 0 ? "connection" : "answer to \(checks.times("check"))") to \(places)\(more) within \(time.words): "
                + ICEFailure.advice(routes)
        case .refused(let route, let code):
            let why =
                code == STUN.Code.unauthenticated
                ? "it does not know the fragment or the password of its own description; connect anew"
                : "it did not accept our check"
            return "\(route) answered with error \(code): \(why)"
        case .notChosen(let route, let time):
            return
                "\(route) answered, but no path was agreed upon within \(time.words): its answers get lost, "
                + "or the peer chooses none; connect anew"
        case .unanswered(let route, let time):
            return
                "connected to \(route), then no check was answered for \(time.words): the peer is gone, or a network between "
                + "has changed; connect anew, or restart ICE"
        case .connectionClosed(let route): return "connected to \(route), then the peer closed the connection"
        }
    }

    private static func advice(_ routes: [ICERoute]) -> String {
        let ports = Set(routes.map(\.address.port)).sorted().map(String.init).joined(separator: ", ")
        return routes.contains { $0.address.reach == .everywhere }
            ? "let UDP and TCP to port \(ports) through on both sides"
            : "\(routes.count > 1 ? "they are private addresses" : "it is a private address"); "
                + "let the peer advertise one that is reached from here"
    }

    private static func advice(_ told: [SocketAddress]) -> String {
        let ports = Set(told.map(\.port)).sorted().map(String.init).joined(separator: ", ")
        let open = "open UDP and TCP \(ports.isEmpty ? "of its port" : ports)"
        let reaches = told.map(\.reach)
        let subject = told.count > 1 ? "the addresses are" : "the address is"
        if reaches.contains(.everywhere) {
            return "\(open) in the firewall, or set advertise to an address that browsers reach"
        }
        if !reaches.isEmpty, reaches.allSatisfy({ $0 == .machine }) {
            return "\(subject) this machine's own; set advertise to one that browsers reach"
        }
        return told.isEmpty
            ? "set advertise to an address that browsers reach"
            : "\(subject) private; set advertise to one that browsers reach, or \(open)"
    }
}

extension Int {
    /// `1 check`, `2 checks`.
    func times(_ word: String) -> String { "\(self) \(word)\(self == 1 ? "" : "s")" }
}

extension Interval {
    /// `10 s`, `0.5 s`.
    var words: String {
        let whole = nanoseconds / 1_000_000_000
        if whole * 1_000_000_000 == nanoseconds { return "\(whole) s" }
        return "\(Double(nanoseconds / 1_000_000) / 1_000) s"
    }
}
