import Sluice

/// Which pictures carry a flash, and where in the audio the chirps lie.
///
/// Either the media say so, picture by picture (`MediaItem.Header.Flags.marker`: the node that cuts segments knows how
/// many pictures each will have), or a mark comes every so many seconds of a stream's own time. A chirp begins at the
/// media time of its first marked picture. So that picture must come before the audio of its time has gone. Where it
/// does not, it is left unmarked and counted: a flash without its chirp would measure nothing. A mark that has begun is
/// finished, in both media.
///
/// Pure: headers in, decisions out.
struct CalibrationSchedule {
    /// `.zero`: as the media say.
    let period: MediaTime
    /// Marks begun so far.
    private(set) var number = 0
    /// Marks that were left out because the audio of their time had gone.
    private(set) var missed = 0
    /// Those that are not yet wholly behind the audio.
    private(set) var chirps: [Chirp] = []
    /// Up to where the audio has passed; `.none` before the first.
    private(set) var audioEnd = MediaTime.none
    private(set) var videoEnd = MediaTime.none
    private var epoch: UInt32 = 0
    private var mark: Mark?
    private var due = MediaTime.none

    /// The mark of the last picture.
    private struct Mark {
        var isFlagged: Bool
        var isPainted: Bool
        var pictures = 1
        var duration: MediaTime
    }

    /// Audio that is further behind than this does not belong to a picture.
    private static let absence = MediaTime.milliseconds(1_000)
    /// Marks that the audio may be behind; older ones have lost their audio.
    private static let mostAhead = 16

    init(period: MediaTime) { self.period = period }

    /// A mark has begun and is not finished.
    var isBusy: Bool { !chirps.isEmpty || mark.map { !$0.isFlagged && $0.pictures < Flash.pictures } ?? false }

    /// The marks of the pictures so far cover the audio up to `end` and a fade more.
    func settles(audioUpTo end: MediaTime) -> Bool { end + Chirp.fade <= videoEnd }

    /// The next picture; true if it carries the flash. `isOn` lets a new mark begin, `isAsked` wants one at once.
    mutating func picture(_ header: MediaItem.Header, isOn: Bool, isAsked: Bool) -> Bool {
        guard header.pts.isKnown else { return false }
        let duration = header.duration.isKnown ? header.duration : .zero
        if header.epoch != epoch || videoEnd.isKnown && header.pts + CalibrationSchedule.absence < videoEnd {
            beginAnew(header.epoch)
        }
        videoEnd = header.pts + duration
        if !due.isKnown { due = header.pts + MediaTime(ticks: period.ticks / 2) }
        let isFlagged = period == .zero && header.flags.contains(.marker)
        if let painted = goOn(isFlagged: isFlagged && !header.flags.contains(.segmentStart)) { return painted }
        guard isOn, isFlagged || hasAudio(near: header.pts) && (isAsked || takeDue(header.pts)) else { return false }
        let isInTime = !audioEnd.isKnown || audioEnd <= header.pts
        mark = Mark(isFlagged: isFlagged, isPainted: isInTime, duration: duration)
        guard isInTime else {
            missed += 1
            return false
        }
        number += 1
        if chirps.count == CalibrationSchedule.mostAhead { chirps.removeFirst() }
        let length = Chirp.length(of: Flash.pictures, each: duration)
        chirps.append(Chirp(start: header.pts, length: length, epoch: header.epoch))
        return true
    }

    /// Whether this picture belongs to the last one's mark, and is painted; nil where it does not.
    private mutating func goOn(isFlagged: Bool) -> Bool? {
        guard var mark else { return nil }
        if mark.isFlagged ? isFlagged : mark.isPainted && mark.pictures < Flash.pictures {
            mark.pictures += 1
            self.mark = mark
            return mark.isPainted
        }
        endMark()
        return nil
    }

    /// No further picture belongs to the last one's mark: a chirp to a single one is as long as that.
    mutating func endMark() {
        if let mark, mark.isPainted, mark.pictures == 1, let last = chirps.indices.last {
            chirps[last].length = Chirp.length(of: 1, each: mark.duration)
        }
        mark = nil
    }

    /// The source of segments marks only those that have both; elsewhere audio that is there now tells.
    private func hasAudio(near time: MediaTime) -> Bool {
        audioEnd.isKnown && time < audioEnd + CalibrationSchedule.absence
    }

    /// The first is due after half a period.
    private mutating func takeDue(_ time: MediaTime) -> Bool {
        guard period > .zero else { return false }
        guard time >= due else { return false }
        due += period * ((time - due).ticks / period.ticks &+ 1)
        return true
    }

    /// Audio with this header passes, with whatever of `chirps` touches it.
    mutating func audioPassed(_ header: MediaItem.Header) {
        guard header.pts.isKnown else { return }
        let end = header.pts + (header.duration.isKnown ? header.duration : .zero)
        audioEnd = end
        chirps.removeAll { $0.end <= end || header.epoch > $0.epoch && $0.epoch != 0 }
    }

    /// Another epoch, or a jump back: what was begun is not finished.
    private mutating func beginAnew(_ new: UInt32) {
        epoch = new
        chirps = []
        mark = nil
        due = .none
        audioEnd = .none
    }
}
