import RTP
import Sluice
import TestSupport
import Testing

/// A receiver tells of the streams of one transport.
@Suite struct ReceiverFeedbackTests {
    private func at(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

    /// A camera and a microphone whose packets share a count, and what their receiver says in return.
    private final class Transport {
        var feedback: ReceiverFeedback
        let video, audio: StreamReceiver
        private var camera = StreamSender(
            .vp8, payloadType: 96, ssrc: 5, sequence: 1, timestampOffset: 0,
            extensions: SenderExtensions(transportSequence: 3))
        private var microphone = StreamSender(
            .opus, payloadType: 111, ssrc: 6, sequence: 1, timestampOffset: 0,
            extensions: SenderExtensions(transportSequence: 3))
        private var count: UInt16 = 65_500
        /// Datagrams with the time of their sending, in ms.
        var told: [(at: Int, packets: [RTCPPacket], size: Int)] = []
        var keyframes = 0

        init(_ change: (inout ReceiverFeedback.Settings) -> Void) {
            var settings = ReceiverFeedback.Settings(ssrc: 9, cname: "receiver")
            change(&settings)
            feedback = ReceiverFeedback(settings)
            func receiver(_ format: PayloadFormat, _ type: UInt8, _ arrivals: ArrivalRecorder) -> StreamReceiver {
                var settings = StreamReceiver.Settings(format: format, payloadType: type, delay: .milliseconds(100))
                settings.sources.isTrusting = true
                settings.asksAgain = format.isVideo
                settings.transportSequence = 3
                return StreamReceiver(settings, arrivals: arrivals)
            }
            video = receiver(.vp8, 96, feedback.arrivals)
            audio = receiver(.opus, 111, feedback.arrivals)
            feedback.add(video)
            feedback.add(audio)
        }

        /// Each millisecond until `end`; of the packets those are lost that `loses`, by their count.
        func run(_ range: Range<Int>, loses: (UInt16) -> Bool = { _ in false }) {
            var room = [UInt8](repeating: 0, count: 1_200)
            for now in range {
                let time = Instant(nanoseconds: Int64(now) * 1_000_000)
                if now % 33 == 0 {
                    let isKeyframe = now % 1_980 == 0
                    let frame = MadeFrames.vp8(3_000, isKeyframe: isKeyframe, seed: now)
                    frame.withUnsafeBytes {
                        camera.begin($0, at: .milliseconds(Int64(now)), isKeyframe: isKeyframe)
                    }
                    send(&camera, &room, time, to: video, loses)
                }
                if now % 20 == 0 {
                    [0xf8, 1, 2].withUnsafeBytes {
                        microphone.begin($0, at: .milliseconds(Int64(now)), isKeyframe: true)
                    }
                    send(&microphone, &room, time, to: audio, loses)
                }
                video.release(now: time) { _ in }
                audio.release(now: time) { _ in }
                tell(now)
            }
        }

        private func send(
            _ sender: inout StreamSender, _ room: inout [UInt8], _ now: Instant, to receiver: StreamReceiver,
            _ loses: (UInt16) -> Bool
        ) {
            sender.transportSequence = count
            while let size = room.withUnsafeMutableBytes({ sender.next(into: $0, now: now) }) {
                defer { count = sender.transportSequence }
                guard !loses(sender.transportSequence &- 1) else { continue }
                Array(room.prefix(size)).withUnsafeBytes {
                    receiver.receive($0, now: now, restarted: {}) {
                        if $0.isKeyframe, $0.format == .vp8 { keyframes += 1 }
                    }
                }
            }
        }

        private func tell(_ now: Int) {
            let time = Instant(nanoseconds: Int64(now) * 1_000_000)
            while let due = feedback.due(now: time), due <= time {
                var datagram: [UInt8] = []
                guard feedback.take(into: &datagram, now: time) else { continue }
                let packets = datagram.withUnsafeBytes { RTCPPacket.parse($0) } ?? []
                told.append((now, packets, datagram.count))
            }
        }

        func times(_ isMeant: (RTCPPacket) -> Bool) -> [Int] {
            told.filter { $0.packets.contains(where: isMeant) }.map(\.at)
        }
    }

    private func isTransport(_ packet: RTCPPacket) -> Bool { if case .transport = packet { true } else { false } }
    private func isReport(_ packet: RTCPPacket) -> Bool { if case .receiverReport = packet { true } else { false } }
    private func isEstimate(_ packet: RTCPPacket) -> Bool { if case .estimate = packet { true } else { false } }
    private func isLost(_ packet: RTCPPacket) -> Bool { if case .lost = packet { true } else { false } }
    private func isPictureLoss(_ packet: RTCPPacket) -> Bool {
        if case .pictureLoss = packet { true } else { false }
    }

    @Test func arrivalsAreToldFromTheFirstPacketOnEach50To100Ms() {
        let transport = Transport { ($0.tellsArrivals, $0.isReduced) = (true, true) }
        transport.run(0..<5_000) { $0 % 50 == 7 }
        let times = transport.times(isTransport)
        #expect(times.first == 60)
        #expect(zip(times, times.dropFirst()).allSatisfy { (50...100).contains($1 - $0) })
        // Each number of both streams once, without a hole; the lost ones are told as missing.
        var numbers: [UInt16] = []
        var missing: [UInt16] = []
        for case .transport(let feedback) in transport.told.flatMap(\.packets) {
            for (offset, arrival) in feedback.arrivals.enumerated() {
                numbers.append(feedback.base &+ UInt16(offset))
                if arrival == TransportFeedback.missing { missing.append(numbers.last ?? 0) }
            }
        }
        #expect(numbers.elementsEqual((0..<numbers.count).map { 65_500 &+ UInt16($0) }) && numbers.count > 600)
        #expect(missing.allSatisfy { $0 % 50 == 7 } && missing.count > 10)
    }

    @Test func theMostIsToldEachSecondAndAtOnceWhereItChanges() {
        let transport = Transport { $0.most = 1_500_000 }
        transport.run(0..<3_500)
        transport.feedback.settings.most = 700_000
        transport.run(3_500..<5_000)
        #expect(transport.times(isEstimate) == [0, 1_000, 2_000, 3_000, 3_500, 4_500])
        let all = transport.told.flatMap(\.packets).compactMap { packet -> ReceiverEstimate? in
            if case .estimate(let estimate) = packet { estimate } else { nil }
        }
        #expect(all.map(\.bitsPerSecond) == [1_500_000, 1_500_000, 1_500_000, 1_500_000, 700_000, 700_000])
        #expect(all.dropFirst().allSatisfy { $0.sources == [5, 6] && $0.sender == 9 })
    }

    @Test func whatIsMissingIsAskedForAndWhereItDoesNotComeAKeyframeIs() {
        let transport = Transport { $0.isReduced = true }
        // One packet of video; everything for half a second.
        transport.run(0..<4_000) { $0 == 65_510 }
        let asked = transport.times(isLost)
        #expect(asked.count == 2 && asked.allSatisfy { $0 < 200 })
        // The picture is given up 100 ms after a later packet; then asked for until the next keyframe at 1,980 ms.
        let lost = transport.times(isPictureLoss)
        #expect(lost.count == 4 && zip(lost, lost.dropFirst()).allSatisfy { $1 - $0 == 500 } && lost[0] < 250)
        #expect(transport.keyframes == 3 && transport.feedback.counts.picturesLost == 4)
        transport.feedback.askKeyframe(of: transport.video)
        transport.run(4_000..<4_100)
        #expect(transport.times(isPictureLoss).count == 5)
    }

    @Test func reportsComeAboutEachSecondOnAllStreams() {
        let transport = Transport { _ in }
        transport.run(0..<10_000)
        let times = transport.times(isReport)
        #expect((7...14).contains(times.count))
        #expect(zip(times, times.dropFirst()).allSatisfy { (500...1_500).contains($1 - $0) })
        for case .receiverReport(9, let blocks) in transport.told.dropFirst().flatMap(\.packets) {
            #expect(blocks.map(\.ssrc) == [5, 6])
        }
    }

    @Test(arguments: [false, true]) func feedbackStandsBehindAReportUnlessItMayStandAlone(_ isReduced: Bool) {
        let transport = Transport { ($0.isReduced, $0.tellsArrivals) = (isReduced, true) }
        transport.run(0..<3_000) { $0 % 20 == 3 }
        #expect(transport.told.count > 40)
        let alone = transport.told.count { !isReport($0.packets[0]) }
        #expect(isReduced ? alone > transport.told.count / 2 : alone == 0)
        #expect(transport.told.allSatisfy { $0.size <= 1_200 })
    }

    @Test func whatDoesNotFitInOneDatagramGoesInTheNext() {
        let transport = Transport {
            ($0.tellsArrivals, $0.isReduced, $0.mtu, $0.most) = (true, true, 80, 1_000_000)
        }
        transport.run(0..<1_000) { $0 % 3 == 0 }
        #expect(transport.told.allSatisfy { $0.size <= 80 || $0.packets.count == 1 })
        let together = Dictionary(grouping: transport.told, by: \.at).values.map(\.count)
        #expect(together.contains { $0 > 1 })
    }

    @Test func beforeASourceSpeaksNothingIsTold() {
        var feedback = ReceiverFeedback(.init(ssrc: 9, cname: "receiver"))
        feedback.settings.most = 1_000_000
        feedback.add(ReceiverBench(.vp8, isAuthenticated: true).receiver)
        var datagram: [UInt8] = []
        #expect(feedback.due(now: at(0)) == nil)
        let isTold = feedback.take(into: &datagram, now: at(5_000))
        #expect(!isTold && datagram.isEmpty)
    }

    @Test func manyArrivalsAreToldInDatagramsThatFit() {
        let recorder = ArrivalRecorder()
        for index in 0..<5_000 { recorder.note(UInt16(truncatingIfNeeded: 60_000 + index), at: at(index * 70)) }
        let made = recorder.take(sender: 1, media: 2)
        #expect(made.reduce(0) { $0 + $1.arrivals.count } == 5_000)
        for feedback in made {
            var bytes: [UInt8] = []
            RTCPPacket.transport(feedback).append(to: &bytes)
            #expect(bytes.count <= 1_000)
        }
    }
}
