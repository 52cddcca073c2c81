/// Why a node was woken.
@frozen
public struct WakeReasons: OptionSet, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The first call, also after a restart.
    @inlinable public static var start: WakeReasons { WakeReasons(rawValue: 1) }
    /// A time that was asked for has come.
    @inlinable public static var timer: WakeReasons { WakeReasons(rawValue: 2) }
    /// An item, the end or a fence has come to an input that the node had found empty.
    @inlinable public static var input: WakeReasons { WakeReasons(rawValue: 4) }
    /// A full output has room.
    @inlinable public static var room: WakeReasons { WakeReasons(rawValue: 8) }
    /// A watched descriptor is ready.
    @inlinable public static var descriptor: WakeReasons { WakeReasons(rawValue: 16) }
    /// A value, a request or a record has arrived.
    @inlinable public static var control: WakeReasons { WakeReasons(rawValue: 32) }
    /// Another thread has posted, by the handle or into an inbox.
    @inlinable public static var post: WakeReasons { WakeReasons(rawValue: 64) }
    /// The session's epoch was raised.
    @inlinable public static var epoch: WakeReasons { WakeReasons(rawValue: 128) }
    /// The graph stops: a source is about to be asked to `finish`.
    @inlinable public static var stop: WakeReasons { WakeReasons(rawValue: 256) }
    /// The last dispatch used its budget up.
    @inlinable public static var more: WakeReasons { WakeReasons(rawValue: 512) }

    /// Everything sent before `OutputPort.placeFence` has left its edges.
    @inlinable public static var fence: WakeReasons { WakeReasons(rawValue: 1024) }

    public var description: String {
        let names = [
            "start", "timer", "input", "room", "descriptor", "control", "post", "epoch", "stop", "more", "fence",
        ]
        return names.enumerated().filter { rawValue & (1 << UInt32($0.offset)) != 0 }.map(\.element).joined(
            separator: "+")
    }
}
