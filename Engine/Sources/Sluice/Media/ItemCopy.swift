extension MediaItem {
    /// The same media under a header of its own. The one that was received may be on other edges too.
    func withHeaderOfItsOwn() -> MediaItem {
        let made: MediaItem
        switch self {
        case let frame as AudioFrame: return frame.copy()
        case let frame as VideoFrame: return VideoFrame(showing: frame)
        case let packet as Packet:
            let other = Packet(format: packet.format, count: packet.count)
            other.mutableBytes.copyMemory(from: packet.bytes)
            made = other
        case let item as DataItem: made = DataItem(format: item.format, fields: item.fields)
        default: return self
        }
        made.header = header
        return made
    }
}
