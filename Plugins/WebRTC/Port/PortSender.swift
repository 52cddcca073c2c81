import ICE
import Net

/// How nodes send through the port, on their own lanes.
protocol PortSender: AnyObject, Sendable {
    /// Sends `batch`, whose datagrams are for `route`, and empties it.
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome
    /// For datagrams that go by UDP with those of other peers, to addresses of `family`; of the present thread. nil
    /// where there is none: then they go by `send`.
    func outbox(for family: Int32) -> PortOutbox?
    /// For packets that go by TCP: the connection of that number, as long as it stands.
    func connection(_ number: UInt64) -> TCPConnection?
}

extension PortSender {
    func outbox(for family: Int32) -> PortOutbox? { nil }
    func connection(_ number: UInt64) -> TCPConnection? { nil }
}
