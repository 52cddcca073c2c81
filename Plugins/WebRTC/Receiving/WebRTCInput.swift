import Sluice

/// The audio and the video that the peer of its session sends by WebRTC: a microphone, a camera, an encoder.
public final class WebRTCInput: ReceivingNode, Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-input", summary: "Receives audio and video from the WebRTC peer of its session", traits: .live,
        example: #""camera": { "type": "webrtc-input" }"#)

    public func prepare(_ context: NodeContext) throws {
        guard let session = context.resource as? PeerSession else {
            throw NodeError(
                "it has no peer", advice: "Put it into a template that webrtc-publishers or webrtc-viewers starts.",
                isInputError: true)
        }
        open(context)
        if session.share == nil { markAbsent(session) }
        if session.share != nil || session.receivedAudio != nil { audio.fix(PeerReceiver.opus) }
        if !session.sends { context.isWaiting(for: "the peer to connect") }
        begin(session)
    }

    /// In a room a microphone and a camera come and go; elsewhere the first answer says what there is.
    private func markAbsent(_ session: PeerSession) {
        guard session.sends, session.receivedAudio == nil, session.receivedVideo == nil else {
            if session.receivedAudio == nil { audio.markAbsent() }
            if session.receivedVideo == nil { video.markAbsent() }
            return
        }
        // It is there for what it is sent.
        let lack = video.isConnected ? "neither microphone nor camera" : "no microphone"
        context.log(.warning, "\(session.peer) sends \(lack): it stays connected, and is not heard")
        audio.fix(PeerReceiver.opus)
    }

    public func process(now: Instant) throws { try run(now: now) }

    override func connected(_ session: PeerSession, now: Instant) {
        guard !session.sends else { return }
        context.isWaiting(for: nil)
        let way = session.link.route.map { " (\($0))" } ?? ""
        context.log(.info, "\(session.peer) is connected\(way)")
    }

    override func ended(_ session: PeerSession, _ sentence: String?, now: Instant) throws {
        context.isWaiting(for: nil)
        // One that sends says it.
        if !session.sends {
            if let sentence { throw NodeError("\(session.peer): \(sentence)") }
            context.log(.info, "\(session.peer) has left")
        }
        context.finish()
    }

    public func close() { leave() }
}
