/// Whether a source's markers end its pictures.
///
/// The timestamp delimits a picture; a marker only helps not to wait for the next one's. Some senders mark each unit,
/// or each packet, and a marker that is believed too early cuts a picture in two. So markers are believed when a
/// picture has had one, at its end, though it could have had more: it has several slices or packets, or it is a
/// keyframe, which is cut at least as finely as others. One that more of its picture follows makes all of them worth
/// nothing.
struct PictureEnds {
    /// nil while nothing tells.
    private(set) var areBelieved: Bool?
    /// The packet before this one may have been the last of the picture that is open, and was marked.
    private(set) var isMarked = false
    private var wasMarkedBefore = false

    /// A picture begins.
    mutating func begin() { (isMarked, wasMarkedBefore) = (false, false) }

    /// A packet came behind which the picture may end; `parts` of it have come that could have had a marker each. True
    /// where it does end.
    mutating func note(isMarked marked: Bool, parts: Int) -> Bool {
        defer { wasMarkedBefore = wasMarkedBefore || marked }
        isMarked = marked
        guard marked else { return false }
        if areBelieved == nil, parts > 1, !wasMarkedBefore { areBelieved = true }
        return areBelieved == true
    }

    /// The next packet is of the same picture.
    mutating func goOn() {
        if isMarked { areBelieved = false }
        isMarked = false
    }

    /// The picture has ended though no marker was believed.
    mutating func end(isKeyframe: Bool) {
        if areBelieved == nil, isMarked, isKeyframe { areBelieved = true }
    }

    /// More came of a picture that a marker had ended.
    mutating func refute() { areBelieved = false }
}
