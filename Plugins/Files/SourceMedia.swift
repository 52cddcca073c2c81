import Sluice

/// The two streams that a source may have.
enum Track: Int, CaseIterable {
    case video, audio
    var name: String { self == .video ? "video" : "audio" }
}

/// The media that a source has opened: items of each track in the order of their decoding times, starting near 0.
protocol SourceMedia: AnyObject {
    /// The format of the track; nil where there is no such track.
    func format(_ track: Track) -> MediaFormat?
    /// The next item, held by nobody else. May read, draw or decode.
    func next(_ track: Track) throws -> Pull
    /// Leaves out what comes before `time`, and on to where a decoder can begin; how many items that were. The next one
    /// may be later, or a little earlier where nothing more can be left out.
    func skip(_ track: Track, to time: MediaTime) -> Int
    /// Begins again from the start, for `loop`. False where the media cannot.
    func restart() throws -> Bool
}

enum Pull {
    case item(MediaItem)
    /// Nothing can be had before items of the other track are taken.
    case later
    case end
}
