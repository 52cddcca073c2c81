import Synchronization

/// When each picture was where in one run: what `sluice latency` looks at afterwards.
///
/// A run with a trace puts a probe at both ends of every edge that may carry video, on the lanes of the nodes there. A
/// probe notes the clock and the item's pts; of a raw picture that a node sends it reads the burnt-in number too
/// (`VideoFrame.NumberCode`). Nodes that do several things with an item tell the time between them by
/// `NodeContext.mark`. Any thread.
@_spi(Host) public final class LatencyTrace: Sendable {
    struct Place: Equatable {
        var node: String
        var type: String
        var role: Role

        enum Role: Equatable {
            /// An item has come to the node's lane, is about to be taken.
            case input
            /// The node has sent an item.
            case output
            /// The node has done something with an item: what is named.
            case mark(String)
        }
    }

    struct Point {
        var place: Int
        var pts: MediaTime
        /// Nanoseconds of the graph's clock.
        var at: Int64
        /// Burnt into the picture; nil where it was not read.
        var number: Int?
        /// When the picture was captured.
        var captured: Int64
    }

    struct State {
        var places: [Place] = []
        /// From an output to the input behind it, by number of place.
        var links: [(from: Int, to: Int)] = []
        var points: [Point] = []
    }

    /// Three hours of ten places at 30 pictures a second; what comes later is not noted.
    static let limit = 3_240_000

    private let contents = Mutex(State())

    public init() { contents.withLock { $0.points.reserveCapacity(1 << 16) } }

    var state: State { contents.withLock { $0 } }

    func place(_ place: Place) -> Int {
        contents.withLock {
            $0.places.append(place)
            return $0.places.count - 1
        }
    }

    func link(_ from: Int, _ to: Int) { contents.withLock { $0.links.append((from, to)) } }

    func note(_ point: Point) {
        contents.withLock { if $0.points.count < LatencyTrace.limit { $0.points.append(point) } }
    }

    /// The place of that name is made when it is first noted.
    func note(mark: String, node: String, type: String, pts: MediaTime, at: Int64) {
        let wanted = Place(node: node, type: type, role: .mark(mark))
        contents.withLock { state in
            guard state.points.count < LatencyTrace.limit else { return }
            let index = state.places.firstIndex(of: wanted) ?? state.places.count
            if index == state.places.count { state.places.append(wanted) }
            state.points.append(Point(place: index, pts: pts, at: at, number: nil, captured: 0))
        }
    }
}
