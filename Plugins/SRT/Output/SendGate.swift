import Sluice

/// Keeps what waits to be acknowledged within bounds of time, and lets a picture through only where the receiver can
/// decode it. Pure.
///
/// While there is no connection everything goes by. One begins with a video keyframe. Before the first connection media
/// are held, so there audio passes from its beginning on, which mostly is a little earlier. When more than `bound` of
/// media wait in the send buffer the network takes less than is sent. Then nothing passes until half of the bound is
/// left and a keyframe comes. Late media would be thrown away by the receiver in pieces.
struct SendGate {
    /// The time that the send buffer may hold.
    let bound: Interval
    private(set) var isOpen = false
    private(set) var isCongested = false
    private var hasVideo = true
    private(set) var awaitsKeyframe = true
    private var hasOpened: Bool
    /// The first connection begins.
    private var passesAudio = false

    /// `isFirst`: media were held for its first connection, so that audio passes from its beginning on.
    init(bound: Interval, isFirst: Bool = true) { (self.bound, hasOpened) = (bound, !isFirst) }

    /// A connection stands. `hasVideo`: one of its streams is video.
    mutating func open(hasVideo: Bool) {
        isOpen = true
        isCongested = false
        self.hasVideo = hasVideo
        awaitsKeyframe = hasVideo
        passesAudio = !hasOpened
        hasOpened = true
    }

    mutating func close() { isOpen = false }

    enum Change: Equatable {
        case none
        /// The bound is passed: said once.
        case congested
        /// There is room again: a keyframe is to be asked for.
        case relieved
    }

    /// `waiting` is the length of media that the peer has not acknowledged.
    mutating func note(waiting: Interval) -> Change {
        if !isCongested && waiting > bound {
            isCongested = true
            awaitsKeyframe = hasVideo
            passesAudio = false
            return .congested
        }
        if isCongested && waiting.nanoseconds <= bound.nanoseconds / 2 {
            isCongested = false
            return .relieved
        }
        return .none
    }

    /// The send buffer takes nothing more. True where that is new.
    mutating func jam() -> Bool { note(waiting: bound + .milliseconds(1)) == .congested }

    enum Verdict: Equatable {
        case pass
        case unconnected, congested, beforeKeyframe
    }

    mutating func judge(_ packet: Packet) -> Verdict {
        guard isOpen else { return .unconnected }
        guard !isCongested else { return .congested }
        if awaitsKeyframe {
            if passesAudio && packet.format.kind.isAudio { return .pass }
            guard packet.format.kind == .codedVideo && packet.header.flags.contains(.keyframe) else {
                return .beforeKeyframe
            }
            awaitsKeyframe = false
        }
        return .pass
    }
}
