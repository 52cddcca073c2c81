import Sluice

/// A protocol that one plugin provides and others use: somebody rings, on a thread of the provider's.
public protocol Bell: Sendable {
    func onRing(_ body: @escaping @Sendable (_ visitor: UInt64) -> Void)
}

/// Starts an instance of a template for each visitor, and stops it when the same one rings again.
public final class Visits: Node {
    public static let descriptor = NodeDescriptor(
        "visits", summary: "Starts a session for each visitor", traits: [.live])

    @Parameter("template", default: "viewer", help: "The template that is started.") var template: String
    private var sessions: [UInt64: NodeContext.Instance] = [:]
    private var context: NodeContext!
    private var visitors: NodeContext.Inbox<UInt64>?

    public init() {}

    public func prepare(_ context: NodeContext) throws {
        guard let bell = try context.service((any Bell).self) else {
            throw NodeError("no plugin provides a bell", advice: "Add one to the plugin path.", isInputError: true)
        }
        self.context = context
        visitors = context.inbox(of: UInt64.self)
        bell.onRing { [visitors] in visitors?.post($0) }
        context.isWaiting(for: "visitors")
    }

    public func process(now: Instant) {
        while let visitor = visitors?.next() {
            if let session = sessions.removeValue(forKey: visitor) {
                session.stop()
            } else {
                sessions[visitor] = context.start(template, parameters: ["number": .integer(Int(visitor))])
            }
        }
    }
}
