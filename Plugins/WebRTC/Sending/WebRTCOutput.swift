import Sluice

/// Sends packets to the peer of its session by WebRTC, and hears what the peer says of them.
///
/// A medium whose input is connected comes over the edge. The other ones of the session come straight from the node
/// that has started it, which saves each viewer an edge and a dispatch for each packet (`Audience`).
///
/// Texts that come at `captions` are shown on the peer's page, where the starter has `captions` set.
public final class WebRTCOutput: SendingNode, Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-output", summary: "Sends packets to the WebRTC peer of its session", traits: .live,
        example: #""peer": { "type": "webrtc-output" }"#)

    let captions = Input<DataItem>("captions", .data, optional: true)

    public func prepare(_ context: NodeContext) throws {
        guard let session = context.resource as? PeerSession else {
            throw NodeError(
                "it has no peer", advice: "Put it into a template that webrtc-viewers starts.", isInputError: true)
        }
        open(context)
        context.isWaiting(for: "the peer to connect")
        begin(session)
    }

    public func process(now: Instant) throws {
        try run(now: now)
        guard captions.isConnected, let session else { return }
        while let text = captions.next() { session.link.captions.tell(text, now: now) }
        session.link.captions.ask(now: now)
    }

    override func ended(_ session: PeerSession, _ sentence: String?, now: Instant) throws {
        context.isWaiting(for: nil)
        if let sentence { throw NodeError("\(session.peer): \(sentence)") }
        context.log(.info, "\(session.peer) has left")
        context.finish()
    }

    public func close() {
        session?.link.captions.end()
        leave()
    }
}
