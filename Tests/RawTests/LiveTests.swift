import Foundation
import Net
@_spi(Host) import Sluice
import Synchronization
import TestSupport
import Testing

@testable import RawPlugin

extension RawSuite {
    /// Real FIFOs and sockets under the system clock. Nothing waits for a time: every step follows from the one before.
    @Suite(.timeLimit(.minutes(4)), .realPeers) struct LiveTests {
        let frame = 64 * 16 * 4

        @Test func throughAFIFOAndASocketInOneGraph() throws {
            let rig = try Rig()
            let media = noise(640 * 360 * 4 * 8)
            let size = rig.size(640, 360, "bgra")
            let input = rig.write("in", media)
            let fifo = rig.fifo("fifo")
            rig.make([
                (
                    RawVideoSource.self, size.merging(["path": .string(fifo)]) { $1 }, RawVideoOutput.self,
                    ["path": .string(rig.path("a"))]
                ),
                (
                    RawVideoSource.self, size.merging(["path": .string(input)]) { $1 }, RawVideoOutput.self,
                    ["path": .string(fifo)]
                ),
                (
                    RawVideoSource.self,
                    size.merging(["path": .string(rig.path("s")), "listen": .boolean(true)]) { $1 },
                    RawVideoOutput.self, ["path": .string(rig.path("b"))]
                ),
                (
                    RawVideoSource.self, size.merging(["path": .string(input)]) { $1 }, RawVideoOutput.self,
                    ["path": .string(rig.path("s"))]
                ),
            ])
            let result = try rig.execute()
            #expect(result.outcome == .finished)
            #expect(rig.read("a") == media)
            #expect(rig.read("b") == media)
            #expect(!FileManager.default.fileExists(atPath: rig.path("s")))
        }

        @Test func anOutputThatListensServesAReader() throws {
            let rig = try Rig()
            let media = noise(frame * 50)
            let path = rig.path("s")
            let got = Mutex<[UInt8]>([])
            let reader = FarSide {
                // The socket appears when the graph is built.
                var connected: Int32?
                try? wait(for: "the socket") {
                    connected = try? LocalSocket.connect(path)
                    return connected != nil
                }
                guard let descriptor = connected else { return }
                _ = fcntl(descriptor, F_SETFL, 0)
                let bytes = FarSide.read(descriptor)
                got.withLock { $0 = bytes }
                close(descriptor)
            }
            let result = try rig.video(
                ["path": .string(rig.write("in", media))], ["path": .string(path), "listen": .boolean(true)])
            reader.join()
            #expect(result.outcome == .finished)
            #expect(got.withLock { $0 } == media)
        }

        @Test func oddPiecesFromAWriterThatDiesWithinAFrame() throws {
            let rig = try Rig()
            let media = noise(frame * 10 + 777)
            let fifo = rig.fifo("fifo")
            let writer = FarSide {
                let descriptor = FarSide.open(fifo, O_WRONLY)
                var from = 0
                var piece = 1
                while from < media.count {
                    let to = min(media.count, from + piece)
                    FarSide.write(descriptor, media[from..<to])
                    (from, piece) = (to, piece * 7 % 4_999 + 1)
                }
                close(descriptor)
            }
            let result = try rig.video(["path": .string(fifo)], ["path": .string(rig.path("out"))])
            writer.join()
            #expect(result.outcome == .finished)
            #expect(rig.read("out").elementsEqual(media.prefix(frame * 10)))
            #expect(result.metric("source0", "partial_bytes") == 777)
        }

        @Test func theNextWriterIsWaitedFor() throws {
            let rig = try Rig()
            let size = frame
            let first = noise(size + size / 2)
            let second = noise(size * 2, seed: 2)
            let (input, output) = (rig.fifo("in"), rig.fifo("out"))
            let isGone = DispatchSemaphore(value: 0)
            rig.onEvent = { if $0.what.contains("the writer is gone") { isGone.signal() } }
            rig.make([
                (
                    RawVideoSource.self,
                    rig.size(64, 16, "bgra").merging(["path": .string(input), "on_end": .string("reopen")]) { $1 },
                    RawVideoOutput.self, ["path": .string(output)]
                )
            ])
            let run = rig.run!
            let writer = FarSide {
                for media in [first, second] {
                    let descriptor = FarSide.open(input, O_WRONLY)
                    FarSide.write(descriptor, media[...])
                    close(descriptor)
                    isGone.wait()
                }
            }
            let got = Mutex<[UInt8]>([])
            let reader = FarSide {
                let descriptor = FarSide.open(output, O_RDONLY)
                var bytes = FarSide.read(descriptor, size * 3)
                run.stop()
                bytes += FarSide.read(descriptor)
                got.withLock { $0 = bytes }
                close(descriptor)
            }
            let result = try rig.execute()
            reader.join()
            isGone.signal()
            writer.join()
            #expect(result.outcome == .stopped)
            #expect(got.withLock { $0 }.elementsEqual(first.prefix(size) + second))
        }

        @Test func aWriterThatNeverComesHoldsNobodyUp() throws {
            let rig = try Rig()
            let result = try rig.video(
                ["path": .string(rig.fifo("fifo"))], ["path": .string(rig.path("out"))], duration: .milliseconds(20))
            #expect(result.outcome == .finished)
            #expect(rig.read("out").isEmpty)
        }

        @Test func aReaderThatNeverComesHoldsNobodyUp() throws {
            let rig = try Rig()
            let result = try rig.video(
                ["path": .string("/dev/zero")], ["path": .string(rig.fifo("fifo"))], duration: .milliseconds(20))
            #expect(result.outcome == .finished)
            #expect(result.events.contains { $0.contains("nobody reads \(rig.path("fifo"))") })
        }

        @Test func aReaderThatGoesAwayIsOneClearError() throws {
            let rig = try Rig()
            let fifo = rig.fifo("fifo")
            let size = frame
            let reader = FarSide {
                let descriptor = FarSide.open(fifo, O_RDONLY)
                _ = FarSide.read(descriptor, size)
                close(descriptor)
            }
            let result = try rig.video(["path": .string("/dev/zero")], ["path": .string(fifo)])
            reader.join()
            #expect(result.outcome == .failed)
            #expect(
                result.events.contains { $0.contains("the reader of \(fifo) is gone") && $0.contains("on_reader_gone") }
            )
        }

        @Test func theNextReaderGetsWholeFrames() throws {
            let rig = try Rig()
            let size = frame
            // Every frame is of one value, the next one's is another.
            let media = (0..<1_000).flatMap { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: size) }
            let fifo = rig.fifo("fifo")
            let isGone = DispatchSemaphore(value: 0)
            rig.onEvent = { if $0.what.contains("is gone; waiting") { isGone.signal() } }
            let got = Mutex<[UInt8]>([])
            let reader = FarSide {
                var descriptor = FarSide.open(fifo, O_RDONLY)
                _ = FarSide.read(descriptor, size + size / 2)
                close(descriptor)
                isGone.wait()
                descriptor = FarSide.open(fifo, O_RDONLY)
                let bytes = FarSide.read(descriptor)
                got.withLock { $0 = bytes }
                close(descriptor)
            }
            let result = try rig.video(
                ["path": .string(rig.write("in", media))], ["path": .string(fifo), "on_reader_gone": .string("wait")])
            reader.join()
            let bytes = got.withLock { $0 }
            #expect(result.outcome == .finished)
            #expect(result.metric("output0", "lost_frames") == 1)
            #expect(!bytes.isEmpty && bytes.count % size == 0)
            let values = stride(from: 0, to: bytes.count, by: size).map { bytes[$0] }
            #expect(
                stride(from: 0, to: bytes.count, by: size).allSatisfy { at in
                    bytes[at..<at + size].allSatisfy { $0 == bytes[at] }
                })
            #expect(zip(values, values.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        }

        @Test func standardInputIsReadAndPutBackAsItWas() throws {
            let rig = try Rig()
            let media = noise(3_840 * 20)
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let saved = dup(STDIN_FILENO)
            dup2(ends[0], STDIN_FILENO)
            let (reading, writing) = (ends[0], ends[1])
            let writer = FarSide {
                FarSide.write(writing, media[...])
                close(writing)
            }
            rig.make([
                (RawAudioSource.self, ["path": .string("-")], RawAudioOutput.self, ["path": .string(rig.path("out"))])
            ])
            let result = try rig.execute()
            writer.join()
            #expect(fcntl(reading, F_GETFL) & O_NONBLOCK == 0)
            dup2(saved, STDIN_FILENO)
            close(saved)
            close(reading)
            #expect(result.outcome == .finished)
            #expect(rig.read("out") == media)
        }
    }
}
