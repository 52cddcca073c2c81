import SluiceTesting
import Testing

@testable import Sluice

/// An edge that comes and goes while its producer runs, as `Assembly.attach` and `Session.detach` do it: messages to
/// the producer's lane, the end of the edge to the consumer, and the ring freed when both have answered.
extension RingTests {
    enum DetachFlaw: Sendable { case none, freesAfterOneAnswer }

    @Test(arguments: [DetachFlaw.none, .freesAfterOneAnswer], [false, true])
    func aRingIsFreedWhenBothLanesHaveAnswered(_ flaw: DetachFlaw, leavesByItself: Bool) {
        RingTests.prove(
            "attach and detach, consumer leaves by itself: \(leavesByItself)", flaw == .none ? .none : .noLookAgain
        ) {
            explorer in
            let edge = EdgeModel(explorer, capacity: 1)
            let words = AttachWords()
            explorer.thread("producer") {
                // A lane that has media to send whenever it looks; one item at most.
                words.attach.awaitNonzero()
                var sent = 0
                while words.detach.load() == 0 {
                    let isFull = sent < 1 && edge.isFull
                    if sent < 1 && !isFull {
                        edge.push()
                        sent += 1
                    } else if !edge.producerSettles(wasFull: isFull) {
                        words.detachOrRoom.awaitNonzero()
                        _ = words.detachOrRoom.exchange(0)
                    }
                }
                edge.finish()
                words.producerAnswer.storeSequential(1)
            }
            explorer.thread("consumer") {
                if leavesByItself {
                    _ = edge.take()
                    edge.close()
                } else {
                    edge.consume()
                }
                words.detachOrRoom.storeSequential(1)
                words.consumerAnswer.storeSequential(1)
            }
            explorer.thread("supervisor") {
                words.attach.storeSequential(1)
                words.detach.storeSequential(1)
                words.detachOrRoom.storeSequential(1)
                words.producerAnswer.awaitNonzero()
                if flaw == .none { words.consumerAnswer.awaitNonzero() }
                edge.free()
            }
        }
    }

    final class AttachWords {
        let attach = ExplorerWord(0)
        let detach = ExplorerWord(0)
        let detachOrRoom = ExplorerWord(0)
        let producerAnswer = ExplorerWord(0)
        let consumerAnswer = ExplorerWord(0)
    }
}
