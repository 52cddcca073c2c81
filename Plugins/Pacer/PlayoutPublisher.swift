import Pacing
import Sluice

/// Tells those that follow a pacer of audio how it plays its source: by the pacer's name, and by the number of its
/// source's clock where no other pacer of the session has the same source.
final class PlayoutPublisher {
    private let own: SharedPlayout
    private let playouts: SessionPlayouts
    private var byClock: SharedPlayout?

    init(_ own: SharedPlayout, among playouts: SessionPlayouts) {
        (self.own, self.playouts) = (own, playouts)
    }

    deinit { byClock?.release() }

    /// The first media have come.
    func begin(clock: UInt16) {
        guard clock != 0, byClock == nil else { return }
        let shared = playouts.playout(ofClock: clock)
        if shared.claim() { byClock = shared }
    }

    func write(_ playout: Playout) {
        own.write(playout)
        byClock?.write(playout)
    }
}
