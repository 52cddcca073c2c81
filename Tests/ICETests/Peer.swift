import ICE
import Net
import Sluice

/// A full agent's checks, written by hand.
struct Peer {
    var local = ICECredentials(fragment: "remo", password: "remotepasswordremotepass")!
    var remote: ICECredentials
    var priority: UInt32 = 1_000
    var role: STUN.Role? = .controlling(tieBreaker: 5)

    static let here = Instant(nanoseconds: 1_000_000_000)

    static func address(_ text: String, _ port: Int = 5_000) -> ICERoute {
        ICERoute(SocketAddress(numeric: text, port: port)!)
    }

    /// The same numbers in each run.
    static let random: RandomBytes = { room in for index in room.indices { room[index] = UInt8(index &* 37 & 255) } }

    func check(nominating: Bool = false, password: String? = nil, fragment: String? = nil) -> [UInt8] {
        var writer = STUNWriter(.request, transaction: STUN.Transaction(high: 9, low: 8))
        writer.add(username: "\(fragment ?? remote.fragment):\(local.fragment)")
        writer.add(priority: priority)
        if nominating { writer.addUseCandidate() }
        if let role { writer.add(role: role) }
        return writer.finish(password: password ?? remote.password, by: SHA1.hmac)
    }
}

extension ICELiteAgent {
    /// The answer, as it is read.
    struct Answer: Equatable {
        var kind: STUN.Kind
        var code: Int?
        var mapped: String?
        var isAuthentic: Bool
    }

    mutating func take(
        _ bytes: [UInt8], from route: ICERoute, at seconds: Double = 1, password: String? = nil
    ) -> (ICECheck, Answer?) {
        bytes.withUnsafeBytes { bytes in
            guard let message = STUNMessage(bytes) else { return (.ignored, nil) }
            var reply: [UInt8] = [1, 2, 3]
            let password = password ?? local.password
            let now = Instant(nanoseconds: 0) + .seconds(seconds)
            let result = receive(message, from: route, now: now, reply: &reply)
            let answer = reply.withUnsafeBytes { reply -> Answer? in
                guard let read = STUNMessage(reply), read.isIntact, read.transaction == message.transaction else {
                    return nil
                }
                return Answer(
                    kind: read.kind, code: read.errorCode, mapped: read.mappedAddress?.description,
                    isAuthentic: read.isAuthentic(password: password, by: SHA1.hmac))
            }
            return (result, answer)
        }
    }
}
