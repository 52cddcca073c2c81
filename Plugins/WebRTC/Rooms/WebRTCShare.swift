import Negotiation
import Sluice

/// Shows the media of one participant to the others of its room. Packets go to all of them as they come, cut once; they
/// are neither decoded nor kept, but for the last pictures for those who join. Texts that come at `texts` are shown on
/// the pages of all.
public final class WebRTCShare: Node {
    public static let descriptor = NodeDescriptor(
        "webrtc-share", summary: "Shows the media of a participant to the others of its room", traits: .live,
        example: #""share": { "type": "webrtc-share" }"#)

    let video = Input<Packet>("video", .codedVideo([.h264, .vp8]), optional: true)
    let audio = Input<Packet>("audio", .codedAudio([.opus], channels: [1, 2]), optional: true)
    let texts = Input<DataItem>("texts", .data, optional: true)
    let level = ValueInput(
        "level_dbov", help: "The level of the audio that comes in dBov: 0 is the loudest, -127 silence.")
    let keyframe = RequestOutput(
        "keyframe", help: "Asks for a keyframe: somebody begins to see, or has lost the picture.")

    @Parameter(
        "gop_cache_ms", default: 4_000, range: 0...60_000,
        help: "The most video that is kept for those who join, from the last keyframe on, in ms.")
    var cachedMilliseconds: Int

    private var context: NodeContext!
    private var port: WebRTCPort!
    private var share: RoomShare?
    private var media: (video: OfferedStream, audio: OfferedStream)!
    /// Those that the room has.
    private var shown: (video: SharedStream?, audio: SharedStream?)
    private var heard = -127
    private var wasDark = false
    private var keyframes: NodeContext.Inbox<Bool>!

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        self.context = context
        guard let session = context.resource as? PeerSession, let share = session.share else {
            throw NodeError(
                "it is in no room", advice: "Put it into the template that webrtc-room starts for each participant.",
                isInputError: true)
        }
        guard let port = try context.service(WebRTCPort.self) else {
            throw NodeError("there is no WebRTC port", isInputError: true)
        }
        (self.port, self.share) = (port, share)
        let keyframes = context.inbox(of: Bool.self, capacity: 4)
        self.keyframes = keyframes
        let ask: @Sendable () -> Void = { _ = keyframes.post(true) }
        let line = SharedLine()
        let warn: (String) -> Void = { context.log(.warning, $0) }
        media = (
            OfferedStream(
                line: line, cached: .milliseconds(Int64(cachedMilliseconds)), askKeyframe: ask, warn: warn),
            OfferedStream(line: line, expecting: .opus(channels: 2), warn: warn)
        )
        // Its codec is known before the first packet: others are offered it at once.
        if audio.isConnected, session.media.received.audio != nil { show() }
    }

    public func process(now: Instant) throws {
        if let told = level.take() { heard = Int(max(-127, min(0, told))) }
        let isMuted = (video: share?.isMuted(.video) ?? false, audio: share?.isMuted(.audio) ?? false)
        while let packet = audio.next() {
            guard !isMuted.audio else { continue }
            send(packet, by: media.audio, now)
            share?.hear(heard, now: now)
        }
        while let packet = video.next() { if !isMuted.video { send(packet, by: media.video, now) } }
        if wasDark, !isMuted.video { keyframe.send() }
        wasDark = isMuted.video
        port.flush()
        while let text = texts.next() { share?.tell(SignalText.caption(text.fields)) }
        while keyframes.next() != nil { keyframe.send() }
    }

    public func close() { share?.end() }

    private func send(_ packet: Packet, by stream: OfferedStream, _ now: Instant) {
        stream.note(packet)
        guard let shared = stream.stream else { return }
        if shared !== shown.audio, shared !== shown.video { show() }
        shared.audience.send(shared.frame(of: packet, now: now), now: now)
    }

    private func show() {
        if let track = media.audio.track, track.stream !== shown.audio {
            shown.audio = track.stream
            share?.show(.audio, track.codec, track.stream)
        }
        if let track = media.video.track, track.stream !== shown.video {
            shown.video = track.stream
            share?.show(.video, track.codec, track.stream)
        }
    }
}
