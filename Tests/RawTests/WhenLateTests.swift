import Foundation
@_spi(Host) import Sluice
import Testing

@testable import RawPlugin

/// Takes one item each 300 ms, as an encoder that is too slow does.
final class SlowWitness: Node {
    static let descriptor = NodeDescriptor("slow-witness", summary: "Notes headers, slowly")
    let input = Input<MediaItem>("in")
    private var context: NodeContext!
    private var free = Instant(nanoseconds: 0)
    init() {}
    func prepare(_ context: NodeContext) {
        self.context = context
        Witness.byNode.withLock { $0[context.name] = [] }
    }
    func process(now: Instant) {
        guard now >= free else { return context.wake(at: free) }
        guard let item = input.next() else { return }
        Witness.byNode.withLock { $0[context.name, default: []].append(item.header) }
        free = now + .milliseconds(300)
        context.wake(at: free)
    }
    func finish(now: Instant) -> Bool {
        process(now: now)
        return input.isEnded
    }
}

extension RawSuite {
    /// Pictures at 30 a second and audio come through FIFOs for a second and a half; three pictures a second are taken.
    @Suite(.timeLimit(.minutes(30))) struct WhenLateTests {
        private func run(_ rule: String) throws -> (
            Rig, Rig.Result, video: [MediaItem.Header], audio: [MediaItem.Header]
        ) {
            let rig = try Rig()
            let (pictures, samplesFIFO) = (rig.fifo("pictures"), rig.fifo("audio"))
            // More than half of what a pipe holds: its writer is held soon.
            let picture = noise(640 * 360 * 3 / 2)
            let samples = noise(960 * 4)
            let begin = FarSide.now
            func writer(_ path: String, _ bytes: [UInt8], _ count: Int, _ step: Int64) -> FarSide {
                FarSide {
                    signal(SIGPIPE, SIG_IGN)
                    let descriptor = FarSide.open(path, O_WRONLY)
                    for index in 0..<count {
                        FarSide.rest(until: begin + step * Int64(index))
                        guard FarSide.write(descriptor, bytes[...]) else { break }
                    }
                    close(descriptor)
                }
            }
            let writers = [writer(pictures, picture, 45, 33_333_333), writer(samplesFIFO, samples, 75, 20_000_000)]
            let size = rig.size(640, 360, "i420")
            rig.make([
                (
                    RawVideoSource.self,
                    size.merging(["path": .string(pictures), "when_late": .string(rule)]) { $1 }, SlowWitness.self, [:]
                ),
                (RawAudioSource.self, ["path": .string(samplesFIFO), "when_late": .string(rule)], Witness.self, [:]),
            ])
            let result = try rig.execute()
            for writer in writers { writer.join() }
            let seen = Witness.byNode.withLock { $0 }
            return (rig, result, seen["output0"] ?? [], seen["output1"] ?? [])
        }

        private func length(_ headers: [MediaItem.Header]) -> Double {
            guard let first = headers.first, let last = headers.last else { return 0 }
            return (last.pts + last.duration - first.pts).seconds
        }

        @Test func slippingLosesNothingAndTheStreamsAreAsLong() throws {
            let (_, result, video, audio) = try run("slip")
            #expect(result.outcome == .finished, "\(result.events)")
            #expect(video.count == 45 && audio.count == 75)
            // They were 9 s of pictures beside 1.5 s of audio.
            #expect(abs(length(video) - 1.5) < 0.15, "\(length(video)) s")
            #expect(abs(length(audio) - 1.5) < 0.15, "\(length(audio)) s")
            #expect(result.events.contains { $0.contains("its writer and the other raw streams are held") })
            #expect(result.events.contains { $0.contains("what follows was too slow") })
            // The audio was not read long before its pictures. On a busy machine the first of those may come late.
            let read = audio[audio.count - 1].captured - audio[0].captured
            #expect(read.seconds > 2, "\(read.seconds) s")
        }

        @Test func leavingOutKeepsTheTimesOfBoth() throws {
            let (_, result, video, audio) = try run("drop")
            #expect(result.outcome == .finished, "\(result.events)")
            let dropped = result.metric("source0", "late_frames_dropped")
            #expect(dropped > 5 && video.count + dropped == 45, "\(dropped)")
            #expect(audio.count == 75 && result.metric("source1", "late_frames_dropped") == 0)
            #expect(abs(length(audio) - 1.5) < 0.15)
            #expect(length(video) < 2.2, "\(length(video)) s")
            #expect(result.events.contains { $0.contains("\(dropped) frames were late and left out") })
        }

        @Test func whereItIsAnErrorTheRunSaysSo() throws {
            let (_, result, _, _) = try run("fail")
            #expect(result.outcome == .failed)
            #expect(
                result.events.contains { $0.contains("s behind, and \"when_late\" is \"fail\"") }, "\(result.events)")
        }
    }
}
