import CSys
import Glibc

/// A thread that runs one lane under the system clock.
final class LaneThread: @unchecked Sendable {
    private var thread = pthread_t()
    private let lane: Lane
    private let onRefusal: @Sendable (String) -> Void

    /// Real-time priority of lanes that carry paced nodes: above ordinary threads, below the kernel's own.
    static let priority: Int32 = 10
    /// Nanoseconds: of such lanes where that is refused, or where the graph gives them a nice value. The least that
    /// Linux takes; the others' is 0.7 ms and more, by the number of CPUs.
    static let slice: Int64 = 100_000

    /// `onRefusal` is told what the system did not allow, on the new thread. Throws `NodeError` where there is no
    /// thread.
    init(
        _ lane: Lane, refusal: (@Sendable (_ lane: String) -> Int32)? = nil,
        onRefusal: @escaping @Sendable (String) -> Void
    ) throws {
        self.lane = lane
        self.onRefusal = onRefusal
        var code = refusal?(lane.name) ?? 0
        if code == 0 {
            let box = Unmanaged.passRetained(self)
            code = pthread_create(&thread, nil, laneThreadBody, box.toOpaque())
            if code != 0 { box.release() }
        }
        guard code == 0 else {
            throw NodeError(
                "the kernel refuses a thread for lane \(lane.name): \(errorText(code))",
                advice: "Raise the limit of processes (ulimit -u) or of memory, or let nodes share lanes.")
        }
    }

    func join() { pthread_join(thread, nil) }
    func detach() { pthread_detach(thread) }

    fileprivate func body() {
        sys_set_thread_name(lane.name)
        _ = sys_set_timer_slack(1)
        for refusal in lane.plan.apply(LaneSystem.kernel) { onRefusal(refusal.sentence(lane: lane.name)) }
        lane.run()
    }
}

private func laneThreadBody(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<LaneThread>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
}
