import Sluice

/// Moves PCM by whole steps: silence put in where the delay grows, samples cut out where it falls.
///
/// The inserted audio begins where the audio was and fades to nothing in rate / 200 samples, and what follows fades in
/// as long. A cut is a cross-fade as long, from the samples that are left out to those that follow. In front of a hole
/// in time nothing needs to be put in or, as far as the hole reaches, cut out: the hole grows or shrinks.
///
/// samples out = samples in + inserted − cut.
struct StepAudio {
    private(set) var inserted = 0
    private(set) var cut = 0
    /// In effect, in samples.
    private(set) var delay = 0
    private var pool = Pool<AudioFrame>()
    private var received = AudioFrame.Timeline()
    private var lastValues: [Double] = []
    private var left = 0
    private var fade = Fade()
    private var carriedFlags = MediaItem.Header.Flags()

    /// The audio that is being faded in, and the audio under it.
    private struct Fade {
        var position = 0
        var length = 0
        /// Interleaved samples that fade out meanwhile; silence behind them.
        var over: [Double] = []
        var isOn: Bool { position < length }
    }

    /// Samples whose sum with the delay is whole go out with `send`: the item, how long it waits, and its samples.
    mutating func pass(
        _ frame: AudioFrame, delay wanted: Int, send: (_ item: AudioFrame, _ hold: MediaTime, _ count: Int) -> Void
    ) {
        let layout = frame.layout
        let isContinued = received.isContinued(by: frame.header)
        let hole = isContinued || !received.isStarted ? 0 : hole(before: frame.header)
        let isFirst = !received.isStarted
        let pts = frame.header.pts.isKnown && !isContinued ? frame.header.pts : received.end
        if !isContinued { received = AudioFrame.Timeline(start: pts.isKnown ? pts : .zero, rate: layout.rate) }
        if wanted != delay {
            let step = wanted - delay
            // Samples that were still to be cut need not be put in.
            let spared = min(left, max(0, step))
            left -= spared
            if step > spared, isContinued, !isFirst {
                insert(step - spared, before: frame, send)
            } else if step < 0, !isFirst {
                left += max(0, -step - hole)
                fade = Fade()
            }
            delay = wanted
        }
        let hold = MediaTime(Int64(delay), timescale: Int64(layout.rate))
        let start = received.end
        received.advance(frame.sampleCount)
        if delay == 0, left == 0, !fade.isOn {
            keepLast(of: frame)
            return send(frame, .zero, frame.sampleCount)
        }
        cutAndSend(frame, from: start, hold: hold, send)
    }

    private mutating func cutAndSend(
        _ frame: AudioFrame, from start: MediaTime, hold: MediaTime, _ send: (AudioFrame, MediaTime, Int) -> Void
    ) {
        let layout = frame.layout
        let skipped = min(left, frame.sampleCount)
        if skipped > 0 {
            if fade.length == 0 { fade = Fade(position: 0, length: StepAudio.fadeLength(layout.rate)) }
            let kept = min(skipped, max(0, fade.length - fade.over.count / max(1, layout.channels)))
            for place in 0..<kept * layout.channels { fade.over.append(frame.sample(place)) }
            left -= skipped
            cut += skipped
        }
        guard skipped < frame.sampleCount else {
            carriedFlags.formUnion(frame.header.flags)
            return
        }
        let count = frame.sampleCount - skipped
        let result = pool.take(frame.format, sampleCount: count)
        let bytes = layout.bytesPerSample
        result.mutableBytes.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: frame.bytes[(skipped * bytes)..<(skipped + count) * bytes]))
        result.header = frame.header
        result.header.flags.formUnion(carriedFlags)
        carriedFlags = []
        result.header.pts = start + MediaTime(Int64(skipped), timescale: Int64(layout.rate)) + hold
        result.header.dts = result.header.pts
        result.header.duration = result.sampleDuration
        fadeIn(result)
        keepLast(of: result)
        send(result, hold, count)
    }

    /// The last sample fades out, then silence.
    private mutating func insert(
        _ count: Int, before frame: AudioFrame, _ send: (AudioFrame, MediaTime, Int) -> Void
    ) {
        let layout = frame.layout
        let rate = Int64(layout.rate)
        let length = StepAudio.fadeLength(layout.rate)
        let chunk = max(1, frame.sampleCount)
        var done = 0
        while done < count {
            let silence = pool.take(frame.format, sampleCount: min(chunk, count - done))
            silence.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0)
            for position in 0..<silence.sampleCount where done + position < length {
                let weight = 1 - Double(done + position + 1) / Double(length)
                for channel in 0..<min(layout.channels, lastValues.count) {
                    silence.setSample(position * layout.channels + channel, lastValues[channel] * weight)
                }
            }
            silence.header = frame.header
            silence.header.flags = []
            // It takes the place that the next frame would have had.
            let hold = MediaTime(Int64(delay + done), timescale: rate)
            silence.header.pts = received.end + hold
            silence.header.dts = silence.header.pts
            silence.header.duration = silence.sampleDuration
            done += silence.sampleCount
            send(silence, hold, silence.sampleCount)
        }
        inserted += count
        fade = Fade(position: 0, length: length)
    }

    private mutating func fadeIn(_ frame: AudioFrame) {
        guard fade.isOn else { return }
        let channels = frame.layout.channels
        for position in 0..<min(frame.sampleCount, fade.length - fade.position) {
            let weight = Double(fade.position + position + 1) / Double(fade.length + 1)
            for channel in 0..<channels {
                let place = position * channels + channel
                let old = (fade.position + position) * channels + channel
                let over = old < fade.over.count ? fade.over[old] : 0
                frame.setSample(place, frame.sample(place) * weight + over * (1 - weight))
            }
        }
        fade.position += frame.sampleCount
        if !fade.isOn { fade = Fade() }
    }

    /// Samples missing before a frame with this header by its time.
    private func hole(before header: MediaItem.Header) -> Int {
        guard header.pts.isKnown, header.pts > received.end else { return 0 }
        return Int(min((header.pts - received.end).rescaled(to: Int64(received.rate)), 1 << 40))
    }

    private mutating func keepLast(of frame: AudioFrame) {
        let channels = frame.layout.channels
        guard frame.sampleCount > 0 else { return }
        if lastValues.count != channels { lastValues = Array(repeating: 0, count: channels) }
        for channel in 0..<channels {
            lastValues[channel] = frame.sample((frame.sampleCount - 1) * channels + channel)
        }
    }

    private static func fadeLength(_ rate: Int) -> Int { max(1, rate / 200) }

    /// A new epoch or sample rate: what was waiting was thrown away, so many samples.
    mutating func reset(discarding samples: Int) {
        let (inserted, cut) = (inserted, cut + samples)
        self = StepAudio()
        (self.inserted, self.cut) = (inserted, cut)
    }
}

extension AudioFrame {
    /// Of the interleaved samples, in −1…1 (s16: of 32,768).
    func sample(_ place: Int) -> Double {
        layout.sampleFormat == .f32 ? Double(f32[place]) : Double(s16[place]) / 32_768
    }

    func setSample(_ place: Int, _ value: Double) {
        if layout.sampleFormat == .f32 {
            f32[place] = Float(value)
        } else {
            s16[place] = Int16(max(-32_768, min(32_767, (value * 32_768).rounded())))
        }
    }
}
