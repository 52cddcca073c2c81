import Foundation
@_spi(Host) import Sluice
@_spi(Host) import SluiceTesting
import Synchronization
import TestSupport
import Testing

@testable import SegmentsPlugin

/// The output of a node in a run on the system clock, by the name that the test gives it.
final class Ear: Node {
    static let descriptor = NodeDescriptor("ear", summary: "Notes what it gets")
    let input = Input<MediaItem>("in")
    @Parameter("name", help: "of the notes") var name: String

    struct Note: Sendable {
        let pts: MediaTime
        let epoch: UInt32
        let at: Instant
    }
    static let notes = Mutex<[String: [Note]]>([:])

    func process(now: Instant) {
        while let item = input.next() {
            let note = Note(pts: item.header.pts, epoch: item.header.epoch, at: now)
            Ear.notes.withLock { $0[name, default: []].append(note) }
        }
    }
}

/// A microphone that speaks twenty times as fast as anybody. All at once would be more than a socket holds before its
/// reader has had a turn, and the newest would be lost to a reader too.
final class Mouth: Node {
    static let descriptor = NodeDescriptor("mouth", summary: "Sends frames of audio")
    let output = Output<AudioFrame>("out", .audio([.s16]))
    let go = RecordInput("go", [.init("turn_seq", help: "any")], help: "begin")
    @Parameter("frames", default: 1_000, help: "how many") var frames: Int
    private var left = 0
    private var context: NodeContext!

    func prepare(_ context: NodeContext) { self.context = context }

    func process(now: Instant) {
        if go.take() != nil { left = frames }
        let rest = max(0, left - 10)
        if rest > 0 { context.wake(at: now + .milliseconds(10)) }
        while left > rest, output.hasRoom {
            let number = frames - left
            let frame = TestMedia.pcm(TestMedia.audio(rate: 16_000, channels: 1), samples: 320, first: number, count: 1)
            { _ in
                Double(number % 100) / 1_000
            }[0]
            output.send(frame)
            left -= 1
        }
    }
}

/// Real sockets, real time, and the Python client of the documentation as the peer.
@Suite(.timeLimit(.minutes(4)), .serialized, .realPeers) struct SocketTests {
    private let scratch: Scratch
    private let name = UUID().uuidString
    init() throws { scratch = try Scratch() }

    private struct Answer {
        let output: [String]
        let outcome: RunOutcome
        let events: [String]
        let report: [String: Any]
        let video: [Ear.Note]
        let audio: [Ear.Note]

        func metric(_ name: String) -> Int {
            let node = (report["nodes"] as? [String: Any])?["avatar"] as? [String: Any]
            return (node?["metrics"] as? [String: Any])?[name] as? Int ?? -1
        }
        /// The messages of a type that the script has printed.
        func messages(_ type: String) -> [[String: Any]] {
            output.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
                .filter { $0["type"] as? String == type }
        }
    }

    /// Runs the graph while Python runs `script`, which has `path`, the client's names and a few helpers.
    private func run(_ script: String, _ parameters: [String: ParameterValue] = [:]) throws -> Answer {
        // Short, whatever the test's folder is called: a socket's path has 107 bytes.
        let path = "/tmp/sluice-\(name.prefix(8)).sock"
        let examples = Built.root.appending(path: "docs/examples").path
        let prelude = """
            import json, os, socket, sys, threading, time
            sys.path.insert(0, \(quoted(examples)))
            sys.dont_write_bytecode = True
            from av_segments import *
            path = \(quoted(path))
            tell = lambda message: print(json.dumps(message), flush=True)
            picture = bytes([90]) * (64 * 48) + bytes([128]) * (2 * 32 * 24)
            tone = lambda ms: bytes(32 * ms)
            def connect():
                while True:
                    raw = socket.socket(socket.AF_UNIX)
                    try:
                        raw.connect(path)
                        return raw
                    except OSError:
                        raw.close()
                        time.sleep(0.01)

            """
        let file = try scratch.write("peer.py", prelude + script)
        let registry = NodeRegistry()
        registry.provide(SegmentTraces.self) { SegmentTraces() }
        var graph = GraphBuilder(registry: registry)
        graph.node(
            "avatar", AVSegments.self, parameters.merging(["socket": .string(path)]) { given, _ in given })
        graph.node("mouth", Mouth.self)
        graph.node("video", Ear.self, ["name": .string(name + "video")])
        graph.node("audio", Ear.self, ["name": .string(name + "audio")])
        graph.edge("mouth.out -> avatar.microphone")
        graph.edge("avatar.video -> video.in")
        graph.edge("avatar.audio -> audio.in")
        graph.control("avatar.feedback -> mouth.go", .record)
        var options = RunOptions()
        // A script that hangs does not hang the tests.
        options.duration = .seconds(70)
        let run = GraphRun(graph.plan, registry: registry, options: options)
        let output = Mutex<String>("")
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let result = try? CommandRun(
                ["-k", "2", "60", "/usr/bin/python3", file.path], executable: URL(filePath: "/usr/bin/timeout"))
            output.withLock { $0 = (result?.output ?? "") + (result?.errors ?? "no python") }
            // The microphone never ends, and it holds the node that is otherwise done.
            run.stop()
            done.signal()
        }
        let outcome = try run.execute()
        done.wait()
        let report = try JSONSerialization.jsonObject(with: Data(run.report.utf8)) as? [String: Any] ?? [:]
        let notes = Ear.notes.withLock { $0 }
        return Answer(
            output: output.withLock { $0 }.split(separator: "\n").map(String.init), outcome: outcome,
            events: (report["events"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String },
            report: report, video: notes[name + "video"] ?? [], audio: notes[name + "audio"] ?? [])
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    @Test func aConversationOverTheSocket() throws {
        let answer = try run(
            """
            with AVSegments(path, on_message=tell) as avatar:
                now = time.time() * 1000
                for number in 1, 2:
                    avatar.send_segment(video=picture * 5, audio=tone(200), width=64, height=48, sample_rate=16000,
                                        epoch=1, segment_seq=number, trace_label="hello", user_final_at=now)
                avatar.fence("first", timeout=5)
                avatar.calibration(True)
                for number in 3, 4, 5:
                    avatar.send_segment(video=picture * 25, audio=tone(1000), width=64, height=48, sample_rate=16000,
                                        epoch=1, segment_seq=number)
                avatar.interrupt(2)
                avatar.send_segment(audio=tone(100), sample_rate=16000, epoch=1)
                avatar.send_segment(audio=tone(100), sample_rate=16000, epoch=2, segment_seq=1)
                avatar.interrupt(2)
                tell({**avatar.drain(timeout_ms=5000), "type": "drain answer"})
            """)
        #expect(answer.outcome == .finished, "\(answer.output)")
        #expect(answer.messages("segment").compactMap { $0["segment_seq"] as? Int }.starts(with: [1, 2, 3]))
        #expect(answer.messages("segment").last?["turn_seq"] as? Int == 2)
        #expect(answer.messages("fence").map { $0["id"] as? String } == ["first"])
        let third = answer.messages("segment").first { $0["segment_seq"] as? Int == 3 }
        #expect(third?["marker_id"] as? Int == 1)
        #expect(third?["marker_media_time_ms"] as? Double == 480)
        #expect(answer.messages("trace").prefix(1).map { $0["event"] as? String } == ["segment_enqueued"])
        #expect(answer.messages("interrupted").map { $0["epoch"] as? Int } == [2])
        #expect(
            answer.messages("error").map { $0["what"] as? String } == [
                "an interruption to epoch 2 is ignored: the session is at epoch 2"
            ])
        #expect(answer.messages("drain answer").map { $0["complete"] as? Bool } == [true])
        #expect(answer.metric("stale_segments") == 1)
        // Two segments of five pictures, a few of the third, nothing behind the interruption.
        #expect((10...13).contains(answer.video.count))
        #expect(answer.audio.last?.epoch == 2)
        // Five pieces of the last segment behind one that faded.
        #expect(answer.audio.filter { $0.epoch == 2 }.count == 6)
        for (before, note) in zip(answer.audio, answer.audio.dropFirst()) { #expect(note.pts > before.pts) }
    }

    @Test func aWriterIsHeldWhileTwoSegmentsWaitAndAnotherConnectionStillInterrupts() throws {
        let answer = try run(
            """
            raw = connect()
            started = time.monotonic()
            big = segment_bytes(video=(bytes(320 * 240 * 3 // 2)) * 10, width=320, height=240, epoch=1)
            def write():
                for _ in range(4):
                    raw.sendall(big)
                tell({"type": "written", "after": time.monotonic() - started})
            writer = threading.Thread(target=write)
            writer.start()
            with AVSegments(path, on_message=tell) as control:
                # The third that waits is held until the first has been played, 400 ms later.
                writer.join()
                raw.sendall(big)
                before = time.monotonic()
                control.interrupt(9)
                raw.sendall(big)
                raw.sendall(big)
                tell({"type": "read over", "after": time.monotonic() - before})
                tell({**control.drain(timeout_ms=3000), "type": "end"})
            raw.close()
            """)
        let written = answer.messages("written").first?["after"] as? Double ?? 0
        #expect(written > 0.3, "\(answer.output)")
        #expect(answer.messages("read over").count == 1)
        #expect(answer.messages("interrupted").count == 1)
        #expect(answer.messages("end").first?["complete"] as? Bool == true)
        #expect(answer.video.count < 30)
        #expect(answer.metric("stale_segments") >= 2)
        #expect(answer.outcome == .finished)
    }

    @Test func aPeerThatDiesWithinASegmentIsToldOnceAndTheNextGoesOn() throws {
        let answer = try run(
            """
            raw = connect()
            data = segment_bytes(audio=tone(200), sample_rate=16000)
            raw.sendall(data)
            raw.sendall(data[:-1000])
            raw.close()
            with AVSegments(path, on_message=tell) as avatar:
                avatar.send_segment(audio=tone(100), sample_rate=16000)
                avatar.fence(7)
                avatar.drain()
            """, ["on_end": "wait"])
        #expect(answer.audio.count == 15, "\(answer.output)")
        #expect(
            answer.events.filter { $0.contains("left after 5400 of the 6400 bytes of a segment, which is dropped") }
                .count
                == 1)
        #expect(answer.messages("fence").first?["id"] as? Int == 7)
    }

    @Test func garbageClosesTheConnectionThatSentItAndNoOther() throws {
        let answer = try run(
            """
            with AVSegments(path, on_message=tell) as avatar:
                raw = connect()
                raw.sendall(b"GET /index.html HTTP/1.1\\r\\nHost: avatar\\r\\n\\r\\n")
                raw.settimeout(5)
                reply = b""
                while True:
                    piece = raw.recv(65536)
                    if not piece:
                        break
                    reply += piece
                tell({"type": "reply", "text": reply.decode(errors="replace")})
                avatar.send("fence")
                avatar._write(segment_bytes(audio=tone(100), sample_rate=16000)[:-2] + b"")
                avatar._write(b"\\0\\0")
                tell({**avatar.drain(), "type": "end"})
            """)
        let reply = answer.messages("reply").first?["text"] as? String ?? ""
        #expect(reply.contains("no message begins with the bytes 47 45 54 20"), "\(answer.output)")
        #expect(answer.messages("error").map { $0["what"] as? String } == ["a fence has no id"])
        #expect(answer.messages("end").count == 1)
        #expect(answer.audio.count == 5)
    }

    @Test func theMicrophoneReachesWhoAsksForItAndDropsTheNewestWhereNobodyReads() throws {
        let answer = try run(
            """
            deaf = connect()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(message_bytes("microphone", on=True))
            heard = []
            full = threading.Event()
            def hear(seconds, samples):
                heard.append((seconds, len(samples), samples[0] | samples[1] << 8))
                # 531 kB: more than a socket's buffer of 213 kB and 64 frames of 664 bytes hold, however they are packed.
                if len(heard) == 800: full.set()
            with AVSegments(path, on_microphone=hear) as avatar:
                avatar.fence(1)
                # The one control link of this graph: it lets the microphone speak.
                avatar.av_sync_feedback(1, 120, 80, "video_late_audio_leads")
                full.wait(30)
            tell({"type": "heard", "count": len(heard), "first": heard[0], "second": heard[1]})
            deaf.close()
            """)
        let heard = try #require(answer.messages("heard").first, "\(answer.output)")
        #expect((heard["count"] as? Int ?? 0) >= 300)
        #expect(heard["first"] as? [Double] == [0, 640, 0])
        #expect(heard["second"] as? [Double] == [0.02, 640, 33])
        #expect(answer.metric("microphone_frames") >= 300)
        // A socket's buffer and 64 frames, then the newest go.
        #expect(answer.metric("microphone_dropped") > 0)
    }

    /// Peers that stop in the middle of a segment would keep the places of all segments.
    @Test func aPeerThatStopsWithinAMessageIsLetGoAndOthersGoOn() throws {
        let answer = try run(
            """
            raws = [connect() for _ in range(3)]
            data = segment_bytes(audio=tone(200), sample_rate=16000)
            for raw in raws: raw.sendall(data[:-1000])
            for raw in raws:
                raw.settimeout(10)
                reply = b""
                while True:
                    piece = raw.recv(65536)
                    if not piece:
                        break
                    reply += piece
                tell({"type": "reply", "text": reply.decode(errors="replace")})
            with AVSegments(path, on_message=tell) as avatar:
                avatar.send_segment(audio=tone(100), sample_rate=16000)
                tell({**avatar.drain(), "type": "end"})
            """, ["on_end": "wait", "peer_timeout_ms": 100])
        let replies = answer.messages("reply").compactMap { $0["text"] as? String }
        #expect(replies.count == 3, "\(answer.output)")
        for reply in replies { #expect(reply.contains("nothing came for 100 ms in the middle of a message")) }
        #expect(answer.messages("end").first?["complete"] as? Bool == true)
        #expect(answer.audio.count == 5)
    }

    @Test func fencesWithoutEndAreRefusedWithASentence() throws {
        let answer = try run(
            """
            answered = []
            done = threading.Event()
            def hear(message):
                tell(message)
                if message["type"] == "fence": answered.append(message)
                if len(answered) == 64: done.set()
            with AVSegments(path, on_message=hear) as avatar:
                avatar.send_segment(audio=tone(1000), sample_rate=16000)
                for number in range(200): avatar.send("fence", id=number)
                done.wait(10)
            """)
        let refused = answer.messages("error").compactMap { $0["what"] as? String }
        #expect(refused.count == 136, "\(answer.output.suffix(5))")
        #expect(refused.allSatisfy { $0.hasPrefix("64 fences and drains of this peer wait already") })
        #expect(answer.messages("fence").count == 64)
        #expect(answer.outcome == .finished)
    }

    @Test func oneConnectionMoreThanAllowedWaits() throws {
        let answer = try run(
            """
            first = connect()
            second = connect()
            second.sendall(segment_bytes(audio=tone(100), sample_rate=16000))
            second.settimeout(0.3)
            try:
                tell({"type": "second", "heard": len(second.recv(100))})
            except socket.timeout:
                tell({"type": "second", "heard": 0})
            first.close()
            second.settimeout(10)
            tell({"type": "second", "heard": len(second.recv(100))})
            second.sendall(message_bytes("drain", timeout_ms=5000))
            told = b""
            while b"drained" not in told:
                told += second.recv(65536)
            second.close()
            """, ["on_end": "wait", "max_peers": 1])
        #expect(answer.messages("second").compactMap { $0["heard"] as? Int }.map { $0 > 0 } == [false, true])
        #expect(answer.audio.count == 5, "\(answer.output)")
    }
}
