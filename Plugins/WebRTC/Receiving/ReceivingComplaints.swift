import Sluice

/// The sentences about media that come and are of no use, each said once.
struct ReceivingComplaints {
    private var (hasSaidForeign, hasSaidKeyframe, hasSaidSize) = (false, false, false)
    private var lacksKeyframeSince: Instant?

    /// So long without a picture is no start and no loss.
    static let patience = Interval.milliseconds(5_000)

    mutating func take(_ receiver: PeerReceiver, now: Instant) -> String? {
        if !hasSaidForeign, let type = receiver.foreignType {
            hasSaidForeign = true
            return "it sends packets of payload type \(type), which was not agreed on: left out, counted as foreign"
        }
        guard let video = receiver.medium(.video) else { return nil }
        if !hasSaidSize, video.tooLarge > 0 {
            hasSaidSize = true
            return "its pictures are larger than 8192 pixels on a side, or than 8192x4352 in all: left out, "
                + "counted as video_too_large"
        }
        guard video.receiver.counts.packets > 0, video.receiver.depacketizer.needsKeyframe else {
            lacksKeyframeSince = nil
            return nil
        }
        let since = lacksKeyframeSince ?? now
        lacksKeyframeSince = since
        guard !hasSaidKeyframe, now - since >= ReceivingComplaints.patience else { return nil }
        hasSaidKeyframe = true
        return "it sends video, and no keyframe came within 5 s though it was asked for "
            + "\(receiver.asked.picturesLost): let its encoder heed PLI (RFC 4585)"
    }
}
