import ICE
import Net

/// How nodes send through the port, on their own lanes.
protocol PortSender: AnyObject, Sendable {
    /// Sends `batch`, whose datagrams are for `route`, and empties it.
    func send(_ batch: DatagramBatch, to route: ICERoute) -> DatagramBatch.Outcome
}
