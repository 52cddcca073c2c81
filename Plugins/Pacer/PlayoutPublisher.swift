import Pacing
import Sluice

/// Tells those that follow a pacer of sound how it plays its source: by the pacer's name, and by the number of its
/// source's clock where no other pacer beside it has the same source.
final class PlayoutPublisher {
    private let own: SharedPlayout
    private let registry: PacerRegistry
    private let name: String
    private var byClock: SharedPlayout?

    init(_ own: SharedPlayout, registry: PacerRegistry, name: String) {
        (self.own, self.registry, self.name) = (own, registry, name)
    }

    deinit { byClock?.release() }

    /// The first media have come.
    func begin(clock: UInt16) {
        guard clock != 0, byClock == nil else { return }
        let shared = registry.playout(ofClock: clock, beside: name)
        if shared.claim() { byClock = shared }
    }

    func write(_ playout: Playout) {
        own.write(playout)
        byClock?.write(playout)
    }
}
