import ICE
import Net
import Sluice

/// A full agent, a peer and the network between them, in virtual time.
final class Wire {
    /// The other end.
    enum Far {
        case lite(ICELiteAgent)
        case full(ICEFullAgent)
    }

    /// A message on its way.
    struct Message {
        var isFromNear: Bool
        var isTCP: Bool
        var bytes: [UInt8]
        var to: SocketAddress
        var time: Double
    }

    private struct Event {
        var time: Instant
        var order: Int
        var run: (Wire) -> Void
    }

    var near: ICEFullAgent
    var far: Far
    let farAddresses: [SocketAddress]
    var delay = Interval.milliseconds(20)
    /// True for a message that gets lost.
    var loses: (Message) -> Bool = { _ in false }
    var acceptsTCP = true
    /// Each message that was sent.
    private(set) var sent: [Message] = []
    private(set) var nearActions: [(time: Double, action: ICEFullAgent.Action)] = []
    private(set) var farActions: [ICEFullAgent.Action] = []
    private(set) var now = Instant(nanoseconds: 0)
    private var events: [Event] = []
    private var order = 0

    init(_ near: ICEFullAgent, _ far: Far, at farAddresses: [SocketAddress]) {
        (self.near, self.far, self.farAddresses) = (near, far, farAddresses)
    }

    var seconds: Double { Double(now.nanoseconds) / 1e9 }
    var lite: ICELiteAgent? { if case .lite(let agent) = far { agent } else { nil } }
    var full: ICEFullAgent? { if case .full(let agent) = far { agent } else { nil } }
    var nearFailure: ICEFailure? { near.failure }
    var selections: [Double] {
        nearActions.filter { if case .selected = $0.action { true } else { false } }.map(\.time)
    }

    private func later(_ delay: Interval, _ run: @escaping (Wire) -> Void) {
        order += 1
        events.append(Event(time: now + delay, order: order, run: run))
    }

    /// Until nothing is due before `seconds`, or `isDone`.
    func run(until seconds: Double, _ isDone: (Wire) -> Bool = { _ in false }) {
        let end = Instant(nanoseconds: 0) + .seconds(seconds)
        drain()
        while !isDone(self) {
            let event = events.min { ($0.time, $0.order) < ($1.time, $1.order) }
            let farWake = full?.wake ?? lite?.wake ?? .distantFuture
            let next = min(event?.time ?? .distantFuture, near.wake, farWake)
            guard next <= end else {
                now = end
                return
            }
            now = max(now, next)
            if let event, event.time <= now {
                events.removeAll { $0.order == event.order }
                event.run(self)
            }
            if near.wake <= now { near.advance(now: now) }
            switch far {
            case .lite(var agent):
                _ = agent.advance(now: now)
                far = .lite(agent)
            case .full(var agent):
                if agent.wake <= now { agent.advance(now: now) }
                far = .full(agent)
            }
            drain()
        }
    }

    private func drain() {
        while let action = near.next() {
            nearActions.append((seconds, action))
            switch action {
            case .send(let bytes, let path): fromNear(bytes, path)
            case .connect(let id, _, _):
                let accepts = acceptsTCP
                later(delay * 2) {
                    accepts ? $0.near.connected(id, now: $0.now) : $0.near.closed(id, now: $0.now)
                }
            default: break
            }
        }
        guard case .full(var agent) = far else { return }
        while let action = agent.next() {
            farActions.append(action)
            if case .send(let bytes, let path) = action {
                fromFar(bytes, from: farAddresses[path.local], to: path.remote)
            }
        }
        far = .full(agent)
    }

    private func fromNear(_ bytes: [UInt8], _ path: ICEPath) {
        let to = path.remote
        let message = Message(
            isFromNear: true, isTCP: to.connection != nil, bytes: bytes, to: to.address, time: seconds)
        sent.append(message)
        guard !loses(message), let place = farAddresses.firstIndex(of: to.address) else { return }
        let from = ICERoute(near.bound[path.local], connection: to.connection)
        later(delay) { wire in
            bytes.withUnsafeBytes { bytes in
                guard let read = STUNMessage(bytes) else { return }
                switch wire.far {
                case .lite(var agent):
                    var reply: [UInt8] = []
                    _ = agent.receive(read, from: from, now: wire.now, reply: &reply)
                    wire.far = .lite(agent)
                    if !reply.isEmpty { wire.fromFar(reply, from: to.address, to: from) }
                case .full(var agent):
                    agent.receive(read, from: from, local: place, now: wire.now)
                    wire.far = .full(agent)
                }
            }
        }
    }

    private func fromFar(_ bytes: [UInt8], from: SocketAddress, to: ICERoute) {
        let message = Message(
            isFromNear: false, isTCP: to.connection != nil, bytes: bytes, to: to.address, time: seconds)
        sent.append(message)
        guard !loses(message), let place = near.bound.firstIndex(of: to.address) else { return }
        later(delay) { wire in
            bytes.withUnsafeBytes { bytes in
                guard let read = STUNMessage(bytes) else { return }
                wire.near.receive(
                    read, from: ICERoute(from, connection: to.connection), local: place, now: wire.now)
            }
        }
    }

    // MARK: Made ready

    static let server = Peer.address("203.0.113.5", 8_189).address
    static let client = Peer.address("192.0.2.10", 4_000).address

    /// Other numbers for each seed.
    static func random(_ seed: UInt64) -> RandomBytes {
        let dice = Numbers(seed)
        return { room in for index in room.indices { room[index] = dice.byte() } }
    }

    /// A client, and a server with ICE-lite that the answer has told of, over UDP and, where `tcp`, over TCP.
    static func lite(
        tcp: Bool = false, password: String? = nil, settings: ICEFullAgent.Settings = .init()
    ) -> Wire {
        let near = ICEFullAgent(locals: [client], settings: settings, hmac: SHA1.hmac, random: random(1))
        let local = ICECredentials(random: random(2))
        let agent = ICELiteAgent(
            local: local, remoteFragment: near.local.fragment, hmac: SHA1.hmac, now: Instant(nanoseconds: 0))
        let wire = Wire(near, .lite(agent), at: [server])
        wire.answer(local, tcp: tcp, password: password)
        return wire
    }

    func answer(_ remote: ICECredentials, tcp: Bool = false, password: String? = nil) {
        let told = ICECredentials(fragment: remote.fragment, password: password ?? remote.password)
        guard let told else { return }
        near.setRemote(told, isLite: true, now: now)
        near.add(ICECandidate(Wire.server), now: now)
        if tcp { near.add(ICECandidate(Wire.server, transport: .passive), now: now) }
        near.endOfCandidates(now: now)
    }
}

extension ICEFullAgent {
    /// Of the sockets in these tests.
    var bound: [SocketAddress] { candidates.filter { $0.transport == .udp }.compactMap(\.address) }
}

/// Numbers that are the same in each run.
private final class Numbers: @unchecked Sendable {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }
    func byte() -> UInt8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}
