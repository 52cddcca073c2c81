import CLibAV
import Sluice

extension AVChannelLayout {
    /// The layout's speakers, or the usual ones for its number of channels.
    public init(_ audio: AudioLayout) {
        self.init()
        guard audio.speakers == 0 || av_channel_layout_from_mask(&self, audio.speakers) < 0 else { return }
        av_channel_layout_default(&self, Int32(clamping: audio.channels))
    }

    /// As `AudioLayout.speakers` has them; 0 where the layout does not say.
    public var speakers: UInt64 { order == AV_CHANNEL_ORDER_NATIVE ? u.mask : 0 }
}
