import Net
import Sluice

/// One call of a peer that may have several addresses, as names of machines with IPv4 and IPv6 have: the next one is
/// called too where the one before has not answered soon (RFC 8305), and the first connection that stands is taken.
final class CallRound {
    enum Step {
        /// To be looked at again at an event, or at this time.
        case goesOn(until: Instant)
        case connected(SRTSocket, SocketAddress)
        /// No address answers: why, and what to do.
        case failed(String, advice: String)
    }

    private var targets: [SocketAddress]
    private let own: [SocketAddress]
    private let options: SRTOptions
    private let isRendezvous: Bool
    private let node: NodeContext.Handle
    /// For messages.
    private let peer: String
    private var calls: [(socket: SRTSocket, target: SocketAddress)] = []
    private var nextAt: Instant?
    /// The most telling answer so far.
    private var answer: (what: String, advice: String, isSilence: Bool)?

    /// RFC 8305, section 5.
    private static let stagger = Interval.milliseconds(250)

    /// - Parameters:
    ///   - targets: in the order in which they are tried.
    ///   - own: this side's addresses; empty where any will do.
    init(
        _ targets: [SocketAddress], own: [SocketAddress], _ options: SRTOptions, isRendezvous: Bool,
        _ node: NodeContext.Handle,
        peer: String
    ) {
        (self.targets, self.own, self.options) = (targets, own, options)
        (self.isRendezvous, self.node, self.peer) = (isRendezvous, node, peer)
    }

    /// Throws input errors.
    func step(_ now: Instant) throws -> Step {
        for (index, call) in calls.enumerated().reversed() {
            switch call.socket.state {
            case .connecting: break
            case .connected:
                calls.remove(at: index)
                giveUp()
                return .connected(call.socket, call.target)
            case .broken(let rejection):
                note("\(peer) \(rejection.words)", rejection.advice, isSilence: rejection.isSilence)
                SRTPoller.shared.unwatch(call.socket.handle)
                calls.remove(at: index)
            }
        }
        while !targets.isEmpty, calls.isEmpty || !isRendezvous && now >= nextAt ?? now {
            try open(targets.removeFirst())
            nextAt = now + CallRound.stagger
        }
        if calls.isEmpty {
            return .failed(answer?.what ?? "\(peer) does not answer", advice: answer?.advice ?? "")
        }
        let isLast = targets.isEmpty || isRendezvous
        return .goesOn(until: isLast ? .distantFuture : nextAt ?? .distantFuture)
    }

    private func open(_ target: SocketAddress) throws {
        var opened: SRTSocket?
        do {
            let made = try SRTSocket(options)
            SRTPoller.shared.watch(made.handle, node)
            opened = made
            let own = own.first { $0.family == target.family }
            if isRendezvous {
                try made.meet(target, from: own ?? target.anywhere)
            } else {
                if let own { try made.bind(own) }
                try made.call(target)
            }
            calls.append((made, target))
        } catch {
            if let opened { SRTPoller.shared.unwatch(opened.handle) }
            guard let error = error as? NodeError, !error.isInputError else { throw error }
            note(error.message, error.advice, isSilence: false)
        }
    }

    private func note(_ what: String, _ advice: String, isSilence: Bool) {
        if answer == nil || answer?.isSilence == true { answer = (what, advice, isSilence) }
    }

    /// Ends the calls that are being made.
    func giveUp() {
        for call in calls { SRTPoller.shared.unwatch(call.socket.handle) }
        (calls, targets) = ([], [])
    }
}
