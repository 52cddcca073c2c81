import Sluice

/// A test picture that moves and carries its frame number, and the tone. Deterministic, without end.
final class Pattern: SourceMedia {
    private let videoFormat: MediaFormat
    private let tone: Tone
    private let painter: PatternPainter
    private var pool = Pool<VideoFrame>()
    private var number = 0

    init(_ layout: VideoLayout, tone: Tone) {
        videoFormat = MediaFormat(video: layout)
        painter = PatternPainter(layout)
        self.tone = tone
    }

    func format(_ track: Track) -> MediaFormat? { track == .video ? videoFormat : tone.format(track) }

    func next(_ track: Track) -> Pull {
        guard track == .video else { return tone.next(track) }
        let painter = self.painter
        let number = self.number
        var drawn: Int?
        // A frame of the pool still shows what was drawn last: only what differs is drawn again.
        let frame = pool.take(
            reuse: {
                drawn = painter.number(at: $0.header.pts)
                $0.reset(format: videoFormat)
            }, make: { VideoFrame(format: videoFormat) })
        painter.draw(number, over: drawn, in: frame)
        frame.header.pts = painter.time(of: number)
        frame.header.dts = frame.header.pts
        frame.header.duration = painter.time(of: number + 1) - frame.header.pts
        self.number += 1
        return .item(frame)
    }

    func skip(_ track: Track, to time: MediaTime) -> Int {
        guard track == .video else { return tone.skip(track, to: time) }
        let before = number
        number = max(number, painter.number(at: time) ?? 0)
        return number - before
    }

    func restart() -> Bool { false }
}
