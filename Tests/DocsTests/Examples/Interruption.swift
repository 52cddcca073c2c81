import Sluice

/// Lets media pass; asked to interrupt, it makes what is under way stale.
final class Interruption: Node {
    static let descriptor = NodeDescriptor("interruption", summary: "Flushes when it is asked to")

    let input = Input<MediaItem>("in")
    let output = Output<MediaItem>("out", follows: "in")
    let interrupt = RequestInput("interrupt", help: "Makes everything older stale.")
    private var context: NodeContext!

    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        if interrupt.take() {
            context.raiseEpoch()
        }
        while let item = input.next() { output.send(item) }
    }
}
