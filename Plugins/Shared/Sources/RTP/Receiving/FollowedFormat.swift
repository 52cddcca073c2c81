import Bitstream
import Sluice

/// The format of a received stream as its description tells it, and then its frames: a keyframe may bring another size
/// or other parameter sets, and a sender may change between codecs. Pure; of one lane.
public struct FollowedFormat {
    /// nil while nothing has told it.
    public private(set) var format: MediaFormat?
    private var codec: PayloadFormat
    private let known: [PayloadFormat: MediaFormat]
    private let describedSets: [[UInt8]]
    private var parameterSets: [[UInt8]]
    private let frameRate: VideoLayout.FrameRate?
    private var mayReorder = true
    private var decodeTimes = DecodeTimes(reordered: 0)
    private var units: [Range<Int>] = []

    /// `format` is that of the stream where it is sure already. `known` are those of each codec that it may have, as
    /// far as a description tells them, `parameterSets` those of H.264, `frameRate` that of video.
    public init(
        _ codec: PayloadFormat, format: MediaFormat? = nil, known: [PayloadFormat: MediaFormat] = [:],
        parameterSets: [[UInt8]] = [], frameRate: VideoLayout.FrameRate? = nil
    ) {
        (self.codec, self.format, self.known, self.frameRate) = (codec, format, known, frameRate)
        (describedSets, self.parameterSets) = (parameterSets, parameterSets)
        noteReordering()
    }

    /// That of H.264 with these parameter sets; nil where none of them can be read.
    public static func h264(_ sets: [[UInt8]], frameRate: VideoLayout.FrameRate?) -> MediaFormat? {
        guard let sps = sets.lazy.compactMap({ SequenceParameterSet($0) }).first else { return nil }
        return MediaFormat(
            codec: .h264,
            video: VideoLayout(
                width: sps.width, height: sps.height, frameRate: frameRate,
                pixelAspect: sps.pixelAspect.map { VideoLayout.PixelAspect($0.width, $0.height) } ?? .square),
            configuration: sets.flatMap { [0, 0, 0, 1] + $0 })
    }

    /// How far a frame of that codec may stand behind one that came before it.
    func reach(of codec: PayloadFormat) -> MediaTime {
        codec == .h264 && mayReorder ? ReceiveTimeline.longestReordering : ReceiveTimeline.unsteadiness
    }

    /// When a frame of video is to be decoded that is shown at `time`.
    mutating func decodingTime(of time: MediaTime) -> MediaTime {
        decodeTimes.time(of: time, step: format?.nominalDuration ?? .zero)
    }

    /// The next frame does not continue those before.
    mutating func restart() { decodeTimes.restart() }

    /// Takes what a frame says of the format. True where it begins with parameter sets that it lacks.
    mutating func follow(_ frame: ReceivedFrame) -> Bool {
        follow(codec: frame.format)
        guard frame.isKeyframe, codec.isVideo else { return false }
        guard codec == .h264 else {
            followSize(frame.bytes)
            return false
        }
        return followSets(frame.bytes)
    }

    private mutating func follow(codec new: PayloadFormat) {
        guard new != codec || format == nil && !new.isVideo else { return }
        codec = new
        format = known[new]
        if new == .h264 { parameterSets = describedSets }
        noteReordering()
    }

    private mutating func followSize(_ bytes: UnsafeRawBufferPointer) {
        guard let size = VP8Frame.size(bytes) else { return }
        if format?.video?.width != size.width || format?.video?.height != size.height {
            format = MediaFormat(
                codec: .vp8, video: VideoLayout(width: size.width, height: size.height, frameRate: frameRate))
        }
    }

    private mutating func followSets(_ bytes: UnsafeRawBufferPointer) -> Bool {
        units.removeAll(keepingCapacity: true)
        NALUnits.splitByStartCode(bytes, into: &units)
        let own = units.filter { NALUnits.isParameterSet(bytes[$0.lowerBound]) }
        guard own.contains(where: { bytes[$0.lowerBound] & 31 == NALUnits.sps }) else { return format != nil }
        let isKnown = zip(own, parameterSets).allSatisfy { bytes[$0].elementsEqual($1) }
        if !isKnown || own.count != parameterSets.count || format == nil {
            parameterSets = own.map { Array(bytes[$0]) }
            if let made = FollowedFormat.h264(parameterSets, frameRate: frameRate) {
                format = made
                noteReordering()
            }
        }
        return false
    }

    private mutating func noteReordering() {
        mayReorder = codec == .h264
        guard codec == .h264, let sps = parameterSets.lazy.compactMap({ SequenceParameterSet($0) }).first else {
            return
        }
        // Baseline has no B-frames; where nothing is said of other profiles, they may have some.
        let reordered = sps.reorderedFrames ?? 0
        mayReorder = sps.reorderedFrames.map { $0 > 0 } ?? !sps.profileLevelID.hasPrefix("42")
        if reordered != decodeTimes.reordered { decodeTimes = DecodeTimes(reordered: reordered) }
    }
}
