/// A service that graphs can set up. Its settings are `@Parameter` properties, as a node's parameters are.
///
///     final class Bell: Service, Ringing {
///         static let descriptor = ServiceDescriptor("bell", summary: "Rings for visitors", scope: .run)
///         @Parameter("tone_hz", default: 440, range: 20...20_000, help: "The pitch in Hz.") var tone: Double
///         init() {}
///     }
///
/// `init` does nothing: settings are read off a fresh instance for the manifest. From then on any thread may call it.
public protocol Service: AnyObject, Sendable {
    /// The service's name in graphs, its summary and its scope.
    static var descriptor: ServiceDescriptor { get }
    /// Does nothing: settings are stored properties, which the engine reads off the instance.
    init()
    /// Opens what it needs; settings are set. May throw. Then the service is not there, and the node that asked is told
    /// why.
    func open(_ context: ServiceContext) throws
    /// Gives everything back, once, after the nodes of its scope are closed. Not called where `open` threw.
    func close()
}

extension Service {
    public func open(_ context: ServiceContext) {}
    public func close() {}
}

/// The engine's offers to a service while it opens, and for as long as it lives.
public struct ServiceContext: Sendable {
    let store: ServiceStore
    let shown: String

    /// A line on the terminal and, of a run's services, in its report's events. From any thread.
    public func log(_ level: EventLog.Level, _ text: String) { store.say(level, "\(shown): \(text)") }

    /// Another service, of the same scope or one around it. In `open`.
    public func service<Wanted>(_ type: Wanted.Type) throws -> Wanted? { try store.find(type) }
}
