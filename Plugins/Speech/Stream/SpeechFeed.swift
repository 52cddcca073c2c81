import Sluice

/// The audio of a stream as speech: mono at 16 kHz, with its media time, and where it breaks off. One lane only.
final class SpeechFeed {
    static let longestHole = MediaTime.seconds(1)

    /// The channel that is heard; nil for all of them.
    private let channel: Int?
    private let audio = SpeechSamples()
    private var alone = AudioFrame(
        format: MediaFormat(audio: AudioLayout(.f32, rate: SpeechSamples.rate, channels: 1)), sampleCount: 0)
    private var timeline = AudioFrame.Timeline()
    private var layout: AudioLayout?
    private var lastEpoch: UInt32 = 0

    init(channel: Int? = nil) { self.channel = channel }

    /// The next frame. `ends` is called before its audio where it does not go on with what was heard; a short hole is
    /// silence.
    func take(_ frame: AudioFrame, isOpen: Bool, ends: () -> Void) throws -> [Float] {
        let header = frame.header
        if !isOpen || !continues(frame) {
            ends()
            try audio.reset()
            let start = header.pts.isKnown ? header.pts : timeline.isStarted ? timeline.end : .zero
            timeline = AudioFrame.Timeline(start: start, rate: max(1, frame.layout.rate))
            layout = frame.layout
        }
        lastEpoch = header.epoch
        timeline.advance(frame.sampleCount)
        try audio.append(channel.map { only($0, of: frame) } ?? frame)
        let new = audio.samples
        audio.removeFirst(new.count)
        return new
    }

    private func only(_ channel: Int, of frame: AudioFrame) -> AudioFrame {
        let (from, count) = (frame.layout, frame.sampleCount)
        guard let kind = from.sampleFormat, channel < from.channels else { return frame }
        alone.reset(
            format: MediaFormat(audio: AudioLayout(kind, rate: from.rate, channels: 1)), sampleCount: count)
        for index in 0..<count {
            switch kind {
            case .s16: alone.s16[index] = frame.s16[index * from.channels + channel]
            case .f32: alone.f32[index] = frame.f32[index * from.channels + channel]
            }
        }
        return alone
    }

    private func continues(_ frame: AudioFrame) -> Bool {
        let header = frame.header
        guard layout == frame.layout, header.epoch == lastEpoch, !header.flags.contains(.discontinuity) else {
            return false
        }
        guard !timeline.isContinued(by: header) else { return true }
        let hole = header.pts - timeline.end
        guard hole >= .zero, hole <= SpeechFeed.longestHole else { return false }
        timeline.advance(Int(hole.rescaled(to: Int64(timeline.rate))))
        audio.append(zeros: Int(hole.rescaled(to: Int64(SpeechSamples.rate))))
        return true
    }

    /// The media time of the sample that so many others follow.
    func time(before count: Int) -> MediaTime {
        max(timeline.end - MediaTime(Int64(count), timescale: Int64(SpeechSamples.rate)), timeline.start)
    }
}
