import Negotiation
import Sluice

/// Plays from a server by WHEP (draft-ietf-wish-whep), as a browser would: it offers to receive, connects as a full ICE
/// agent, and calls again when the session ends.
public final class WHEPInput: ReceivingNode, Node {
    public static let descriptor = NodeDescriptor(
        "whep-input", summary: "Receives from a server by WHEP", traits: .live,
        example: #""stage": { "type": "whep-input", "url": "https://example.net/whep/stage" }"#)

    @Parameter("url", help: "The endpoint of the server: https://HOST/whep/NAME.") var url: String
    @Parameter("token", default: "", help: "The bearer token that the server asks for. Empty shows none.")
    var token: String
    @Parameter(
        "reconnect", default: true,
        help: "Calls again when the session has ended. With false its end is the end of the stream.")
    var reconnects: Bool

    private var call: ServerCall!

    public required init() {}

    public func prepare(_ context: NodeContext) throws {
        guard video.isConnected || audio.isConnected else {
            throw NodeError("neither video nor audio is connected", advice: "Lead one of them on.", isInputError: true)
        }
        open(context)
        context.runsUntilStopped()
        call = try ServerCall(url: url, token: token, context)
    }

    public func process(now: Instant) throws {
        try run(now: now)
        if let session = try call.take(now: now) {
            begin(session)
            tellAbsence(session)
        }
        if !call.isBusy, call.due.map({ $0 <= now }) ?? true {
            let pictures = IncomingStream([.vp8, .h264(.constrainedBaseline(level: 31))])
            try call.begin(
                ViewerAnswer.Streams(),
                taking: (video.isConnected ? [pictures] : [])
                    + (audio.isConnected ? [IncomingStream([.opus(channels: 2)], wantsRedundancy: true)] : []))
        }
        if let due = call.due, due > now { context.wake(at: due) }
    }

    private func tellAbsence(_ session: PeerSession) {
        for (output, medium) in [(video, session.receivedVideo), (audio, session.receivedAudio)]
        where output.isConnected && medium == nil {
            context.log(.warning, "\(call.host) sends no \(output.name)")
        }
    }

    override func connected(_ session: PeerSession, now: Instant) {
        call.succeed()
        let way = session.link.route.map { " (\($0))" } ?? ""
        context.log(.info, "\(call.host) is connected\(way)")
    }

    override func ended(_ session: PeerSession, _ sentence: String?, now: Instant) throws {
        leave()
        try call.end(sentence, callsAgain: reconnects, now: now)
    }

    public func finish(now: Instant) throws -> Bool {
        leave()
        call.hangUp()
        return call.isGone
    }

    public func close() {
        leave()
        call?.hangUp()
    }
}
