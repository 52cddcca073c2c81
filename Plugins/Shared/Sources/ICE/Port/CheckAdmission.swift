import Net
import Sluice

/// The limits of a port before strangers: what is admitted may cost a hash and state.
///
/// The owner asks for checks from addresses that are not proved yet, after it has found whom they are for: a check for
/// nobody is dropped for the price of a look-up, and cannot use up what others need. Memory is fixed. Sources are
/// counted by host (IPv6: by /64) in a table of limited size; two hosts that share a place share its allowance. The
/// seed keeps strangers from choosing whose place they share.
public struct CheckAdmission: Sendable {
    /// Numbers of a port.
    public struct Limits: Sendable {
        /// Peers that have been told of and have no selected address yet.
        public var pendingPeers = 1_000
        /// TCP connections on which no check has been answered yet.
        public var pendingConnections = 256
        /// Of them, from one host.
        public var pendingConnectionsOfHost = 32
        /// From all addresses that are not proved; a second's worth may come at once.
        public var checksPerSecond = 5_000
        /// From one host; a second's worth may come at once.
        public var checksPerSecondOfHost = 200

        /// The defaults let 100 browsers behind one address connect within some seconds.
        public init() {}
    }

    /// A reason to refuse.
    public enum Refusal: Sendable, CaseIterable {
        case tooManyPeers, tooManyConnections, tooManyConnectionsOfHost, tooManyChecks, tooManyChecksOfHost
    }

    private struct Bucket {
        var tokens: Double
        var time: Instant
        var connections = 0

        mutating func take(rate: Double, now: Instant) -> Bool {
            let passed = max(0, (now - time).seconds)
            (tokens, time) = (min(rate, tokens + passed * rate), max(time, now))
            guard tokens >= 1 else { return false }
            tokens -= 1
            return true
        }
    }

    private static let places = 1_024

    private let limits: Limits
    private let seed: UInt64
    private var all: Bucket
    private var hosts: [Bucket]
    /// Peers without a selected address.
    public private(set) var pendingPeers = 0
    /// Connections without an answered check.
    public private(set) var pendingConnections = 0
    /// How often each reason has refused somebody.
    public private(set) var refusals: [Refusal: Int] = [:]

    /// `seed` is random, another one in each process.
    public init(limits: Limits = Limits(), seed: UInt64, now: Instant) {
        self.limits = limits
        self.seed = seed
        all = Bucket(tokens: Double(limits.checksPerSecond), time: now)
        hosts = Array(
            repeating: Bucket(tokens: Double(limits.checksPerSecondOfHost), time: now), count: CheckAdmission.places)
    }

    /// nil: the check, or the connection's first bytes, may be looked at.
    public mutating func refuseCheck(from address: SocketAddress, now: Instant) -> Refusal? {
        // The host first: one that asks too much takes nothing from the others.
        guard hosts[place(of: address)].take(rate: Double(limits.checksPerSecondOfHost), now: now) else {
            return refuse(.tooManyChecksOfHost)
        }
        guard all.take(rate: Double(limits.checksPerSecond), now: now) else { return refuse(.tooManyChecks) }
        return nil
    }

    private func place(of address: SocketAddress) -> Int {
        Int(truncatingIfNeeded: address.key.network.mixed(with: seed) % UInt64(CheckAdmission.places))
    }

    /// nil: the peer is pending until `peerIsSettled`.
    public mutating func refusePeer() -> Refusal? {
        guard pendingPeers < limits.pendingPeers else { return refuse(.tooManyPeers) }
        pendingPeers += 1
        return nil
    }

    /// A pending peer has a selected address, or is gone.
    public mutating func peerIsSettled() { pendingPeers = max(0, pendingPeers - 1) }

    /// nil: the connection is pending until `connectionIsSettled`. It counts as a check of its host.
    public mutating func refuseConnection(from address: SocketAddress, now: Instant) -> Refusal? {
        let place = place(of: address)
        guard hosts[place].connections < limits.pendingConnectionsOfHost else {
            return refuse(.tooManyConnectionsOfHost)
        }
        guard pendingConnections < limits.pendingConnections else { return refuse(.tooManyConnections) }
        if let refusal = refuseCheck(from: address, now: now) { return refusal }
        pendingConnections += 1
        hosts[place].connections += 1
        return nil
    }

    /// A check came over a pending connection of that address and was answered, or the connection is gone.
    public mutating func connectionIsSettled(from address: SocketAddress) {
        let place = place(of: address)
        guard hosts[place].connections > 0 else { return }
        pendingConnections -= 1
        hosts[place].connections -= 1
    }

    private mutating func refuse(_ refusal: Refusal) -> Refusal {
        refusals[refusal, default: 0] += 1
        return refusal
    }
}
