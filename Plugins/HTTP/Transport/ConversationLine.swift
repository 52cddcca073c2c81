import HTTP

/// The way from other threads back to conversations, which belong to the service's thread.
protocol ConversationLine: AnyObject, Sendable {
    /// From any thread: the answer to an exchange of that conversation.
    func answer(_ conversation: UInt64, _ sequence: UInt64, _ response: HTTPResponse)
    /// From any thread: something waits to be written to its WebSocket.
    func wakeSocket(_ conversation: UInt64)
    /// On the service's thread: a WebSocket's last word, which its owner did not take yet.
    func keep(_ event: WebSocketEvent, for post: @escaping @Sendable (WebSocketEvent) -> Bool)
    /// On the service's thread: now, as `Date` has it.
    var date: String { get }
}
