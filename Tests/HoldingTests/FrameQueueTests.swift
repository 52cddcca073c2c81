import Holding
import Sluice
import SluiceTesting
import Testing

@Suite struct FrameQueueTests {
    private static let format = MediaFormat(codec: .vp8, video: VideoLayout(width: 64, height: 48))

    private func frame(_ index: Int, bytes: Int = 100, isKeyframe: Bool = false) -> Packet {
        let packet = Packet(format: FrameQueueTests.format, count: bytes)
        packet.header.pts = .milliseconds(Int64(index) * 40)
        packet.header.captured = Instant(nanoseconds: Int64(index) * 40_000_000)
        if isKeyframe { packet.header.flags.insert(.keyframe) }
        return packet
    }

    private func index(_ packet: Packet) -> Int { Int((packet.header.pts.milliseconds / 40).rounded()) }

    @Test func framesComeOutInOrderAndAllOfThem() {
        var queue = FrameQueue(longest: .milliseconds(10_000), mostBytes: 1 << 20, isVideo: true)
        var out: [Int] = []
        for number in 0..<500 {
            #expect(queue.append(frame(number)) == 0)
            if number % 3 == 0, let packet = queue.next() { out.append(index(packet)) }
            if number % 100 == 99 { while let packet = queue.next() { out.append(index(packet)) } }
        }
        #expect(out == Array(0..<500) && queue.isEmpty && queue.bytes == 0)
    }

    @Test func theOldestSoundGoesFirst() {
        var queue = FrameQueue(longest: .milliseconds(1_000), mostBytes: 1 << 20, isVideo: false)
        let left = (0..<100).map { queue.append(frame($0)) }.reduce(0, +)
        #expect(left == 74 && queue.count == 26)
        let first = queue.next()!
        #expect(index(first) == 74 && first.header.flags.contains(.discontinuity))
        #expect(queue.next()?.header.flags.contains(.discontinuity) == false)
    }

    @Test func picturesGoOnAtAKeyframe() {
        var queue = FrameQueue(longest: .milliseconds(2_000), mostBytes: 1 << 20, isVideo: true)
        // A keyframe each second, all pictures there or left out.
        let left = (0..<100).map { queue.append(frame($0, isKeyframe: $0 % 25 == 0)) }.reduce(0, +)
        #expect(left + queue.count == 100)
        let first = queue.next()!
        #expect(index(first) % 25 == 0 && first.header.flags.contains([.keyframe, .discontinuity]))
        while let packet = queue.next() { #expect(index(packet) > index(first)) }
        // None in sight: all goes, up to the next one.
        var few = FrameQueue(longest: .milliseconds(10_000), mostBytes: 1_000, isVideo: true)
        let lost = (1..<40).map { few.append(frame($0)) }.reduce(0, +)
        #expect(lost == 39 && few.isEmpty && few.needsKeyframe)
        #expect(few.append(frame(50, isKeyframe: true)) == 0 && !few.needsKeyframe)
        #expect(few.next()?.header.flags.contains(.discontinuity) == true)
    }
}
