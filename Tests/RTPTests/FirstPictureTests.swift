import RTP
import Sluice
import TestSupport
import Testing

/// The way of one who joins to the first picture, and on to the live ones.
@Suite struct FirstPictureTests {
    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    /// A stream of 30 pictures a second and 2.5 Mb/s, with a keyframe of a sixth of that every two seconds.
    private struct Stream {
        var packetizer = FramePacketizer(.vp8, limit: 1_100)
        let keyframe = 52_000
        let rest = 9_700

        static let step = 33

        mutating func frame(_ index: Int, group: Int = 60) -> GOPCache.Frame {
            let isKeyframe = index % group == 0
            let bytes = MadeFrames.vp8(isKeyframe ? keyframe : rest, isKeyframe: isKeyframe, seed: index)
            return GOPCache.Frame(
                bytes.withUnsafeBytes { packetizer.frame($0, isKeyframe: isKeyframe) },
                at: .milliseconds(Int64(index * Stream.step)))
        }
    }

    @Test func theCacheHoldsTheFramesFromTheLastKeyframeOn() {
        var (stream, cache) = (Stream(), GOPCache())
        for index in 1..<200 {
            cache.add(stream.frame(index))
            #expect(cache.frames.count == (index < 60 ? 0 : index % 60 + 1))
            #expect(cache.frames.first?.frame.isKeyframe ?? true)
            #expect(cache.bytes == cache.frames.reduce(0) { $0 + $1.frame.byteCount })
        }
        #expect(cache.bitsPerSecond.map { (2_300_000...2_900_000).contains($0) } == true && cache.dropped == 0)
    }

    @Test func aGroupThatIsTooLongOrTooLargeIsDroppedUntilTheNextKeyframe() {
        var (stream, long, large) = (Stream(), GOPCache(), GOPCache(mostBytes: 300_000))
        for index in 0..<241 {
            let frame = stream.frame(index, group: 240)
            long.add(frame)
            large.add(frame)
            if index == 100 { #expect(long.frames.count == 101 && large.frames.isEmpty) }
            // 4,000 ms are 121 steps.
            if (122..<240).contains(index) { #expect(long.frames.isEmpty) }
        }
        #expect(long.frames.count == 1 && large.frames.count == 1 && long.dropped == 1 && large.dropped == 1)
        var leaping = GOPCache()
        leaping.add(stream.frame(60))
        leaping.add(stream.frame(59))
        #expect(leaping.frames.isEmpty)
    }

    /// One packet as it went out.
    private struct Sent {
        var at: Int
        var timestamp: UInt32
        var bytes: [UInt8]
    }

    /// One joins at `join`, in ms; each millisecond what may go out does. `each` is called with what is told then.
    private func run(
        join: Int, until: Int, group: Int = 60, cache: GOPCache = GOPCache(),
        each: (inout CatchUp, Int, [Sent]) -> Void = { _, _, _ in }
    ) -> (sent: [Sent], states: [CatchUp.State]) {
        var (stream, cache) = (Stream(), cache)
        var sender = StreamSender(.vp8, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0)
        var viewer: CatchUp?
        var (sent, states): ([Sent], [CatchUp.State]) = ([], [])
        var room = [UInt8](repeating: 0, count: 1_200)
        for now in 0..<until {
            if now % Stream.step == 0 {
                let frame = stream.frame(now / Stream.step, group: group)
                cache.add(frame)
                viewer?.add(frame)
            }
            if now == join { viewer = CatchUp(cache, now: at(now)) }
            guard viewer != nil else { continue }
            var fresh: [Sent] = []
            while let size = room.withUnsafeMutableBytes({ viewer!.next(&sender, into: $0, now: at(now)) }) {
                let packet = Array(room.prefix(size))
                let header = packet.withUnsafeBytes { RTPHeader(headOf: $0) }
                fresh.append(Sent(at: now, timestamp: header?.timestamp ?? 0, bytes: packet))
            }
            if let due = viewer!.due { #expect(due > at(now)) }
            sent += fresh
            states.append(viewer!.state)
            each(&viewer!, now, fresh)
        }
        return (sent, states)
    }

    @Test(arguments: [2_030, 2_300, 2_700, 3_000, 3_400, 3_900])
    func oneWhoJoinsSeesAPictureAtOnceAndIsLiveSoon(_ join: Int) {
        let (sent, states) = run(join: join, until: join + 3_000)
        let frames = Dictionary(grouping: sent, by: \.timestamp)
        // The keyframe before is first, whole after a moment, each with its own timestamp.
        let keyframe = UInt32(60 * Stream.step * 90)
        #expect(sent[0].at == join && sent[0].timestamp == keyframe)
        #expect(frames[keyframe]!.last!.at - join <= 110)
        #expect(frames.keys.allSatisfy { $0 % UInt32(Stream.step * 90) == 0 })
        // Never faster than twice the stream's rate in 100 ms, while behind.
        let live = states.firstIndex(of: .live)!
        #expect(live < 2_000 && !states.contains(.awaitingKeyframe))
        for start in stride(from: join, to: join + live, by: 100) {
            let bits = sent.filter { ($0.at - start) >= 0 && $0.at - start < 100 }.reduce(0) { $0 + $1.bytes.count * 8 }
            #expect(bits < 640_000, "\(bits) in 100 ms")
        }
        // Then each picture goes out with the live ones, and none is missing behind the keyframe that it is live from.
        let last = Array(Set(sent.filter { $0.at >= join + live }.map(\.timestamp))).sorted()
        #expect(zip(last, last.dropFirst()).allSatisfy { $1 - $0 == UInt32(Stream.step * 90) })
        for packet in sent where packet.at > join + live + Stream.step {
            #expect(packet.at - Int(packet.timestamp / 90) < Stream.step)
        }
    }

    @Test func theEstimateBoundsTheSpeed() {
        let (sent, _) = run(join: 2_700, until: 3_200) { viewer, now, _ in
            if now == 2_700 { viewer.estimate = 1_000_000 }
        }
        let bits = sent.filter { $0.at >= 2_720 }.reduce(0) { $0 + $1.bytes.count * 8 }
        #expect((440_000...520_000).contains(bits), "\(bits)")
    }

    @Test func atTheFirstLossTheNextKeyframeIsAwaited() {
        let (sent, states) = run(join: 2_700, until: 6_000) { viewer, now, _ in
            if now == 2_800 { viewer.noteLoss() }
            if now == 5_000 { viewer.noteLoss() }
        }
        let next = 120 * Stream.step
        #expect(states[99] == .behind && states[101] == .awaitingKeyframe && states[next - 2_700] == .live)
        // The picture that was on its way is sent whole, then nothing until the keyframe.
        let between = sent.filter { $0.at > 2_900 && $0.at < next }
        #expect(between.isEmpty && sent.first { $0.at >= next }!.timestamp == UInt32(next * 90))
        // A loss later on is repaired like any other.
        #expect(states.last == .live)
    }

    @Test func oneWhoDoesNotCatchUpInTwoSecondsAwaitsTheNextKeyframe() {
        // Five seconds from keyframe to keyframe; the estimate is less than the stream.
        let (sent, states) = run(join: 500, until: 6_000, group: 150) { viewer, now, _ in viewer.estimate = 2_000_000 }
        #expect(states[1_999] == .behind && states[2_050] == .awaitingKeyframe)
        let next = 150 * Stream.step
        #expect(sent.filter { $0.at > 2_560 && $0.at < next }.isEmpty && states.last == .live)
        #expect(sent.contains { $0.at == next })
    }

    @Test func withoutACachedGroupTheNextKeyframeIsAwaited() {
        let (sent, states) = run(join: 1_000, until: 3_000, cache: GOPCache(longest: .milliseconds(500)))
        #expect(states[0] == .awaitingKeyframe && sent[0].at == 60 * Stream.step && states.last == .live)
    }

    @Test func throughANarrowLinkNothingIsLost() {
        // 2.5 Mb/s through 6 Mb/s that queues for 300 ms, wherever in the group one joins.
        for join in stride(from: 2_000, to: 4_000, by: 100) {
            var (queued, longest) = (0, 0)
            _ = run(join: join, until: join + 3_000) { _, _, fresh in
                queued = max(0, queued - 750) + fresh.reduce(0) { $0 + $1.bytes.count + 28 }
                longest = max(longest, queued)
            }
            #expect(longest <= 6_000_000 / 8 * 3 / 10, "\(longest) bytes queued")
        }
    }

    @Test func oneWhoIsUpToDateIsIdleUntilTheNextPicture() {
        var (stream, cache) = (Stream(), GOPCache())
        cache.add(stream.frame(0))
        var viewer = CatchUp(cache, now: at(0))
        var sender = StreamSender(.vp8, payloadType: 96, ssrc: 1, sequence: 0, timestampOffset: 0)
        var room = [UInt8](repeating: 0, count: 1_200)
        #expect(!viewer.isIdle)
        for now in 0..<1_000 {
            while room.withUnsafeMutableBytes({ viewer.next(&sender, into: $0, now: at(now)) }) != nil {}
        }
        #expect(viewer.state == .live && viewer.isIdle)
        viewer.add(stream.frame(1))
        #expect(!viewer.isIdle)
    }

    @Test func whatWaitsIsBounded() {
        var (stream, cache) = (Stream(), GOPCache())
        cache.add(stream.frame(0))
        var viewer = CatchUp(cache, now: at(0), mostBytes: 100_000)
        for index in 1..<50 { viewer.add(stream.frame(index)) }
        #expect(viewer.state == .awaitingKeyframe && viewer.due == nil)
        viewer.add(stream.frame(60))
        #expect(viewer.state == .live)
    }
}
