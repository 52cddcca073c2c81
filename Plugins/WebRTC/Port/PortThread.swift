import Glibc
import Sluice

/// A thread that runs one function.
final class PortThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()
    private var isJoined = false

    /// Throws `NodeError` where the system has no thread more.
    init(_ run: @escaping @Sendable () -> Void) throws {
        let body = Unmanaged.passRetained(Body(run))
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            isJoined = true
            throw NodeError("there is no thread for the port: \(errorText(code))")
        }
    }

    /// Waits until the function has returned. Without it the thread ends for itself.
    func join() {
        isJoined = true
        pthread_join(thread, nil)
    }

    deinit { if !isJoined { pthread_detach(thread) } }
}
