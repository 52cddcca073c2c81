import RTP
import Sluice
import Synchronization

/// The line that timestamps of all streams of a session, or of all viewers of one stream, are counted from.
final class SharedLine: Sendable {
    private let timeline = Mutex(SendTimeline())

    func place(_ header: MediaItem.Header, now: Instant) -> SendTimeline.Place {
        timeline.withLock { $0.place(header, now: now) }
    }

    /// The time on the line of an instant; nil before the first item.
    func time(at now: Instant) -> MediaTime? { timeline.withLock { $0.time(at: now) } }
}

/// One stream for any number of viewers on whatever lane. Each packet gets its time and is cut into payloads once, by
/// the first that asks; what came since the last keyframe is kept for those that join.
final class SharedStream: Sendable {
    /// A packet, ready for viewers.
    struct Frame: Sendable {
        /// Counts the stream's packets.
        var number: Int
        var frame: PacketizedFrame
        /// On the shared line.
        var time: MediaTime
        /// The first one behind a gap.
        var followsSilence: Bool

        var cached: GOPCache.Frame { GOPCache.Frame(frame, at: time) }
    }

    /// A packet, told from others: its object is used again when nobody holds it any more.
    private struct Key: Equatable {
        var object: ObjectIdentifier
        var dts: MediaTime
        var epoch: UInt32
        var count: Int

        init(_ packet: Packet) {
            object = ObjectIdentifier(packet)
            (dts, epoch, count) = (packet.header.dts, packet.header.epoch, packet.count)
        }
    }

    private struct State {
        var packetizer: FramePacketizer
        var cache: GOPCache
        var recent: [(key: Key, frame: Frame)] = []
        /// Of `recent`, the place of the latest.
        var latest = 0
        var count = 0
        var configuration: [UInt8] = []

        /// The latest first, since most viewers are up to date.
        func find(_ key: Key) -> Frame? {
            var index = latest
            for _ in recent.indices {
                if recent[index].key == key { return recent[index].frame }
                index = index == 0 ? recent.count - 1 : index - 1
            }
            return nil
        }
    }

    /// Viewers that are further behind than so many packets cut them again.
    private static let most = 64

    let format: PayloadFormat
    let line: SharedLine
    /// Those who are sent each packet as the node that makes the stream has it.
    let audience = Audience()
    /// Asks the one who makes the stream for a keyframe; nil where the graph's controls do that.
    let askKeyframe: (@Sendable () -> Void)?
    private let state: Mutex<State>

    /// `limit` is the most bytes of a payload. `cached` is how much of video is kept for those that join.
    init(
        _ format: PayloadFormat, limit: Int, line: SharedLine, cached: MediaTime = .zero,
        askKeyframe: (@Sendable () -> Void)? = nil
    ) {
        (self.format, self.line, self.askKeyframe) = (format, line, askKeyframe)
        state = Mutex(
            State(
                packetizer: FramePacketizer(format, limit: limit),
                cache: GOPCache(longest: format.isVideo ? cached : .zero)))
    }

    func frame(of packet: Packet, now: Instant) -> Frame {
        let key = Key(packet)
        return state.withLock { state in
            if let found = state.find(key) { return found }
            let place = line.place(packet.header, now: now)
            let configuration = packet.format.configuration
            if configuration != state.configuration {
                state.configuration = configuration
                state.packetizer.configure(configuration)
            }
            let isKeyframe = packet.header.flags.contains(.keyframe)
            let frame = Frame(
                number: state.count, frame: state.packetizer.frame(packet.bytes, isKeyframe: isKeyframe),
                time: place.time, followsSilence: place.beginsSegment)
            state.count += 1
            if format.isVideo { state.cache.add(frame.cached) }
            if state.recent.count < SharedStream.most {
                state.latest = state.recent.count
                state.recent.append((key, frame))
            } else {
                state.latest = (state.latest + 1) % SharedStream.most
                state.recent[state.latest] = (key, frame)
            }
            return frame
        }
    }

    /// Packets by their numbers, in order; nil where one of them is too long ago.
    func frames(_ numbers: Range<Int>) -> [Frame]? {
        state.withLock { state in
            let found = state.recent.lazy.map(\.frame).filter { numbers.contains($0.number) }
            return found.count == numbers.count ? found.sorted { $0.number < $1.number } : nil
        }
    }

    /// The packets since the last keyframe, and the number of the next one.
    var joined: (cache: GOPCache, next: Int) { state.withLock { ($0.cache, $0.count) } }
}
