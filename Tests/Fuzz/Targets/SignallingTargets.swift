import DTLS

@testable import Sluice
@testable import WebRTCPlugin

let signallingTargets = [
    FuzzTarget(
        "signalling", "A browser's messages over WebSocket, one a line, and the conversation that they make",
        longest: 8_192, run: signalling),
    FuzzTarget(
        "guest-token", "A guest's token, as it comes; and claims, signed by the key", longest: 4_200, run: guestToken),
]

private let guestKey = "0123456789abcdef0123456789abcdef"

private func guestToken(_ bytes: UnsafeRawBufferPointer) {
    guard let keys = try? GuestKeys.read(guestKey) else { return mustHold(false, "the key") }
    let text = String(decoding: bytes, as: UTF8.self)
    if let token = try? GuestToken(text, keys: keys, unixSeconds: 1_700_000_000) {
        mustHold(RoomName.isValid(token.room), "a token for the room \(token.room)")
    }
    // Claims are read behind the signature alone, which no input has by chance.
    guard bytes.count < 3_000 else { return }
    let signed = "eyJhbGciOiJIUzI1NiJ9." + base64URL(Array(bytes))
    let whole = signed + "." + base64URL(Secrets.hmacSHA256(Array(guestKey.utf8), Array(signed.utf8)))
    do {
        let token = try GuestToken(whole, keys: keys, unixSeconds: 1_700_000_000)
        mustHold(RoomName.isValid(token.room) && token.expires > 1_699_999_990, "\(token)")
        mustHold(token.name.map { RoomName.isValid($0) } ?? true, "a guest of the name \(token.name ?? "")")
    } catch { mustHold((error as? GuestToken.Refusal)?.isSigned ?? false, "\(error) of a token that is signed") }
}

private func base64URL(_ bytes: [UInt8]) -> String {
    let signs = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var (bits, count, text) = (UInt32(0), 0, [UInt8]())
    for byte in bytes {
        (bits, count) = (bits << 8 | UInt32(byte), count + 8)
        while count >= 6 {
            count -= 6
            text.append(signs[Int(bits >> UInt32(count) & 63)])
        }
    }
    if count > 0 { text.append(signs[Int(bits << UInt32(6 - count) & 63)]) }
    return String(decoding: text, as: UTF8.self)
}

/// The first byte says what our side does with what it is asked, a bit a time.
private func signalling(_ bytes: UnsafeRawBufferPointer) {
    var input = FuzzInput(bytes)
    var choices = UInt64(input.byte()) &* 0x9E37_79B9_7F4A_7C15
    func choose(_ count: UInt64) -> UInt64 {
        choices = choices &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (choices >> 33) % count
    }
    var now = Instant(nanoseconds: 1)
    var conversation = PeerConversation(now: now)
    var hasLink = false
    var generation = 0

    func act(_ actions: [PeerConversation.Action]) {
        mustHold(actions.count <= 4, "\(actions.count) actions of one event")
        for action in actions {
            switch action {
            case .send(let text):
                let value = try? JSONValue.parse(Array(text.utf8), limits: .standard)
                mustHold(value?["type"]?.string != nil, "our message: \(text)")
                mustHold(text.utf8.count < 2_048, "a long message")
            case .open(let number, _, _):
                mustHold(!hasLink, "a connection beside another one")
                mustHold(number == generation + 1, "connection \(number) behind \(generation)")
                generation = number
                act(choose(4) == 0 ? conversation.fail("no") : conversation.offer("v=0", now: now))
            case .offerAgain:
                mustHold(hasLink, "another offer on no connection")
                act(choose(4) == 0 ? conversation.refuse("no") : conversation.offer("v=0", now: now))
            case .accept:
                if choose(4) == 0 { return act(conversation.refuse("no")) }
                let further = conversation.accept()
                hasLink = true
                act(further)
                if choose(2) == 0 { conversation.connected(generation: generation) }
            case .drop: hasLink = false
            case .tell(let sentence): mustHold(sentence.utf8.count < 2_048, "a long sentence")
            case .feedback, .stats, .mute, .close: break
            }
        }
        mustHold(!hasLink || conversation.hasConnection, "a connection that nobody knows")
        mustHold(conversation.generation == generation, "generation")
    }

    for line in input.rest.split(separator: 10) {
        act(conversation.take(String(decoding: line, as: UTF8.self), now: now))
        switch choose(16) {
        case 0: act(conversation.ended(choose(2) == 0 ? nil : "gone", generation: Int(choose(3))))
        case 2: act(conversation.noteTracks())
        case 1:
            now = now + .seconds(Double(choose(12)))
            act(conversation.advance(now: now))
        default: break
        }
    }
    act(conversation.closed())
    mustHold(conversation.stage == .over && conversation.wake == nil, "closed")
    mustHold(conversation.take("{}", now: now).isEmpty, "words behind the end")
}
