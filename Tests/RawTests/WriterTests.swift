import Foundation
@_spi(Host) import Sluice
import Synchronization
import TestSupport
import Testing

@testable import RawPlugin

extension RawSuite {
    /// Live writers of every kind at real FIFOs. They rest between their pictures as a camera does; no test waits for a
    /// time to pass otherwise.
    @Suite(.timeLimit(.minutes(4)), .realPeers) struct WriterTests {
        @Test func twoFIFOsOpenedOneAfterTheOtherStayTogether() throws {
            let rig = try Rig()
            let (pictures, audio) = (rig.fifo("pictures"), rig.fifo("audio"))
            let picture = noise(64 * 16 * 4)
            let samples = noise(960 * 4)
            let begin = FarSide.now
            let camera = FarSide {
                let descriptor = FarSide.open(pictures, O_WRONLY)
                for index in 0..<30 {
                    FarSide.rest(until: begin + 33_333_333 * Int64(index))
                    FarSide.write(descriptor, picture[...])
                }
                close(descriptor)
            }
            let microphone = FarSide {
                let descriptor = FarSide.open(audio, O_WRONLY)
                // Opened now, and silent for the first half second.
                for index in 25..<50 {
                    FarSide.rest(until: begin + 20_000_000 * Int64(index))
                    FarSide.write(descriptor, samples[...])
                }
                close(descriptor)
            }
            rig.make([
                (
                    RawVideoSource.self, rig.size(64, 16, "bgra").merging(["path": .string(pictures)]) { $1 },
                    Witness.self, [:]
                ),
                (RawAudioSource.self, ["path": .string(audio)], Witness.self, [:]),
            ])
            _ = try rig.execute()
            camera.join()
            microphone.join()
            let seen = Witness.byNode.withLock { $0 }
            let started = Witness.started.withLock { $0 }
            #expect(seen["output0"]?.count == 30)
            #expect(seen["output1"]?.count == 25)
            // The frame that is least late tells how far a stream is from its arrival: a busy machine delays the
            // others.
            func off(_ name: String) -> Double {
                (seen[name] ?? []).map { ($0.captured - started).seconds - $0.pts.seconds }.min() ?? .infinity
            }
            #expect(abs(off("output0")) <= 0.04)
            #expect(abs(off("output1")) <= 0.04)
            #expect(abs(off("output0") - off("output1")) <= 0.04)
            #expect(zip(seen["output0"]!, seen["output0"]!.dropFirst()).allSatisfy { $1.pts > $0.pts })
        }

        @Test func byArrivalPicturesHaveTheTimeAtWhichTheyCame() throws {
            let rig = try Rig()
            let fifo = rig.fifo("fifo")
            let picture = noise(64 * 16 * 4)
            let writer = FarSide {
                let descriptor = FarSide.open(fifo, O_WRONLY)
                let begin = FarSide.now
                for index in 0..<10 {
                    FarSide.rest(until: begin + 50_000_000 * Int64(index))
                    FarSide.write(descriptor, picture[...])
                }
                close(descriptor)
            }
            let source: Rig.Values = ["path": .string(fifo), "timestamps": .string("arrival")]
            rig.make([(RawVideoSource.self, source.merging(rig.size(64, 16, "bgra")) { $1 }, Witness.self, [:])])
            _ = try rig.execute()
            writer.join()
            let started = Witness.started.withLock { $0 }
            let seen = Witness.seen.withLock { $0 }
            #expect(seen.count == 10)
            for header in seen { #expect(header.pts == MediaTime(header.captured - started)) }
        }

        @Test func aStreamCutWithinAPictureGoesOnWithTheNextOne() throws {
            let rig = try Rig()
            let fifo = rig.fifo("fifo")
            let size = 64 * 16 * 4
            let isFound = Atomic<Bool>(false)
            rig.onEvent = { if $0.what.contains("cut within a picture") { isFound.store(true, ordering: .relaxed) } }
            let writer = FarSide {
                let descriptor = FarSide.open(fifo, O_WRONLY)
                var next = FarSide.now
                func send(_ bytes: [UInt8]) {
                    FarSide.write(descriptor, bytes[...])
                    next = max(next, FarSide.now) + 20_000_000
                    FarSide.rest(until: next)
                }
                // The first writer dies within its third picture, and nobody closes the FIFO.
                for value in [UInt8(1), 1] { send([UInt8](repeating: value, count: size)) }
                send([UInt8](repeating: 1, count: size / 3))
                var value: UInt8 = 2
                for _ in 0..<1_000 where !isFound.load(ordering: .relaxed) {
                    send([UInt8](repeating: value, count: size))
                    value = value == 2 ? 3 : 2
                }
                for _ in 0..<5 { send([UInt8](repeating: 9, count: size)) }
                close(descriptor)
            }
            let result = try rig.video(
                ["path": .string(fifo), "fps": .number(50)], ["path": .string(rig.path("out"))])
            writer.join()
            #expect(result.outcome == .finished)
            #expect(result.metric("source0", "partial_bytes") == size / 3)
            let pictures = rig.read("out")
            // Whole pictures again: each of one value.
            let last = pictures.suffix(4 * size)
            #expect(last.count == 4 * size && last.allSatisfy { $0 == 9 })
        }

        @Test(arguments: [(64, 32), (64, 8)]) func picturesOfAnotherSizeAreOneClearError(_ width: Int, _ height: Int)
            throws
        {
            let rig = try Rig()
            let fifo = rig.fifo("fifo")
            let picture = noise(640 * 360 * 3 / 2)
            let writer = FarSide {
                signal(SIGPIPE, SIG_IGN)
                let descriptor = FarSide.open(fifo, O_WRONLY)
                var next = FarSide.now
                // Until nobody reads any more: on a busy machine its rhythm is hard to see.
                for _ in 0..<6_000 {
                    guard FarSide.write(descriptor, picture[...]) else { break }
                    next = max(next, FarSide.now) + 40_000_000
                    FarSide.rest(until: next)
                }
                close(descriptor)
            }
            let result = try rig.video(
                ["path": .string(fifo), "fps": .number(25)], ["path": .string("/dev/null")], width: width * 20,
                height: height * 20, pixels: "bgra")
            writer.join()
            #expect(result.outcome == .failed)
            let bytes = width * height * 1_600
            #expect(
                result.events.contains {
                    $0.contains(
                        "the writer sends pictures of 345600 bytes; one of \(width * 20)x\(height * 20) bgra has \(bytes)"
                    )
                        && $0.contains("640x360 i420 or nv12 has that size")
                }, "\(result.events)")
        }

        @Test func fullHDPicturesKeepUpWithThirtyASecond() throws {
            let rig = try Rig()
            let fifo = rig.fifo("fifo")
            let picture = [UInt8](repeating: 7, count: 1920 * 1080 * 4)
            let writer = FarSide {
                let descriptor = FarSide.open(fifo, O_WRONLY)
                for _ in 0..<60 { FarSide.write(descriptor, picture[...]) }
                close(descriptor)
            }
            let source: Rig.Values = ["path": .string(fifo)]
            rig.make([(RawVideoSource.self, source.merging(rig.size(1920, 1080, "bgra")) { $1 }, Witness.self, [:])])
            _ = try rig.execute()
            writer.join()
            let seen = Witness.seen.withLock { $0 }
            #expect(seen.count == 60)
            let time = (seen[59].captured - seen[0].captured).seconds
            #expect(time < 59.0 / 30, "\(time) s for 59 pictures")
        }
    }
}
