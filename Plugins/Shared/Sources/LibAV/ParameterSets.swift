import Bitstream
import Sluice

extension MediaFormat {
    /// This format with the H.264 parameter sets that `packet`, its first keyframe, carries in Annex B form (ITU-T
    /// H.264, Annex B), where the format has none of its own: mp4 and Matroska want them before the first packet.
    public func withParameterSets(of packet: Packet) -> MediaFormat {
        guard codec == .h264, configuration.isEmpty, let video else { return self }
        let bytes = packet.bytes
        var units: [Range<Int>] = []
        NALUnits.splitByStartCode(bytes, into: &units)
        let sets = units.filter { NALUnits.isParameterSet(bytes[$0.lowerBound]) }.flatMap { [0, 0, 0, 1] + bytes[$0] }
        return sets.isEmpty ? self : MediaFormat(codec: .h264, video: video, configuration: sets, bitrate: bitrate)
    }
}
