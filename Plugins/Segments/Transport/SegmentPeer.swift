import Glibc
import Sluice

/// A connection, or a file: what comes from it, and what goes out to it.
final class SegmentPeer {
    enum Filling: Equatable {
        case bytes(Int)
        /// Nothing has come.
        case nothing
        case end
    }

    let number: Int
    let descriptor: Int32
    let isFile: Bool
    let receiver: SegmentReceiver
    var outbox = Outbox()
    var wantsMicrophone = false
    /// Its stream stands still: a segment waits for room.
    var isHeld = false
    /// In a file, a message whose time has not come.
    var pending: ControlMessage?
    /// When it last sent something.
    private(set) var heard: Instant
    /// It has sent a segment.
    var hasMedia = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SegmentPeer.bufferSize, alignment: 16)
    private var unread = UnsafeRawBufferPointer(start: nil, count: 0)

    private static let bufferSize = 1 << 18

    init(_ descriptor: Int32, number: Int, isFile: Bool, mostMemory: Int, _ now: Instant) {
        heard = now
        self.descriptor = descriptor
        self.number = number
        self.isFile = isFile
        receiver = SegmentReceiver(mostMemory: mostMemory)
    }

    deinit {
        buffer.deallocate()
        Glibc.close(descriptor)
    }

    /// The next event in the bytes that were read.
    func next(hasRoom: Bool, rules: inout EpochRules, fits: (Int) -> Bool) -> SegmentReceiver.Event {
        receiver.next(&unread, hasRoom: hasRoom, rules: &rules, fits: fits)
    }

    /// When it has been silent for `silence` in the middle of a message that nobody but itself holds up; nil where it
    /// is between messages.
    func silent(after silence: Interval?) -> Instant? {
        guard let silence, !isFile, !isHeld, unread.isEmpty, receiver.isWithinMessage else { return nil }
        return heard + silence
    }

    /// Reads when all that was read is used up. Never blocks on a socket, whose errors are its end.
    func fill(_ now: Instant) throws -> Filling {
        while true {
            let count = read(descriptor, buffer.baseAddress!, buffer.count)
            if count > 0 {
                unread = UnsafeRawBufferPointer(rebasing: buffer.prefix(count))
                heard = now
                return .bytes(count)
            }
            if count == 0 { return .end }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .nothing
            case _ where !isFile: return .end
            default: throw NodeError("cannot read segments: \(errorText(errno))")
            }
        }
    }

    /// Writes what waits, as far as it goes out now. False if the peer is gone.
    func flush() -> Bool {
        while !outbox.isEmpty {
            let count = outbox.withBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                outbox.remove(count)
            } else if errno != EINTR {
                return errno == EAGAIN
            }
        }
        return true
    }
}
