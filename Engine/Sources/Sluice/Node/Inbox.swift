import Synchronization

extension NodeContext {
    /// The one way into a node from threads that are not the engine's: libraries with callbacks and no descriptor,
    /// servers, workers. Typed, bounded and counted; each post wakes the node with `.post`.
    ///
    ///     let calls = context.inbox(of: Call.self, capacity: 64)
    ///     library.onCall { calls.post($0) }            // on the library's thread
    ///     while let call = calls.next() { … }          // in `process`
    ///
    /// Many threads post, the node's lane takes: Dmitry Vyukov's bounded MPMC queue, in which each cell carries a
    /// sequence number that says whose turn it is. No lock, and no allocation beyond what a message itself takes.
    public final class Inbox<Message: Sendable>: @unchecked Sendable {
        private struct Cell: ~Copyable {
            let sequence: Atomic<Int>
            init(_ position: Int) { sequence = Atomic(position) }
        }

        private let cells: UnsafeMutablePointer<Cell>
        private let messages: UnsafeMutablePointer<Message>
        private let mask: Int
        private let tail = Atomic<Int>(0)
        private let refused = Atomic<Int>(0)
        private let node: Handle
        private let telemetry: NodeTelemetry
        // Of the lane.
        private var head = 0
        private var toldLost = 0

        /// Messages that it holds before `post` says no: a power of two.
        public var capacity: Int { mask + 1 }

        init(_ node: Handle, capacity: Int, _ telemetry: NodeTelemetry) {
            self.node = node
            self.telemetry = telemetry
            var size = 1
            while size < min(max(capacity, 1), 1 << 20) { size *= 2 }
            mask = size - 1
            cells = .allocate(capacity: size)
            for index in 0..<size { (cells + index).initialize(to: Cell(index)) }
            messages = .allocate(capacity: size)
        }

        deinit {
            while takeFirst() != nil {}
            cells.deinitialize(count: mask + 1)
            cells.deallocate()
            messages.deallocate()
        }

        /// From any thread. False when the inbox is full: the message is not taken, and counted. The node is behind
        /// then, and what came before wakes it anyway. Harmless after the node has ended.
        @discardableResult
        public func post(_ message: Message) -> Bool {
            var position = tail.load(ordering: .relaxed)
            while true {
                let cell = cells + (position & mask)
                let difference = cell.pointee.sequence.load(ordering: .acquiring) - position
                if difference < 0 {
                    refused.wrappingAdd(1, ordering: .relaxed)
                    return false
                }
                if difference == 0 {
                    let (exchanged, original) = tail.weakCompareExchange(
                        expected: position, desired: position + 1, ordering: .relaxed)
                    if exchanged {
                        (messages + (position & mask)).initialize(to: message)
                        cell.pointee.sequence.store(position + 1, ordering: .releasing)
                        node.post()
                        return true
                    }
                    position = original
                } else {
                    position = tail.load(ordering: .relaxed)
                }
            }
        }

        /// On the node's lane: the oldest message, nil when there is none.
        public func next() -> Message? {
            let lost = lost
            if lost != toldLost {
                telemetry.counter("inbox_lost").add(lost - toldLost)
                toldLost = lost
            }
            return takeFirst()
        }

        private func takeFirst() -> Message? {
            let cell = cells + (head & mask)
            guard cell.pointee.sequence.load(ordering: .acquiring) == head + 1 else { return nil }
            let message = (messages + (head & mask)).move()
            cell.pointee.sequence.store(head + mask + 1, ordering: .releasing)
            head += 1
            return message
        }

        /// Messages that were not taken because it was full; the report shows them as `inbox_lost`. From any thread.
        public var lost: Int { refused.load(ordering: .relaxed) }
    }
}
