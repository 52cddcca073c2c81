import Sluice

/// Puts the RTP timestamps of several streams on one line of media time.
///
/// Media time begins with 0 at the first frame of any stream. A stream counts on from its first frame by its RTP clock,
/// so audio is exact to the sample; the first frame stands where its arrival says. Sender reports tell the wall time of
/// the first stream's timestamps and of another's. Then that other one is moved to where the sender has it, as soon as
/// the two differ by more than `tolerance`. So lips and audio are in step whatever the network did. The reference is
/// never moved.
public struct ReceiveTimeline: Sendable {
    private struct Stream {
        let clockRate: Int64
        /// An RTP timestamp and its place.
        var anchor: (timestamp: Int64, time: MediaTime)?
        var report: (ntp: NTPTime, timestamp: Int64)?
        var end = MediaTime.none
    }

    private var streams: [Stream]
    private let reference: Int
    private var origin: Instant?

    /// Below it sender reports say nothing: lips and audio may differ by more, and a report is no more exact.
    public static let tolerance = MediaTime.milliseconds(10)
    /// A timestamp so far ahead of its arrival, or so far back, is no hole but another count.
    static let longestHole = MediaTime.milliseconds(10_000)
    static let longestStepBack = MediaTime.milliseconds(1_000)

    /// `reference` is the index of the stream that the others follow: the audio.
    public init(clockRates: [Int], reference: Int) {
        streams = clockRates.map { Stream(clockRate: Int64(max(1, $0))) }
        self.reference = reference
    }

    /// The place of a frame.
    public struct Place: Equatable, Sendable {
        /// When the frame begins, from 0 at the first of any stream.
        public var time: MediaTime
        /// The stream's count starts over here.
        public var isRestarted = false
        /// How far the stream was moved here to be in step with the reference.
        public var shift = MediaTime.zero
    }

    /// Where a frame with this unwrapped timestamp, whose first packet came at `arrival`, stands.
    public mutating func place(_ timestamp: Int64, stream index: Int, arrival: Instant, duration: MediaTime) -> Place {
        let began = origin ?? arrival
        origin = began
        let arrived = max(.zero, MediaTime(arrival - began))
        var place = Place(time: .zero)
        if let anchor = streams[index].anchor {
            place.time = time(timestamp, anchor, streams[index].clockRate)
            let end = streams[index].end
            let isBack = end.isKnown && place.time < end - ReceiveTimeline.longestStepBack
            if isBack || place.time > max(arrived, end) + ReceiveTimeline.longestHole { place.isRestarted = true }
        }
        if streams[index].anchor == nil || place.isRestarted {
            // A new count goes on behind the old one.
            place.time = max(arrived, streams[index].end.isKnown ? streams[index].end : .zero)
            streams[index].anchor = (timestamp, place.time)
            if place.isRestarted { streams[index].report = nil }
        }
        if let wanted = wanted(timestamp, index) {
            let shift = wanted - place.time
            let distance = shift.ticks.magnitude
            if distance > ReceiveTimeline.tolerance.ticks.magnitude,
                distance < ReceiveTimeline.longestHole.ticks.magnitude
            {
                place.shift = shift
                place.time = wanted
                streams[index].anchor = (timestamp, wanted)
            }
        }
        let end = place.time + duration
        streams[index].end = max(streams[index].end.isKnown ? streams[index].end : end, end)
        return place
    }

    /// Another source, or new numbers of the same: the next frame starts a new count.
    public mutating func restart(stream index: Int) {
        streams[index].anchor = nil
        streams[index].report = nil
    }

    /// `timestamp` is the report's, unwrapped as the stream's frames are.
    public mutating func note(_ ntp: NTPTime, timestamp: Int64, stream index: Int) {
        streams[index].report = (ntp, timestamp)
    }

    private func time(_ timestamp: Int64, _ anchor: (timestamp: Int64, time: MediaTime), _ rate: Int64) -> MediaTime {
        let step = timestamp.subtractingReportingOverflow(anchor.timestamp)
        return step.overflow ? anchor.time : anchor.time + MediaTime(step.partialValue, timescale: rate)
    }

    /// Where the sender's reports put it, seen from the reference; nil while they do not tell.
    private func wanted(_ timestamp: Int64, _ index: Int) -> MediaTime? {
        guard index != reference, let mine = streams[index].report, let other = streams[reference].report,
            let anchor = streams[reference].anchor
        else { return nil }
        let elapsed = MediaTime(Interval(nanoseconds: mine.ntp.nanoseconds(since: other.ntp)))
        let atReport = time(other.timestamp, anchor, streams[reference].clockRate) + elapsed
        return time(timestamp, (mine.timestamp, atReport), streams[index].clockRate)
    }
}
