import Sluice

/// Makes the segments of the talking figure: pictures at 25 a second, and its voice at 48 kHz.
final class FigureSegments {
    let videoFormat: MediaFormat
    let audioFormat = MediaFormat(audio: AudioLayout(.s16, rate: rate, channels: 1))

    private let painter: FigurePainter
    private let layout: VideoLayout
    private var voice = FigureVoice(rate: rate)
    private var pictures = Pool<VideoFrame>()
    private var samplePool = Pool<AudioFrame>()
    private var pictureCount = 0

    static let rate = 48_000
    static let picturesPerSecond = 25
    /// Pictures of a whole segment: 480 ms.
    static let pictures = 12

    init(width: Int, height: Int) {
        layout = VideoLayout(
            width: width, height: height, pixelFormat: .i420, frameRate: .init(FigureSegments.picturesPerSecond))
        videoFormat = MediaFormat(video: layout)
        painter = FigurePainter(layout)
    }

    /// `count` pictures and the audio of their time.
    func make(_ stretch: FigureScript.Stretch, pictures count: Int, epoch: UInt32) -> Segment {
        var header = SegmentHeader()
        header.epoch = epoch
        (header.width, header.height) = (layout.width, layout.height)
        (header.frameCount, header.frameRate) = (count, VideoLayout.FrameRate(FigureSegments.picturesPerSecond))
        header.sampleRate = FigureSegments.rate
        header.sampleCount = count * FigureSegments.rate / FigureSegments.picturesPerSecond
        // An utterance that was cut leaves its last sound behind.
        if stretch.from == 0 { voice = FigureVoice(rate: FigureSegments.rate) }
        let audio = samplePool.take(audioFormat, sampleCount: header.sampleCount)
        let samples = audio.s16
        for index in 0..<header.sampleCount {
            samples[index] =
                stretch.speech.map {
                    voice.next($0, at: stretch.from + Double(index) / Double(FigureSegments.rate))
                } ?? 0
        }
        let frames = (0..<count).map { index in
            let frame = pictures.take(videoFormat)
            painter.draw(look(stretch, index), in: frame)
            return frame
        }
        pictureCount += count
        return Segment(header, epoch: epoch, frames: frames, audio: audio)
    }

    /// The mouth in the middle of a picture's time.
    private func look(_ stretch: FigureScript.Stretch, _ index: Int) -> FigurePainter.Look {
        var look = FigurePainter.Look()
        // Four pictures of every 3.2 s.
        look.isBlinking = (pictureCount + index) % 80 >= 76
        guard let speech = stretch.speech else { return look }
        let time = stretch.from + (Double(index) + 0.5) / Double(FigureSegments.picturesPerSecond)
        look.isSpeaking = time < speech.length
        guard let (syllable, loudness) = speech.voiced(at: time) else { return look }
        let mouth = syllable.vowel.mouth
        look.mouth = (mouth.width, mouth.height * loudness)
        return look
    }
}
