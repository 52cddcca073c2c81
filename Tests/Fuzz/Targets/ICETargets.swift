import ICE
import Net
import Sluice

let iceTargets = [
    FuzzTarget("stun", "One STUN message, and an ICE-lite agent that gets it", longest: 1_500, run: message),
    FuzzTarget("ice-tcp", "Frames of ICE on TCP, in reads of any size", run: frames),
    FuzzTarget("ice-candidate", "An a=candidate line", longest: 1_200, run: candidate),
    FuzzTarget("ice-full", "Messages to a full ICE agent, and the time", longest: 4_096, run: full),
]

/// A hash that a fuzzer meets: all zeros.
private let zeros: HMACSHA1 = { _, _, _, digest in
    for index in digest.indices { digest[index] = 0 }
    return true
}

private func route(_ host: String) -> ICERoute {
    ICERoute(SocketAddress(numeric: host, port: 5_000) ?? SocketAddress())
}

private func message(_ bytes: UnsafeRawBufferPointer) {
    _ = PacketKind(bytes)
    guard let read = STUNMessage(bytes) else { return }
    mustHold(STUNMessage.isLikely(bytes), "a message is likely one")
    mustHold(read.unknown.count <= 16 && read.refused.count <= 16, "few attributes are told")
    mustHold(read.username?.count ?? 0 < 509, "a user name is short")
    mustHold((300...699).contains(read.errorCode ?? 300), "a code")
    _ = (read.isIntact, read.mappedAddress?.description, read.reason?.count, read.software?.count)
    if let address = read.mappedAddress {
        var writer = STUNWriter(.success, transaction: read.transaction)
        writer.add(mappedAddress: address)
        writer.finish().withUnsafeBytes { again in
            let read = STUNMessage(again)
            mustHold(read?.isIntact == true, "what is written is intact")
            mustHold(read?.mappedAddress?.key == address.key, "an address comes through")
        }
    }
    guard let local = ICECredentials(fragment: "fuzzfrag", password: "fuzzfuzzfuzzfuzzfuzzfuzz") else { return }
    var table = PeerTable()
    mustHold(table.add(local, peer: 1), "a fragment of our length")
    let peer = table.peer(of: read)
    mustHold(peer == nil || peer == 1, "no other peer")
    let start = Instant(nanoseconds: 0)
    var agent = ICELiteAgent(local: local, remoteFragment: nil, hmac: zeros, now: start)
    var reply: [UInt8] = []
    let way = route("192.0.2.1")
    let fate = agent.receive(read, from: way, now: start, reply: &reply)
    if case .accepted = fate { mustHold(agent.mayReceive(from: way), "a check that is taken proves") }
    mustHold(agent.mayReceive(from: way) == !agent.provedRoutes.isEmpty, "nothing else does")
    mustHold(agent.selected == nil || read.isNominating, "only a nomination selects")
    mustHold(reply.isEmpty == (fate == .ignored || fate == .refused(.late)), "the others are answered")
    // So nobody is flooded with answers to a source that is forged.
    mustHold(reply.count <= bytes.count + 80, "a reply of \(reply.count) bytes to \(bytes.count)")
    reply.withUnsafeBytes { mustHold($0.isEmpty || STUNMessage($0)?.isIntact == true, "a reply is intact") }
    _ = agent.advance(now: agent.wake)
}

private func frames(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let seed = input.byte()
    let limit = 1 + Int(input.byte()) * 257
    var whole = TCPFrameReader(limit: limit)
    var expected: [[UInt8]] = []
    whole.read(input.rest) { expected.append(Array($0)) }
    var reader = TCPFrameReader(limit: limit)
    var found: [[UInt8]] = []
    input.pieces(seed: seed) { piece in
        reader.read(piece) {
            mustHold(!$0.isEmpty && $0.count <= limit, "a frame of \($0.count) bytes")
            found.append(Array($0))
        }
        mustHold(reader.waiting <= limit + 2, "\(reader.waiting) bytes wait")
    }
    mustHold(found == expected && reader.isBroken == whole.isBroken, "it does not matter where a read ends")
    mustHold(reader.waiting == whole.waiting, "what waits is the same")
    var stream: [UInt8] = []
    for frame in found { frame.withUnsafeBytes { _ = TCPFrameReader.append($0, to: &stream) } }
    var again: [[UInt8]] = []
    var second = TCPFrameReader(limit: limit)
    stream.withUnsafeBytes { bytes in _ = second.read(bytes) { again.append(Array($0)) } }
    mustHold(again == found, "written and read again")
}

private func candidate(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let read = ICECandidate(line: text) else { return }
    mustHold((1...256).contains(read.component), "a component")
    if let address = read.address { mustHold(address.port == read.port && address.reach != .nowhere, "an address") }
    mustHold(ICECandidate(line: read.line) == read, "written and read again: \(read.line)")
}

/// A full agent that has asked, and gets any messages and any time.
private func full(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    let server = route("192.0.2.1")
    var count: UInt8 = 0
    let random: RandomBytes = { room in for index in room.indices { room[index] = UInt8(index & 63) } }
    var agent = ICEFullAgent(locals: [route("192.0.2.2").address], hmac: zeros, random: random)
    var now: Int64 = 0
    agent.setRemote(ICECredentials(random: random), isLite: input.byte() & 1 == 0, now: Instant(nanoseconds: now))
    agent.add(ICECandidate(server.address), now: Instant(nanoseconds: now))
    agent.add(ICECandidate(server.address, transport: .passive), now: Instant(nanoseconds: now))
    while !input.isEmpty, count < 200 {
        count += 1
        now += Int64(input.byte()) * 50_000_000
        let time = Instant(nanoseconds: now)
        switch input.byte() & 7 {
        case 0: agent.connected(1, now: time)
        case 1: agent.closed(1, now: time)
        case 2: agent.restart(now: time)
        case 3: agent.setRemote(ICECredentials(random: random), isLite: false, now: time)
        case let choice:
            let from = choice & 1 == 0 ? server : ICERoute(server.address, connection: 1)
            if let read = STUNMessage(input.piece()) { agent.receive(read, from: from, local: 0, now: time) }
        }
        agent.advance(now: time)
        mustHold(agent.wake > time || agent.wake == .distantFuture, "nothing is left undone")
        var done = 0
        while agent.next() != nil { done += 1 }
        mustHold(done < 300, "\(done) things to do at once")
        mustHold(agent.failure == nil || agent.selected == nil, "nothing is selected after the end")
    }
}
