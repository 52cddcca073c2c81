import Sluice

/// Publishes packets to a server by WHIP (RFC 9725), as a browser would: it offers, connects as a full ICE agent, and
/// calls again when the session ends.
public final class WHIPOutput: SendingNode, Node {
    public static let descriptor = NodeDescriptor(
        "whip-output", summary: "Publishes to a server by WHIP", traits: .live,
        example: #""publish": { "type": "whip-output", "url": "https://example.net/whip/stage", "token": "${token}" }"#)

    @Parameter("url", help: "The endpoint of the server: https://HOST/whip/NAME.") var url: String
    @Parameter("token", default: "", help: "The bearer token that the server asks for. Empty shows none.")
    var token: String
    @Parameter(
        "reconnect", default: true,
        help: "Calls again when the session has ended. With false its end is the end of the node.")
    var reconnects: Bool

    private var call: ServerCall!
    private var offered: (video: OfferedStream, audio: OfferedStream)!
    /// When the first packet of either medium came.
    private var began: Instant?
    private var hasToldAbsence = false

    /// So long the other medium is waited for once one has begun.
    private static let patience = Interval.seconds(2)

    public required init() {}

    public func prepare(_ context: NodeContext) throws {
        guard video.isConnected || audio.isConnected else {
            throw NodeError(
                "neither video nor audio is connected", advice: "Lead an encoder to it.", isInputError: true)
        }
        open(context)
        call = try ServerCall(url: url, token: token, context)
        let line = SharedLine()
        let stream = { OfferedStream(line: line) { context.log(.warning, $0) } }
        offered = (stream(), stream())
    }

    override func passOver(_ packet: Packet) {
        began = began ?? context.now
        (packet.format.kind.isVideo ? offered.video : offered.audio).note(packet)
    }

    public func process(now: Instant) throws {
        try run(now: now)
        if let session = try call.take(now: now) { begin(session) }
        if !call.isBusy, call.due.map({ $0 <= now }) ?? true { try offer(now) }
        let due = [call.due, call.isBusy ? nil : began.map { $0 + WHIPOutput.patience }].compactMap { $0 }.min()
        if let due, due > now { context.wake(at: due) }
    }

    /// Once the media are known that are to be sent. One that does not begin is left out, and that is said.
    private func offer(_ now: Instant) throws {
        guard let began else { return }
        var streams = ViewerAnswer.Streams()
        (streams.video, streams.audio) = (offered.video.track, offered.audio.track)
        let isWhole = (streams.video != nil || !video.isConnected) && (streams.audio != nil || !audio.isConnected)
        guard isWhole || now - began >= WHIPOutput.patience, streams.video != nil || streams.audio != nil else {
            return
        }
        if !isWhole, !hasToldAbsence {
            hasToldAbsence = true
            let absent = streams.video == nil ? "video" : "audio"
            context.log(.warning, "\(absent) has not begun after 2 s: the rest is published without it")
        }
        try call.begin(streams, taking: [])
    }

    override func connected(_ session: PeerSession, now: Instant) { call.succeed() }

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
