import Sluice
import Spool

/// Writes batches: a server, or the engine in the process. One lane only; the node is woken when something has come.
protocol BatchWriter: AnyObject {
    /// As texts name it.
    var name: String { get }
    /// `audio` reads the batch, and may wait for the disk.
    func start(_ id: BatchSchedule.ID, _ audio: @escaping @Sendable () -> SpoolAudio)
    /// The answers that have come since.
    func take() -> [BatchAnswer]
    func close()
}

/// The words of a batch, or why there are none.
struct BatchAnswer {
    enum Outcome {
        /// Parts of it, each with the sample of the batch with which its times begin.
        case written([(sample: Int, Written)])
        /// The server has no answer for any batch; a sentence's middle says why.
        case unreachable(String, wish: Interval?)
        /// There is no text of this batch.
        case failed(String, wish: Interval?, isFinal: Bool)
    }

    var id: BatchSchedule.ID
    var audio: SpoolAudio
    var outcome: Outcome
}
