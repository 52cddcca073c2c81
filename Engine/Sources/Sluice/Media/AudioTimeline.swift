extension AudioFrame {
    /// Timestamps of a stream of samples by counting them: start + count / rate, exact for every rate that divides the
    /// tick, so they step by exactly the samples sent however roughly a container has rounded the source's.
    public struct Timeline: Sendable {
        /// When sample 0 is heard; `none` before the start.
        public private(set) var start = MediaTime.none
        /// Samples a second of each channel; 0 before the start.
        public private(set) var rate = 0
        /// Samples of each channel since the start.
        public private(set) var count: Int64 = 0

        /// Off by more than this is a hole or a jump. Containers that count in milliseconds are off by at most 1 ms;
        /// the shortest frame that can be lost, one of Opus, lasts 2.5 ms.
        public static let tolerance = MediaTime.milliseconds(2)

        /// A timeline that has not started.
        public init() {}

        /// Starts at `start`, or at 0 where that is not known. `rate` in Hz.
        public init(start: MediaTime, rate: Int) {
            self.start = start.isKnown ? start : .zero
            self.rate = rate
        }

        /// A start is known.
        public var isStarted: Bool { start.isKnown }

        /// When the sample of this number is heard; numbers may be negative.
        public func time(of sample: Int64) -> MediaTime { start + MediaTime(sample, timescale: Int64(rate)) }

        /// When the sample after the last one counted is heard.
        public var end: MediaTime { time(of: count) }

        /// `samples` of each channel follow.
        public mutating func advance(_ samples: Int) { count &+= Int64(samples) }

        /// Samples that come with this header continue those counted. A header without a time does.
        public func isContinued(by header: MediaItem.Header) -> Bool {
            guard isStarted, !header.flags.contains(.discontinuity) else { return false }
            guard header.pts.isKnown else { return true }
            let off = header.pts.ticks.subtractingReportingOverflow(end.ticks)
            return !off.overflow && off.partialValue.magnitude <= Timeline.tolerance.ticks.magnitude
        }
    }
}
