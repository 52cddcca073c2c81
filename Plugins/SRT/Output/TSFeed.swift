import Geometry
import LibAV
import MPEGTS
import Sluice

/// The streams of `srt-output` in order, and the transport stream that they become when the formats of both are known.
/// Nothing is held for the other stream after that. On the node's lane.
final class TSFeed {
    private let video: Input<Packet>
    private let audio: Input<Packet>
    private let context: NodeContext
    private(set) var sender: TSSender?
    /// When those streams that are there go on alone.
    private(set) var due = Instant.distantFuture
    private var gathering: Gathering
    private var offset: MediaTime?
    private var losses = Losses()

    /// `patience`: how long a stream that sends nothing is waited for.
    init(video: Input<Packet>, audio: Input<Packet>, patience: Interval, _ context: NodeContext) {
        (self.video, self.audio, self.context) = (video, audio, context)
        gathering = Gathering(patience: patience)
    }

    /// The next transport stream begins with its tables.
    func begin() {
        sender = nil
        due = .distantFuture
        gathering.begin()
    }

    func end() { sender = nil }

    var hasVideo: Bool { sender?.tracks.contains(.video) ?? false }

    /// The older of both heads, and its format: nothing is waited for.
    var oldest: (track: TSTrack, input: Input<Packet>, format: MediaFormat)? {
        switch (video.peek(), audio.peek()) {
        case (nil, nil): nil
        case (let picture?, nil): (.video, video, picture.format)
        case (nil, let samples?): (.audio, audio, samples.format)
        case (let picture?, let samples?):
            picture.header.dts <= samples.header.dts
                ? (.video, video, picture.format) : (.audio, audio, samples.format)
        }
    }

    /// True when `sender` is there and its tables are written to `sink`, which needs the format of every stream. Throws
    /// `NodeError` where MPEG-TS does not take one.
    func open(to sink: any ByteSink, _ now: Instant) throws -> Bool {
        if sender != nil { return true }
        let inputs = [(TSTrack.video, video), (.audio, audio)].filter {
            $0.1.isConnected && !($0.1.isEnded && $0.1.peek() == nil)
        }
        let streams = inputs.compactMap { track, input in
            (input.peek()?.format ?? input.format).map { (track: track, format: $0) }
        }
        let heads = inputs.compactMap { $0.1.peek() }
        guard !heads.isEmpty else { return false }
        switch gathering.look(now, isComplete: streams.count == inputs.count) {
        case .complete: break
        case .wait(let until):
            due = until
            return false
        case .incomplete:
            context.log(
                .warning,
                "a stream sent nothing for \(Int(gathering.patience.milliseconds)) ms: going on without it")
        }
        if offset == nil { offset = TSSender.offset(heads, streams.map(\.format)) }
        for (_, format) in streams {
            guard let video = format.video else { continue }
            losses.tell(video.untold(by: "a transport stream", turn: true, shownIn: format.statedPixelAspect), context)
        }
        sender = try TSSender(streams, offset: offset ?? .zero, to: sink)
        due = .distantFuture
        return true
    }
}
