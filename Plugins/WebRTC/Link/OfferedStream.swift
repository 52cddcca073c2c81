import Bitstream
import Negotiation
import RTP
import Sluice

/// One stream as peers are offered it: its codec, once that is known, and the packets that all of them share. Of the
/// node's lane.
final class OfferedStream {
    private let line: SharedLine
    private let cached: MediaTime
    private let warn: (String) -> Void
    private let askKeyframe: (@Sendable () -> Void)?
    /// The packets, once the codec is known.
    private(set) var stream: SharedStream?
    private var codec: MediaCodec? { didSet { if codec != oldValue { follow() } } }
    /// Of the last packet.
    private var format: MediaFormat?
    private var isH264 = false
    private var (hasToldReordering, hasToldFields) = (false, false)
    /// Of the last packet of H.264, while nothing was said of its order.
    private var times: (shown: MediaTime, decoded: MediaTime)?

    /// `cached` is how much of video is kept for those that join, `expected` the codec that counts before anything has
    /// come. `askKeyframe` asks the one who makes the stream; nil where the graph's controls do that. `warn` gets a
    /// sentence on pictures that browsers cannot play evenly.
    init(
        line: SharedLine, cached: MediaTime = .zero, expecting expected: MediaCodec? = nil,
        askKeyframe: (@Sendable () -> Void)? = nil, warn: @escaping (String) -> Void
    ) {
        (self.line, self.cached, self.askKeyframe, self.warn) = (line, cached, askKeyframe, warn)
        codec = expected
        follow()
    }

    /// Looks at the format of a packet that comes.
    func note(_ packet: Packet) {
        let isKnown = packet.format === format
        if isH264, !hasToldReordering { noteOrder(packet) }
        guard !isKnown || isH264 && packet.header.flags.contains(.keyframe) else { return }
        format = packet.format
        isH264 = packet.format.codec == .h264
        switch packet.format.codec {
        case .opus: codec = .opus(channels: packet.format.audio?.channels ?? 1)
        case .vp8: codec = .vp8
        case .h264: if packet.header.flags.contains(.keyframe) { note(keyframe: packet) }
        default: codec = nil
        }
    }

    /// nil while nothing has come, and for H.264 whose profile is not known yet.
    var track: ViewerAnswer.Streams.Track? {
        guard let codec, let stream else { return nil }
        return .init(codec: codec, stream: stream)
    }

    private func follow() {
        guard let codec else {
            stream = nil
            return
        }
        guard stream?.format != codec.format else { return }
        stream = SharedStream(
            codec.format, limit: PeerSession.payloadLimit, line: line, cached: cached, askKeyframe: askKeyframe)
    }

    /// The parameter sets of H.264 stand in the format, or in keyframes alone, as in a transport stream.
    private func note(keyframe packet: Packet) {
        let sets = AVCConfiguration.parameterSets(of: packet.format.configuration)
        let known = sets.lazy.compactMap { SequenceParameterSet($0) }.first
        guard let sps = known ?? SequenceParameterSet(inAccessUnit: packet.bytes) else { return }
        codec = .h264(H264Profile(sps))
        if sps.isInterlaced { tellFields() }
        if sps.reorderedFrames ?? 0 > 0 { tellReordering() }
    }

    /// Encoders that do not say it in their parameter sets show it.
    private func noteOrder(_ packet: Packet) {
        let (before, header) = (times, packet.header)
        times = (header.pts, header.dts)
        guard let before, header.dts > before.decoded, header.pts < before.shown else { return }
        tellReordering()
    }

    private func tellReordering() {
        guard !hasToldReordering else { return }
        hasToldReordering = true
        warn(
            "pictures come in another order than they are shown (B-frames), which browsers cannot play evenly. "
                + "Let the encoder leave them out: -bf 0 of ffmpeg, \"tune zerolatency\" of x264. \(OfferedStream.anew)"
        )
    }

    private func tellFields() {
        guard !hasToldFields else { return }
        hasToldFields = true
        warn(
            "pictures are interlaced, which browsers show with combs, or not at all. Let the sender make progressive "
                + "ones: -vf yadif of ffmpeg, \"progressive\" at the camera. \(OfferedStream.anew)")
    }

    private static let anew = "Or have them encoded anew: transcode=all of the graph srt-viewer."
}

extension SequenceParameterSet {
    /// The first one in an access unit with start codes.
    fileprivate init?(inAccessUnit bytes: UnsafeRawBufferPointer) {
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(bytes, into: &units)
        let sets = units.lazy.filter { NALUnits.type(bytes[$0.lowerBound]) == NALUnits.sps }
        guard let found = sets.compactMap({ SequenceParameterSet(bytes[$0]) }).first else { return nil }
        self = found
    }
}
